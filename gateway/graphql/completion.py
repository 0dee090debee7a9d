"""Compiles the completion of values: what happens between a resolver's result and the answer.

The GraphQL library completes one field of one object at a time. Here a selection set becomes one
function for all objects of a list: each field is a column, read and converted for all of them at
once. Only fields that are attributes of their object, or are declared pure, have columns. A column
raises an exception wherever the library would report an error; then the library completes the same
values itself, so errors are always the library's own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice, repeat
from operator import attrgetter
from types import NoneType
from typing import Any, Final, cast

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLString,
    GraphQLUnionType,
    TypeNameMetaFieldDef,
    Undefined,
    is_leaf_type,
    is_non_null_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.info import Info as StrawberryInfo

from gateway.graphql.type_guards import TypeGuard

Info = GraphQLResolveInfo[Any]
Values = Sequence[Any]
# Returns one result for each value, in the same order.
Complete = Callable[[Values, Info], Values]
# Plans of one operation, by type and selected nodes; None if the library must do it.
Plans = dict[tuple[object, ...], Complete | None]

# The key in a field's metadata that declares its resolver pure: it computes from its object and the
# request's context, without I/O and without effects, so it can run again.
PURE: Final = "pure"
# The key of the attribute that a field shows, where its name is not the field's own.
ATTRIBUTE: Final = "attribute"
_NOTHING: Final = frozenset({NoneType, type(Undefined)})
_LISTS: Final = frozenset({list, tuple})
_INTS: Final = range(-(2**31), 2**31)


class Unsupported(Exception):
    """Only the library can complete this."""


class Compiler:
    """Compiles the completion of one operation into its plans; they keep nothing of a request."""

    def __init__(self, executor: Executor[Any], plans: Plans) -> None:
        self._executor = executor
        self._plans = plans

    def find(self, kind: GraphQLOutputType, details: list[FieldDetails]) -> Complete | None:
        """Return the plan for values of a composite type that are not null; None if unsupported."""
        key = (kind, *(id(detail.node) for detail in details))
        if key not in self._plans:
            try:
                self._plans[key] = self._composite(kind, details)
            except (Unsupported, GraphQLError):
                self._plans[key] = None
        return self._plans[key]

    def _column(self, kind: GraphQLOutputType, details: list[FieldDetails]) -> Complete:
        nullable: GraphQLOutputType = kind.of_type if is_non_null_type(kind) else kind
        complete = _leaf(nullable) if is_leaf_type(nullable) else self.find(nullable, details)
        if complete is None:
            raise Unsupported
        return complete if is_non_null_type(kind) else _or_null(complete)

    def _composite(self, kind: GraphQLOutputType, details: list[FieldDetails]) -> Complete:
        if isinstance(kind, GraphQLList):
            return _list(self._column(kind.of_type, details))
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            possible = self._executor.schema.get_possible_types(kind)
            return _abstract({_origin(each): self.find(each, details) for each in possible})
        return self._object(cast("GraphQLObjectType", kind), details)

    def _object(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Complete:
        selected = self._executor.collect_subfields(kind, details)
        fields = {
            name: self._field(kind, nodes) for name, nodes in selected.grouped_field_set.items()
        }
        return _object(kind, fields)

    def _field(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Complete:
        field = self._executor.schema.get_field(kind, details[0].node.name.value)
        if field is TypeNameMetaFieldDef:
            return _constant(kind.name)
        _, defer_usage, fragment_variables = details[0]
        if field is None or field.args or defer_usage or fragment_variables:
            raise Unsupported
        read, complete = _reader(field), self._column(field.type, details)
        return lambda values, info: complete(read(values, info), info)


def _origin(kind: GraphQLObjectType) -> type:
    """Return the class whose instances are objects of the type."""
    definition = kind.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryObjectDefinition) or definition.is_type_of:
        raise Unsupported
    # An object of a generic type, such as `Edge[Secret]`, is an instance of the generic class.
    return (definition.concrete_of or definition).origin


def _reader(field: GraphQLField) -> Complete:
    """Return what resolves a field for each object of a column."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryField) or definition.extensions:
        raise Unsupported
    if field.resolve is None or field.resolve.__module__ != GraphQLCoreConverter.__module__:
        # Something else than Strawberry's own code resolves it, such as a guard.
        raise Unsupported
    attribute = definition.metadata.get(ATTRIBUTE)
    if attribute is not None:
        shown = attrgetter(attribute)
        return lambda values, _: list(map(shown, values))
    if definition.base_resolver is not None:
        return _pure(definition, definition.base_resolver)
    read = attrgetter(definition.python_name)
    return lambda values, _: list(map(read, values))


def _pure(definition: StrawberryField, resolve: StrawberryResolver[Any]) -> Complete:
    if not definition.metadata.get(PURE):
        raise Unsupported
    # Strawberry has bound it to its type.
    function = cast("Callable[..., Any]", resolve.wrapped_func)
    if resolve.info_parameter is None:
        return lambda values, _: list(map(function, values))

    def read(values: Values, info: Info) -> Values:
        request = StrawberryInfo(_raw_info=info, _field=definition)
        return [function(value, info=request) for value in values]

    return read


def _constant(text: str) -> Complete:
    return lambda values, _: [text] * len(values)


def _leaf(kind: GraphQLLeafType) -> Complete:
    coerce = kind.coerce_output_value
    if isinstance(kind, CustomGraphQLEnumType):
        members: Iterable[object] = kind.wrapped_cls
        names = {member: coerce(member) for member in members}
        return lambda values, _: list(map(names.__getitem__, values))
    is_unchanged = _UNCHANGED.get(kind, _never)

    def complete_leaves(values: Values, _: Info) -> Values:
        if is_unchanged(values):
            return values
        results = list(map(coerce, values))
        if not _NOTHING.isdisjoint(map(type, chain(values, results))):
            raise Unsupported
        return results

    return complete_leaves


def _are(kind: type) -> Callable[[Values], bool]:
    kinds = frozenset({kind})
    return lambda values: kinds.issuperset(map(type, values))


def _are_ints(values: Values) -> bool:
    return frozenset({int}).issuperset(map(type, values)) and all(map(_INTS.__contains__, values))


def _never(_: Values) -> bool:
    return False


# Says whether a scalar returns all of these values as they are.
_UNCHANGED: Final[Mapping[object, Callable[[Values], bool]]] = {
    GraphQLString: _are(str),
    GraphQLID: _are(str),
    GraphQLBoolean: _are(bool),
    GraphQLInt: _are_ints,
}


def _or_null(complete: Complete) -> Complete:
    def complete_nullable(values: Values, info: Info) -> Values:
        if NoneType not in map(type, values):
            return complete(values, info)
        present = [value for value in values if value is not None]
        results = iter(complete(present, info))
        return [None if value is None else next(results) for value in values]

    return complete_nullable


def _list(complete: Complete) -> Complete:
    def complete_lists(values: Values, info: Info) -> Values:
        if not _LISTS.issuperset(map(type, values)):
            raise Unsupported
        results = iter(complete([*chain.from_iterable(values)], info))
        return [list(islice(results, len(value))) for value in values]

    return complete_lists


def _object(kind: GraphQLObjectType, fields: Mapping[str, Complete]) -> Complete:
    origin, guard = _origin(kind), kind.is_type_of
    permits = guard.permits if isinstance(guard, TypeGuard) else None
    names = tuple(fields)

    def complete_objects(values: Values, info: Info) -> Values:
        if not {origin}.issuperset(map(type, values)) or (permits and not permits(values, info)):
            raise Unsupported
        columns = [complete(values, info) for complete in fields.values()]
        rows = zip(*columns, strict=True) if columns else repeat((), len(values))
        # Twice as fast as a comprehension, and the largest part of a plan's time.
        return list(map(dict, map(zip, repeat(names), rows)))

    return complete_objects


def _abstract(possible: Mapping[type, Complete | None]) -> Complete:
    def complete_abstract(values: Values, info: Info) -> Values:
        results: list[Any] = [None] * len(values)
        for kind in set(map(type, values)):
            at = [index for index, value in enumerate(values) if type(value) is kind]
            complete = possible.get(kind)
            if complete is None:
                raise Unsupported
            completed = complete([values[index] for index in at], info)
            for index, result in zip(at, completed, strict=True):
                results[index] = result
        return results

    return complete_abstract
