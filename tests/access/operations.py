"""Every operation of both faces with every place where it takes an id, from schema and table."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from gateway.domain.scopes import HOLDER_SCOPES, Scope
from gateway.rest.openapi.bodies import VariableImportRequest
from gateway.rest.openapi.fields import Model
from gateway.rest.openapi.secrets import (
    Key,
    SecretEditRequest,
    SecretRequest,
    Value,
    VariableAliasRequest,
    VariableEditRequest,
    VariableOverrideRequest,
    VariableRequest,
)
from gateway.rest.operation import Operation as RestOperation
from gateway.rest.table import OPERATIONS
from tests.access.territories import Territory
from tests.contracts.walking import mutations, schema, subscriptions

Path = tuple[str, ...]
Ids = Mapping[str, str]
# What `id` or `holderId` alone names, by the query; elsewhere, a service.
_NAMED_BY: Final = {scope.field_name: scope.id_argument for scope in HOLDER_SCOPES} | {
    "secret": "secretId",
    "deletedSecret": "deletedSecretId",
    "secretVersions": "secretId",
    "restoreSecret": "deletedSecretId",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One field of a root, and one place in its arguments where an id stands."""

    kind: str
    name: str
    path: Path

    @property
    def wanted(self) -> str:
        """Under which name the ids have what belongs there."""
        if self.path[-1] in {"id", "ids", "holderId", "holderIds"}:
            return _NAMED_BY.get(self.name, "serviceId")
        if self.name in _NAMED_BY:
            return _NAMED_BY[self.name]
        return self.path[-1]

    def own(self, territory: Territory) -> str:
        """Return what a territory has for the place."""
        if self.wanted != "secretId":
            return territory.ids[self.wanted]
        scopes = [scope for scope in HOLDER_SCOPES if f"{scope.camel_name}Secret" in self.name]
        return _secret_of(territory, next(iter(scopes), None), self.name)

    def request(
        self, ids: Ids, chosen: str, *, options: Mapping[str, Any] | None = None, selected: str = ""
    ) -> Mapping[str, Any]:
        """Return the body of a request with an id at the place; everything else is in order.

        `terms` are further arguments, `selected` further fields of a mutation's payload.
        """
        field, given = _roots()[self.kind][self.name], options or {}
        wanted = {"dryRun", "holder", self.path[0], *given}
        taken = {
            name: argument
            for name, argument in field.args.items()
            if is_required_argument(argument) or name in wanted
        }
        variables = {
            name: given.get(name, self._value((name,), argument.type, ids, chosen))
            for name, argument in taken.items()
        }
        declared = ", ".join(f"${name}: {argument.type}" for name, argument in taken.items())
        passed = ", ".join(f"{name}: ${name}" for name in taken)
        answer = get_named_type(field.type)
        below = " { __typename }" if is_composite_type(answer) else ""
        if answer.name.endswith("Connection"):
            below = " { totalCount }"
        if self.kind == "mutation":
            below = f" {{ {selected} errors {{ __typename code message path }} }}"
        return {
            "query": f"{self.kind} ({declared}) {{ {self.name}({passed}){below} }}",
            "variables": variables,
        }

    def _value(self, at: Path, kind: GraphQLInputType, ids: Ids, chosen: str) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._value(at, kind.of_type, ids, chosen)
        if isinstance(kind, GraphQLList):
            return [self._value(at, kind.of_type, ids, chosen)]
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return {
                name: self._value((*at, name), field.type, ids, chosen)
                for name, field in kind.fields.items()
                if self._is_taken((*at, name), kind)
            }
        return self._scalar(at, str(kind), ids, chosen)

    def _is_taken(self, at: Path, kind: GraphQLInputObjectType) -> bool:
        is_on_the_way = self.path[: len(at)] == at
        if kind.is_one_of:
            leads_here = self.path[: len(at) - 1] == at[:-1]
            return is_on_the_way if leads_here else at[-1] == next(iter(kind.fields))
        return is_on_the_way or is_required_input_field(kind.fields[at[-1]])

    def _scalar(self, at: Path, kind: str, ids: Ids, chosen: str) -> Any:
        if kind == "ID":
            return chosen if at == self.path else ids[at[-1]]
        # The time is later than now, and earlier than the end of a token that has none.
        moment = "2090-01-01T00:00:00Z"
        return {"String": "SOME_TEXT", "Boolean": True, "Int": 1, "DateTime": moment}[kind]


def _roots() -> Mapping[str, Mapping[str, GraphQLField]]:
    query = schema().query_type
    assert query
    return {"query": query.fields, "mutation": mutations(), "subscription": subscriptions()}


def graphql_operations() -> Iterator[Operation]:
    """Give every field of the roots with every place of an id in its arguments."""
    for kind, fields in _roots().items():
        for name, field in fields.items():
            for argument, value in field.args.items():
                for path in _places((argument,), value.type):
                    yield Operation(kind, name, path)


def _places(at: Path, kind: GraphQLInputType) -> Iterator[Path]:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            yield from _places((*at, name), field.type)
    elif named.name == "ID":
        yield at


# The least that each kind of body takes; `{}` where there is none. A new kind has to be added.
BODIES: Final[Mapping[type[Model] | None, Mapping[str, Any]]] = {
    None: {},
    SecretRequest: {"key": "SOME_KEY", "value": "v"},
    SecretEditRequest: {"key": "SOME_KEY", "value": "v"},
    Value: {"value": "v"},
    Key: {"key": "SOME_KEY"},
    VariableRequest: {
        "key": "SOME_KEY",
        "value": "v",
        "is_secret": True,
        "variable_scope": "JOB",
        "variable_parent_id": "{jobId}",
    },
    VariableEditRequest: {"key": "SOME_KEY", "value": "v"},
    VariableAliasRequest: {
        "key": "SOME_KEY",
        "alias_scope": "JOB",
        "alias_parent_id": "{jobId}",
    },
    VariableOverrideRequest: {
        "value": "v",
        "override_scope": "JOB",
        "override_parent_id": "{jobId}",
    },
    VariableImportRequest: {
        "overwrite": False,
        "vars": [{"name": "SOME_KEY", "value": "v", "scope": "JOB", "is_secret": True}],
    },
}
QUERIES: Final[Mapping[str, Mapping[str, str]]] = {
    "listVariables": {"scope": "JOB", "parent_id": "{jobId}"},
    "importEnvironmentVariables": {"service_type": "JOB", "service_id": "{jobId}"},
}


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the REST table, and one place of an id: in the path, the query or the body."""

    row: RestOperation
    place: str

    def request(self, ids: Ids, chosen: str) -> Mapping[str, Any]:
        """Return a request with an id at the place; everything else is in order."""
        named = {**ids, "variableId": ids["secretId"], "key": "SOME_KEY"}
        written = {
            "url": _filled(self.row.path, named, self.place, chosen),
            "params": _filled(QUERIES.get(self.row.operation_id, {}), named, self.place, chosen),
        }
        if self.row.request:
            written["json"] = _filled(BODIES[self.row.request], named, self.place, chosen)
        return {"method": self.row.method, **written}

    def ids(self, territory: Territory) -> Ids:
        """Return what a territory has for each place."""
        own = _secret_of(territory, self.row.scope, self.row.operation_id)
        return {**territory.ids, "secretId": own}

    @property
    def wanted(self) -> str:
        """Under which name the ids have what belongs there."""
        return "secretId" if self.place == "variableId" else self.place


def _filled(part: Any, ids: Ids, place: str, chosen: str) -> Any:
    if isinstance(part, Mapping):
        return {name: _filled(value, ids, place, chosen) for name, value in part.items()}
    if not isinstance(part, str):
        return part
    return re.sub(r"{(\w+)}", lambda found: chosen if found[1] == place else ids[found[1]], part)


# A key is no id. Every principal sees its organization: test_hierarchy_lists.py has another one.
_NOT_COMPARED: Final = frozenset({"key", "organizationId"})


def rest_calls() -> Iterator[Call]:
    """Give every row of the table with every place of an id."""
    for row in OPERATIONS:
        parts = (row.path, QUERIES.get(row.operation_id, {}), BODIES[row.request])
        for place in sorted(set(re.findall(r"{(\w+)}", str(parts))) - _NOT_COMPARED):
            yield Call(row, place)


def _secret_of(territory: Territory, scope: Scope | None, name: str) -> str:
    """Return the secret that an operation can be about: the holder's own, or one above it."""
    if name.startswith("rotate"):
        return territory.provided
    is_reference = name.endswith(("Alias", "Override"))
    return territory.secrets[Scope.PROJECT if is_reference else scope or Scope.JOB]
