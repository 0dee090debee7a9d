"""The parameters of the rows: ids in paths, query parameters, and headers."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.http.requests import ORGANIZATION_HEADER
from gateway.rest import calls
from gateway.rest.calls import IDEMPOTENCY_HEADER, Binding
from gateway.rest.openapi import shapes
from gateway.rest.openapi.requests import HOLDER_SCOPE
from gateway.rest.openapi.shapes import Shape
from gateway.rest.preconditions import IF_MATCH, IF_NONE_MATCH
from gateway.rest.rows import Row

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def _query(name: str, shape: Shape, description: str, *, required: bool = True) -> Shape:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "schema": shape,
        "description": description,
    }


def _holder_in_query(scope_name: str, id_name: str) -> tuple[Shape, Shape]:
    scope = _query(scope_name, HOLDER_SCOPE, "The kind of the holder.")
    return (
        _query(id_name, shapes.ID, "The holder's id."),
        {**scope, "example": Scope.JOB},
    )


_IS_SECRET: Final = _query(
    "is_secret",
    shapes.BOOLEAN,
    "Set `false` to list only external secrets, or `true` to list all others.",
    required=False,
)
_QUERIES: Final[Mapping[Binding, tuple[Shape, ...]]] = MappingProxyType(
    {
        calls.holder_in_query: (*_holder_in_query("scope", "parent_id"), _IS_SECRET),
        calls.import_at_query: _holder_in_query("service_type", "service_id"),
    },
)


def _id_in_path(name: str, description: str) -> Shape:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": shapes.ID,
        "description": description,
    }


def _precondition(name: str, description: str) -> Shape:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": shapes.ENTITY_TAGS,
        "description": description,
    }


# The shared parameters, by the names that rows refer to.
SHARED: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        **{
            scope.id_argument: _id_in_path(scope.id_argument, f"The {scope.label}'s id.")
            for scope in LEGACY_SCOPES
        },
        "secretId": _id_in_path("secretId", "The secret's id."),
        "variableId": _id_in_path("variableId", "The secret's id."),
        ORGANIZATION_HEADER: {
            "name": ORGANIZATION_HEADER,
            "in": "header",
            "required": False,
            "schema": shapes.ID,
            "description": (
                "The organization of the request. A user of several organizations must name one; "
                "an API token belongs to only one."
            ),
        },
        IDEMPOTENCY_HEADER: {
            "name": IDEMPOTENCY_HEADER,
            "in": "header",
            "required": False,
            "schema": shapes.IDEMPOTENCY_KEY,
            "description": (
                "A key that the client chooses for this request. The same request with the same "
                "key within 24 hours takes effect once and gets the same answer. A different "
                "request with that key is refused with 409. Refusals are not stored."
            ),
        },
        IF_MATCH: _precondition(
            IF_MATCH,
            (
                "Entity tags, or `*` for any. If none of them is the current `ETag`, nothing is "
                "written and the answer is 412. A weak tag never matches, and a list's tag never "
                "matches a secret."
            ),
        ),
        IF_NONE_MATCH: _precondition(
            IF_NONE_MATCH,
            (
                "Entity tags of the client's copies, or `*` for any. If one of them is the current "
                "`ETag`, the answer is 304 without a body."
            ),
        ),
    },
)


def parameters_of(row: Row) -> list[Shape]:
    """Return all parameters of a row."""
    shared = [*_PLACEHOLDER.findall(row.path)]
    shared += [IDEMPOTENCY_HEADER] if row.takes_idempotency_key else []
    shared += [IF_MATCH] if row.takes_if_match else []
    shared += [IF_NONE_MATCH] if row.takes_if_none_match else []
    shared += [ORGANIZATION_HEADER]
    return [*map(_reference, shared), *query_parameters(row)]


def query_parameters(row: Row) -> tuple[Shape, ...]:
    """Return the query parameters of a row."""
    return _QUERIES.get(row.bind, ())


def _reference(name: str) -> Shape:
    return {"$ref": f"#/components/parameters/{name}"}
