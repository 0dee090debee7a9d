"""Describes the operations of the REST API as OpenAPI does."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import groupby
from types import MappingProxyType
from typing import Final

from gateway.domain.errors import ErrorCode
from gateway.http.problems import HEADERS, STATUSES
from gateway.http.problems import MEDIA_TYPE as PROBLEM_MEDIA_TYPE
from gateway.http.requests import ORGANIZATION_HEADER, REQUEST_ID
from gateway.rest.bindings import IDEMPOTENCY_HEADER
from gateway.rest.openapi.bodies import Problem, RuntimeText, VariableImportRequest
from gateway.rest.openapi.fields import Body, Json, generate_parameters
from gateway.rest.openapi.secrets import Key, SecretEditRequest, SecretRequest, Value
from gateway.rest.operation import IF_MATCH, IF_NONE_MATCH, Action, Operation

IMPORTS: Final = "Imports"
VARIABLES: Final = "Variables"
RUNTIME: Final = "Runtime"
HIERARCHY: Final = "Hierarchy"
_TAGS: Final[Mapping[Action, str]] = MappingProxyType(
    {Action.IMPORT: IMPORTS, Action.DELIVER: RUNTIME, Action.BROWSE: HIERARCHY}
)
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_SUCCESSES: Final[Mapping[HTTPStatus, str]] = MappingProxyType(
    {
        HTTPStatus.OK: "The current state.",
        HTTPStatus.CREATED: "The new secret.",
        HTTPStatus.NO_CONTENT: "The secret is deleted.",
    }
)
# By the type of the body or one that it extends, or by the action if there is no body.
_DESCRIPTIONS: Final[Mapping[type | Action, str]] = MappingProxyType(
    {
        Action.LIST: "The secrets are ordered by scope, widest first, with a target before its "
        "aliases and overrides. There are no pages. An overridden secret is listed beside its "
        "override.",
        Action.READ: "Send the `ETag` as `If-Match` to change or delete exactly this state.",
        Action.BROWSE: "The rows are ordered by name. There are no pages. Fields that are `const` "
        "are required by the original API, and not known to this gateway.",
        Action.VERSIONS: "A page has at most 100 versions. Send `next` as `after` to get the next "
        "one. Bringing a version back has no path on REST: `rollbackSecret` and `restoreSecret` on "
        "GraphQL do so.",
        Action.DELIVER: "It needs the permission `secret:deliver`, and the audit log records it. "
        "With `If-None-Match`, the answer is 304 only if every value, and every file that is "
        "included, is the same; a 304 is not recorded.",
        Action.DELETE: "The aliases and overrides of the secret are deleted in the same step. "
        "`restoreSecret` on GraphQL brings all of them back.",
        SecretRequest: "The key must be free along the chain, above and below the holder. An "
        "existing secret is never replaced.",
        SecretEditRequest: "Omitted fields stay as they are; a description of null is removed. "
        "Aliases and overrides follow their target. An override keeps its target's key. An alias, "
        "or a secret of an external manager, has no value to change.",
        Key: "An alias always follows its target, and is deleted with it. The target must belong "
        "to the holder or to one above it in its chain, and must not be an alias.",
        Value: "An override has its target's key and a value of its own. The target must belong to "
        "a holder above this one in its chain. It must be a value, a file, or a secret of an "
        "external manager.",
        VariableImportRequest: "A new key is created. A key that its scope already has is updated "
        "or skipped, a key of a wider scope is overridden, and a key of a narrower scope fails. A "
        "row fails alone, and is omitted from the answer.",
    }
)
# The errors of REST operations, in the order in which they are listed.
ERRORS: Final[Mapping[ErrorCode, str]] = MappingProxyType(
    {
        ErrorCode.BAD_USER_INPUT: "A part of the request is missing, malformed, or breaks a rule.",
        ErrorCode.SCOPE_VIOLATION: "The scope of the target does not fit: an alias needs a target "
        "of the same or a wider scope, an override one of a wider scope.",
        ErrorCode.ALIAS_OF_ALIAS: "The target is an alias.",
        ErrorCode.NOT_OVERRIDABLE: "The target is built in, an alias, or another override.",
        ErrorCode.UNAUTHENTICATED: "There is no valid credential.",
        ErrorCode.FORBIDDEN: "The credential allows reading this, but not the operation.",
        ErrorCode.ORGANIZATION_REQUIRED: "A user of several organizations must name one in "
        "`X-Organization-Id`.",
        ErrorCode.READ_ONLY: "The secret is built in and cannot be changed.",
        ErrorCode.NOT_FOUND: "No object with that id is visible here, whether or not it exists.",
        ErrorCode.DEADLINE_EXCEEDED: "The answer took too long. A change that has begun is still "
        "completed.",
        ErrorCode.CONFLICT: "The request conflicts with stored data: usually the key is taken "
        "along the chain, by the `existing_variable`; otherwise another file has the mount path, "
        "or there was a concurrent change.",
        ErrorCode.IDEMPOTENCY_CONFLICT: "The idempotency key was used for a different request.",
        ErrorCode.QUOTA_EXCEEDED: "The operator's quota of secrets is used up.",
        ErrorCode.VERSION_CONFLICT: "The current entity tag is not listed in `If-Match`.",
        ErrorCode.REFERENCE_UNRESOLVED: "A reference leads to no key of the service, and "
        "`onUnresolved` is `FAIL`.",
        ErrorCode.DELIVERY_LIMIT_EXCEEDED: "A service would see more keys or bytes than one "
        "delivery can contain.",
        ErrorCode.PAYLOAD_TOO_LARGE: "The body is larger than 1 MiB.",
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: "The body must be declared as `application/json`, in "
        "UTF-8 and without compression.",
        ErrorCode.RATE_LIMITED: "There were too many requests or wrong credentials in too short a "
        "time.",
        ErrorCode.INTERNAL: "An unexpected error occurred and was logged.",
        ErrorCode.UNAVAILABLE: "Storage is temporarily unavailable. Try the same request again "
        "later.",
    }
)


def describe_operation(operation: Operation) -> Json:
    """Return the Operation Object of an operation."""
    kinds = operation.request.__mro__ if operation.request else (operation.action,)
    named = (_reference("parameters", name) for name in _parameters(operation))
    query = generate_parameters(operation.query, "query") if operation.query else []
    body = {"requestBody": {"required": True, "content": _content(operation.request)}}
    return {
        "operationId": operation.operation_id,
        "tags": [_tag(operation)],
        "summary": operation.summary,
        "description": next(_DESCRIPTIONS[kind] for kind in kinds if kind in _DESCRIPTIONS),
        "parameters": [*named, *query],
        **(body if operation.request else {}),
        "responses": {**_successes(operation), **_errors(operation)},
    }


def describe_errors(operation: Operation) -> Json:
    """Return the error responses of an operation by their names."""
    return {_name(codes): _error_response(codes) for _, codes in error_codes(operation)}


def error_codes(operation: Operation) -> Iterator[tuple[HTTPStatus, tuple[ErrorCode, ...]]]:
    """Yield each error status of an operation, in order, with its codes."""
    has_body, makes_alias = operation.request is not None, operation.path.endswith("/alias")
    makes_override = operation.path.endswith("/override")
    # All other errors can occur in each operation.
    conditions = {
        ErrorCode.SCOPE_VIOLATION: makes_alias or makes_override,
        ErrorCode.ALIAS_OF_ALIAS: makes_alias,
        ErrorCode.NOT_OVERRIDABLE: makes_override,
        ErrorCode.READ_ONLY: operation.action is Action.DELETE
        or (has_body and operation.status is HTTPStatus.OK),
        ErrorCode.CONFLICT: not operation.is_safe,
        ErrorCode.IDEMPOTENCY_CONFLICT: not operation.is_safe,
        ErrorCode.QUOTA_EXCEEDED: has_body,
        ErrorCode.VERSION_CONFLICT: operation.takes_if_match,
        ErrorCode.REFERENCE_UNRESOLVED: operation.action is Action.DELIVER,
        ErrorCode.DELIVERY_LIMIT_EXCEEDED: has_body,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: has_body,
    }
    status_of = STATUSES.__getitem__
    codes = sorted((code for code in ERRORS if conditions.get(code, True)), key=status_of)
    return ((status, tuple(group)) for status, group in groupby(codes, status_of))


def _tag(operation: Operation) -> str:
    if operation.scope and operation.is_legacy:
        return f"{operation.scope.camel_name} secrets"
    return _TAGS.get(operation.action, VARIABLES)


def _parameters(operation: Operation) -> Iterator[str]:
    yield from _PLACEHOLDER.findall(operation.path)
    if operation.takes_idempotency_key:
        yield IDEMPOTENCY_HEADER
    if operation.takes_if_match:
        yield IF_MATCH
    if operation.takes_if_none_match:
        yield IF_NONE_MATCH
    yield ORGANIZATION_HEADER


def _successes(operation: Operation) -> Json:
    names = ["ETag"] if operation.is_safe or operation.action is Action.WRITE else []
    names += ["Cache-Control"] if operation.is_safe else []
    success: Json = {"description": _SUCCESSES[operation.status], "headers": _headers(*names)}
    text = _content(RuntimeText if operation.has_text else None, "text/plain")
    if content := _content(operation.response) | text:
        success["content"] = content
    if not operation.takes_if_none_match:
        return {str(operation.status.value): success}
    current = {"description": "The client's copy is current.", "headers": _headers(*names)}
    return {str(operation.status.value): success, "304": current}


def _errors(operation: Operation) -> Json:
    return {
        str(status.value): _reference("responses", _name(codes))
        for status, codes in error_codes(operation)
    }


def _error_response(codes: tuple[ErrorCode, ...]) -> Json:
    return {
        "description": "\n".join(f"- `{code}`: {ERRORS[code]}" for code in codes),
        "headers": _headers(*(name for code in codes for name in HEADERS.get(code, {}))),
        "content": _content(Problem, PROBLEM_MEDIA_TYPE),
    }


def _name(codes: tuple[ErrorCode, ...]) -> str:
    return ".".join(code.title().replace("_", "") for code in codes)


def _headers(*names: str) -> Json:
    return {name: _reference("headers", name) for name in (*names, REQUEST_ID)}


def _content(model: type[Body] | None, media_type: str = "application/json") -> Json:
    return {media_type: {"schema": _reference("schemas", model.__name__)}} if model else {}


def _reference(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
