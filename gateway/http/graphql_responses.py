"""The JSON of GraphQL results, the same for every transport."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.domain.errors import ErrorCode, GatewayError, Internal
from gateway.services.execution import ExecutionResult


def to_payload(answer: ExecutionResult) -> Mapping[str, Any]:
    content: dict[str, Any] = {}
    if answer.errors:
        content["errors"] = answer.errors
    if not answer.is_request_error:
        content["data"] = answer.data
    if answer.extensions:
        content["extensions"] = answer.extensions
    return content


def to_json(content: Mapping[str, Any]) -> bytes:
    """Return the JSON of a result, or of an object that contains one."""
    try:
        return orjson.dumps(content)
    except TypeError:
        # Answers can contain text from the request; a lone surrogate is returned as an escape.
        return json.dumps(content).encode()


def error_entry(code: ErrorCode, message: str) -> Mapping[str, Any]:
    """Return an entry of `errors` without a location or path."""
    return {"message": message, "extensions": {"code": code}}


def error_response(error: Exception) -> ExecutionResult:
    known = error if isinstance(error, GatewayError) else Internal()
    entry = error_entry(known.code, known.message)
    return ExecutionResult(data=None, errors=[entry], is_request_error=True)
