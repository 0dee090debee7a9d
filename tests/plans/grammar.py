"""Random documents over the schema: aliases, fragments, directives, variables and arguments."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

_MAX_FIELDS: Final = 30
_MAX_DEPTH: Final = 7
# They answer something else each time, or take what others need.
_UNSTABLE: Final = frozenset({"changeCursor"})
_DESTRUCTIVE: Final = frozenset(
    {
        "deleteClaimRule",
        "deleteHolder",
        "endApiToken",
        "removeUser",
        "revokeApiToken",
        "revokeRole",
    }
)
# How often an argument is there that most documents leave out.
_SHARES: Final = {
    "last": 0.03,
    "after": 0.02,
    "before": 0.02,
    "expectedVersion": 0.05,
    "ifMatch": 0.05,
}
_TEXTS: Final = ("K_1", "K_2", "K_3", "", "1BAD", "/etc/app.conf", "QOVERY_X", "{{K_1}}")


@dataclass(frozen=True, slots=True)
class Request:
    """A document and its variables."""

    document: str
    variables: Mapping[str, Any]


@dataclass(slots=True)
class Grammar:
    """Makes the documents that one seed stands for."""

    schema: GraphQLSchema
    random: Random
    # Ids by what takes them: the name of a query, or that of an argument without its `Id`.
    ids: Mapping[str, tuple[str, ...]]
    # Arguments that a root field always has.
    fixed: Mapping[str, str] = field(default_factory=dict)
    _fields: int = 0
    _aliases: int = 0
    _fragments: list[str] = field(default_factory=list)
    _variables: dict[str, Any] = field(default_factory=dict)
    _arguments: dict[tuple[str, str], str] = field(default_factory=dict)

    def request(self, kind: str) -> Request:
        """Return a request of that kind: query, mutation or subscription."""
        self._fields = self._aliases = 0
        self._fragments, self._variables, self._arguments = [], {}, {}
        root = {
            "query": self.schema.query_type,
            "mutation": self.schema.mutation_type,
            "subscription": self.schema.subscription_type,
        }[kind]
        assert root
        roots = 1 if kind == "subscription" else self.random.choice((1, 1, 1, 2, 3))
        fields = [self._field(root, self.random.choice(self._names(root)), 0) for _ in range(roots)]
        if self._chance(0.03) and kind != "subscription":
            return Request(f"{kind} {{ __typename }}", {})
        declared = ", ".join(
            f"${name}: {'ID!' if isinstance(value, str) else 'Boolean!'}"
            for name, value in self._variables.items()
        )
        head = f"{kind} Generated({declared})" if declared else kind
        text = " ".join([f"{head} {{ {' '.join(fields)} }}", *self._fragments])
        return Request(text, self._variables)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _names(self, kind: GraphQLObjectType) -> list[str]:
        return [name for name in kind.fields if name not in _UNSTABLE]

    def _field(self, kind: Any, name: str, depth: int) -> str:
        self._fields += 1
        alias, known = "", (kind.name, name)
        # Under one name, a field has the same arguments everywhere; under an alias, its own.
        if self._chance(0.2) or depth == 0:
            self._aliases += 1
            alias, known = f"a{self._aliases}: ", (kind.name, f"{name}{self._aliases}")
        if known not in self._arguments:
            self._arguments[known] = self._call(name, kind.fields[name].args, depth)
        returned = get_named_type(kind.fields[name].type)
        inner = self._selection(returned, depth + 1) if is_composite_type(returned) else ""
        return f"{alias}{name}{self._arguments[known]}{self._directive() if depth else ''}{inner}"

    def _selection(self, kind: GraphQLNamedType, depth: int) -> str:
        return f" {{ {' '.join(self._selections(kind, depth))} }}"

    def _selections(self, kind: Any, depth: int) -> Iterator[str]:
        yield from ["__typename"] if self._chance(0.2) else []
        names = [] if not hasattr(kind, "fields") else self._names(kind)
        leaves = [name for name in names if is_leaf_type(get_named_type(kind.fields[name].type))]
        deep = [name for name in names if name not in leaves]
        yield from self.random.sample(leaves, self.random.randint(0, min(len(leaves), 6)))
        if depth < _MAX_DEPTH and self._fields < _MAX_FIELDS and deep:
            for _ in range(self.random.choice((1, 1, 2))):
                yield self._field(kind, self.random.choice(deep), depth)
        if depth < _MAX_DEPTH and self._chance(0.5 if is_abstract_type(kind) else 0.15):
            yield self._fragment(kind, depth)
        self._fields += 3
        yield self._aliased("__typename") if self._chance(0.5) or not leaves else leaves[0]

    def _aliased(self, name: str) -> str:
        self._aliases += 1
        return f"a{self._aliases}: {name}"

    def _fragment(self, kind: Any, depth: int) -> str:
        within = kind
        if is_abstract_type(kind):
            within = self.random.choice(self.schema.get_possible_types(kind))
        selection = self._selection(within, depth + 1)
        if self._chance(0.5):
            condition = f" on {within.name}" if within is not kind or self._chance(0.5) else ""
            return f"...{condition}{self._directive()}{selection}"
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {within.name}{selection}")
        spread = f"...{name}{self._directive()}"
        return f"{spread} ...{name}" if self._chance(0.2) else spread

    def _directive(self) -> str:
        if not self._chance(0.1):
            return ""
        condition = self.random.choice(("true", "false", "$b1", "$b2"))
        if condition.startswith("$"):
            self._variables.setdefault(condition[1:], self._chance(0.5))
        return f" @{self.random.choice(('skip', 'include'))}(if: {condition})"

    def _call(self, name: str, arguments: Mapping[str, GraphQLArgument], depth: int) -> str:
        given = {
            key: self._input(argument.type, name if key == "id" else key)
            for key, argument in arguments.items()
            if is_required_argument(argument) or self._chance(_SHARES.get(key, 0.15))
        }
        if depth == 0:
            given |= {key: value for key, value in self.fixed.items() if key in arguments}
            given |= {"dryRun": "true"} if name in _DESTRUCTIVE else {}
        return f"({', '.join(f'{key}: {value}' for key, value in given.items())})" if given else ""

    def _input(self, kind: GraphQLInputType, name: str) -> str:
        if isinstance(kind, GraphQLNonNull):
            return self._input(kind.of_type, name)
        if isinstance(kind, GraphQLList):
            entries = range(self.random.choice((0, 1, 2)))
            return f"[{', '.join(self._input(kind.of_type, name) for _ in entries)}]"
        if isinstance(kind, GraphQLEnumType):
            return self.random.choice([str(value) for value in kind.values])
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind)
        makers: Mapping[str, Callable[[], str]] = {
            "ID": lambda: self._id(name),
            "Int": lambda: str(self.random.choice((0, 1, 2, 3, 50, 101))),
            "Boolean": lambda: self.random.choice(("true", "false")),
            "DateTime": lambda: f'"20{self.random.choice((20, 30))}-01-02T03:04:05Z"',
        }
        return makers.get(kind.name, lambda: self._text(name))()

    def _object(self, kind: GraphQLInputObjectType) -> str:
        fields: Mapping[str, GraphQLInputField] = kind.fields
        chosen = [key for key, item in fields.items() if is_required_input_field(item)]
        chosen += [key for key in fields if key not in chosen and self._chance(0.3)]
        if kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of:
            chosen = [self.random.choice(list(fields))]
        given = [f"{key}: {self._input(fields[key].type, key)}" for key in chosen]
        return f"{{{', '.join(given)}}}"

    def _id(self, name: str) -> str:
        every = [found for ids in self.ids.values() for found in ids]
        fitting = self.ids.get(name.removesuffix("Id"), every)
        chosen = self.random.choice(every if self._chance(0.2) else fitting)
        if self._chance(0.3):
            name = f"id{len(self._variables)}"
            self._variables[name] = chosen
            return f"${name}"
        return f'"{chosen}"'

    def _text(self, name: str) -> str:
        text = self.random.choice(_TEXTS)
        if name == "key" and self._chance(0.7):
            text = f"K_{self.random.randint(1, 400)}"
        return f'"{text}"'
