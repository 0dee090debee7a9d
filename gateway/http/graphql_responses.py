"""The JSON of GraphQL answers, the same whatever carries it."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.domain.errors import ErrorCode, GatewayError, Internal
from gateway.services.execution import ExecutionResult


def to_payload(answer: ExecutionResult) -> Mapping[str, Any]:
    """Return an answer as the object that stands in its JSON."""
    content: dict[str, Any] = {}
    if answer.errors:
        content["errors"] = answer.errors
    if not answer.is_request_error:
        content["data"] = answer.data
    if answer.extensions:
        content["extensions"] = answer.extensions
    return content


def to_json(content: Mapping[str, Any]) -> bytes:
    """Return the JSON of an answer, or of what holds one."""
    try:
        return orjson.dumps(content)
    except TypeError:
        # What a caller sent is told back in places; a lone surrogate goes back as an escape.
        return json.dumps(content).encode()


def error_entry(code: ErrorCode, message: str) -> Mapping[str, Any]:
    """Return one entry of `errors` that is about no part of a document."""
    return {"message": message, "extensions": {"code": code}}


def error_response(error: Exception) -> ExecutionResult:
    """Return the answer that tells of an error, in words of ours."""
    known = error if isinstance(error, GatewayError) else Internal()
    entry = error_entry(known.code, known.message)
    return ExecutionResult(data=None, errors=[entry], is_request_error=True)
