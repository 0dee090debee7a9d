"""Builds the OpenAPI 3.1 document from the table that also builds the routes."""

from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final

from gateway.domain.errors import ErrorCode
from gateway.http.problems import HEADERS
from gateway.http.problems import MEDIA_TYPE as PROBLEM_MEDIA_TYPE
from gateway.http.requests import REQUEST_ID
from gateway.rest.openapi.answers import ANSWERS, PROBLEM
from gateway.rest.openapi.parameters import SHARED, parameters_of
from gateway.rest.openapi.prose import (
    HEADER_MEANINGS,
    INTRODUCTION,
    SECURITY_SCHEMES,
    TAG_MEANINGS,
    Tag,
    detail_of,
)
from gateway.rest.openapi.refused import REFUSALS, codes_by_status
from gateway.rest.openapi.requests import REQUESTS
from gateway.rest.openapi.shapes import Shape, reference
from gateway.rest.rows import Action, Family, Row
from gateway.rest.table import ROWS

OPENAPI_VERSION: Final = "3.1.1"
_JSON: Final = "application/json"
_SUCCESSES: Final[Mapping[HTTPStatus, str]] = MappingProxyType(
    {
        HTTPStatus.OK: "The current state.",
        HTTPStatus.CREATED: "The new secret.",
        HTTPStatus.NO_CONTENT: "The secret is deleted.",
    },
)


def openapi_document() -> dict[str, Any]:
    """Return the whole document."""
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Secrets Gateway: REST",
            "version": version("secrets-gateway"),
            "summary": "The paths of the original API, with the same services as GraphQL.",
            "description": INTRODUCTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "security": [{name: []} for name in SECURITY_SCHEMES],
        "tags": [{"name": name, "description": text} for name, text in TAG_MEANINGS.items()],
        "paths": _paths(),
        "components": {
            "schemas": {**ANSWERS, **REQUESTS},
            "parameters": dict(SHARED),
            "responses": _responses(),
            "headers": {name: _header(text) for name, text in HEADER_MEANINGS.items()},
            "securitySchemes": dict(SECURITY_SCHEMES),
        },
    }


def _paths() -> Shape:
    paths: dict[str, Shape] = {}
    for row in ROWS:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    return paths


def _operation(row: Row) -> Shape:
    return {
        "operationId": row.operation_id,
        "tags": [tag_of(row)],
        "summary": row.summary,
        "description": detail_of(row),
        "parameters": parameters_of(row),
        **(_request(row.request) if row.request else {}),
        "responses": {str(row.status.value): _success(row), **_keep(row), **_refusals(row)},
    }


def tag_of(row: Row) -> str:
    """Return the group of a row."""
    if row.action is Action.IMPORT:
        return Tag.IMPORTS
    if row.family is Family.VARIABLE or row.scope is None:
        return Tag.VARIABLES
    return Tag[row.scope]


def _request(schema: str) -> Shape:
    return {"requestBody": {"required": True, "content": _content(_JSON, schema)}}


def _content(media_type: str, schema: str) -> Shape:
    return {media_type: {"schema": reference(schema)}}


def _success(row: Row) -> Shape:
    content = {"content": _content(_JSON, row.response)} if row.response else {}
    headers = _headers(*_success_headers(row))
    return {"description": _SUCCESSES[row.status], "headers": headers, **content}


def _success_headers(row: Row) -> tuple[str, ...]:
    if row.is_safe:
        return ("ETag", "Cache-Control")
    return ("ETag",) if row.action is Action.WRITE else ()


def _keep(row: Row) -> Shape:
    if not row.takes_if_none_match:
        return {}
    headers = _headers(*_success_headers(row))
    return {"304": {"description": "The client's copy is current.", "headers": headers}}


def _refusals(row: Row) -> Shape:
    return {
        str(status.value): {"$ref": f"#/components/responses/{_name(codes)}"}
        for status, codes in codes_by_status(row)
    }


def _responses() -> Shape:
    return {_name(codes): _response(codes) for row in ROWS for _, codes in codes_by_status(row)}


def _name(codes: tuple[ErrorCode, ...]) -> str:
    return ".".join(code.title().replace("_", "") for code in codes)


def _response(codes: tuple[ErrorCode, ...]) -> Shape:
    special = [name for code in codes for name in HEADERS.get(code, {})]
    return {
        "description": "\n".join(f"- `{code}`: {REFUSALS[code].meaning}" for code in codes),
        "headers": _headers(*special),
        "content": _content(PROBLEM_MEDIA_TYPE, PROBLEM),
    }


def _headers(*special: str) -> Shape:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*special, REQUEST_ID)}


def _header(description: str) -> Shape:
    return {"description": description, "required": True, "schema": {"type": "string"}}
