"""What a document's result says: its data, or the error that becomes a problem."""

from collections.abc import Mapping
from typing import Any

from gateway.domain.errors import ErrorCode
from gateway.rest.wire import to_problem_fields
from gateway.services.execution import ExecutionResult


class ErrorInResult(Exception):
    """An error that the document's result reports; it becomes a problem."""

    def __init__(self, code: ErrorCode, detail: str, extensions: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.extensions = extensions


def data_of(result: ExecutionResult) -> Mapping[str, Any]:
    """Return the data of a result.

    Raises:
        ErrorInResult: if the document failed.

    """
    if result.data is None or result.errors:
        error = result.errors[0]
        raise ErrorInResult(ErrorCode(error["extensions"]["code"]), _detail(error), {})
    return result.data


def payload_of(result: ExecutionResult) -> Mapping[str, Any]:
    """Return the payload of a mutation.

    Raises:
        ErrorInResult: if the mutation was refused.

    """
    payload: Mapping[str, Any] = data_of(result)["payload"]
    if payload["errors"]:
        raise to_exception(payload["errors"][0])
    return payload


def to_exception(error: Mapping[str, Any]) -> ErrorInResult:
    """Return what to raise for an error of a payload."""
    return ErrorInResult(ErrorCode(error["code"]), error["message"], to_problem_fields(error))


def _detail(error: Mapping[str, Any]) -> str:
    field: str | None = error["extensions"].get("variable")
    message: str = error["message"]
    return f"The body's field `{field}` is missing or has the wrong type." if field else message
