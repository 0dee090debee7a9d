"""Every place of every operation that takes an input, and a request with a marker there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)

from gateway.domain.holders import new_id
from tests.audit.markers import marker_for
from tests.contracts.walking import mutations, schema, subscriptions

Path = tuple[str, ...]
Ids = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """An operation, and the path to one of its leaves."""

    operation: str
    path: Path

    def __str__(self) -> str:
        return ".".join((self.operation, *self.path))


def _fields() -> Mapping[str, GraphQLField]:
    query = schema().query_type
    assert query
    return {**query.fields, **mutations(), **subscriptions()}


def places() -> list[Place]:
    """Return every leaf of every argument of every operation."""
    return [
        Place(name, path)
        for name, field in _fields().items()
        for argument, value in field.args.items()
        for path in _leaves((argument,), value.type)
    ]


def _leaves(path: Path, kind: GraphQLInputType) -> Iterator[Path]:
    named = get_named_type(kind)
    if not isinstance(named, GraphQLInputObjectType):
        yield path
        return
    for name, field in named.fields.items():
        yield from _leaves((*path, name), field.type)


def requests(place: Place, ids: Ids) -> Iterator[tuple[str, str]]:
    """Give a place's marker with each body that carries it: as a variable, and as a literal."""
    field = _fields()[place.operation]
    for write in (_by_variables, _by_literals):
        marker = marker_for(place.path[-1])
        wanted = {
            name: argument
            for name, argument in field.args.items()
            if is_required_argument(argument)
            or name == place.path[0]
            or (name == "dryRun" and "elete" in place.operation)
        }
        values = {
            name: _filled((name,), value.type, ids, place.path, marker)
            for name, value in wanted.items()
        }
        yield marker, json.dumps(write(place.operation, field, wanted, values))


def _by_variables(
    name: str, field: GraphQLField, wanted: Mapping[str, GraphQLArgument], values: Any
) -> Any:
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in wanted.items())
    passed = ", ".join(f"{item}: ${item}" for item in wanted)
    head = f"{_keyword(name)} ({declared})" if wanted else _keyword(name)
    call = f"{name}({passed})" if wanted else name
    return {"query": f"{head} {{ {call} {_selected(name, field)} }}", "variables": values}


def _by_literals(
    name: str, field: GraphQLField, wanted: Mapping[str, GraphQLArgument], values: Any
) -> Any:
    passed = ", ".join(f"{item}: {_literal(wanted[item].type, values[item])}" for item in wanted)
    call = f"{name}({passed})" if wanted else name
    return {"query": f"{_keyword(name)} {{ {call} {_selected(name, field)} }}"}


def _keyword(name: str) -> str:
    if name in subscriptions():
        return "subscription"
    return "mutation" if name in mutations() else "query"


def _selected(name: str, field: GraphQLField) -> str:
    if name not in mutations():
        return "{ __typename }"
    payload = get_named_type(field.type)
    errors = "errors { __typename code message path }"
    return f"{{ {errors} }}" if hasattr(payload, "fields") else ""


def _filled(at: Path, kind: GraphQLInputType, ids: Ids, path: Path, marker: str) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _filled(at, kind.of_type, ids, path, marker)
    if isinstance(kind, GraphQLList):
        return [_filled(at, kind.of_type, ids, path, marker)]
    if at == path:
        return marker
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: _filled((*at, name), field.type, ids, path, marker)
            for name, field in kind.fields.items()
            if _is_given((*at, name), kind, is_required_input_field(field), path)
        }
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return _least(at[-1], str(kind), ids)


def _is_given(at: Path, parent: GraphQLInputObjectType, is_required: bool, path: Path) -> bool:  # noqa: FBT001 - a step of the walk
    leads_there = path[: len(at)] == at
    if parent.is_one_of:
        # Exactly one of them: the one with the marker, or any if it is elsewhere.
        return leads_there or (at[-1] == "projectId" and path[: len(at) - 1] != at[:-1])
    return leads_there or is_required


def _least(name: str, kind: str, ids: Ids) -> Any:
    if kind == "ID":
        return ids.get(name, new_id())
    texts = {"String": f"K_{new_id().replace('-', '')}", "DateTime": "2026-01-01T00:00:00Z"}
    return {"Boolean": True, "Int": 1, **texts}[kind]


def _literal(kind: GraphQLInputType, value: Any) -> str:
    if isinstance(kind, GraphQLNonNull):
        return _literal(kind.of_type, value)
    if isinstance(kind, GraphQLList):
        return f"[{', '.join(_literal(kind.of_type, item) for item in value)}]"
    if isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        fields = (f"{item}: {_literal(kind.fields[item].type, value[item])}" for item in value)
        return f"{{ {', '.join(fields)} }}"
    return str(value) if isinstance(kind, GraphQLEnumType) else json.dumps(value)
