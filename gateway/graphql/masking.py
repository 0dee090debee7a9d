"""Masks the top-level errors of an answer: a stable code, and no text from the request.

A library's message can quote a literal or a variable, and so a secret's value. Only the schema's
part of such a message is kept: the names of types and fields.
"""

import re
from typing import Any, Final

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from gateway.domain.errors import ErrorCode, GatewayError, Internal

_log = structlog.get_logger(__name__)

_SYNTAX: Final = "The document is not valid GraphQL."
# A name can be as long as a document.
_MAX_MESSAGE: Final = 300
_UNUSABLE: Final = "The document cannot be processed."
_WRONG_VALUE: Final = "A value does not have the type that the schema requires"
_VARIABLE: Final = re.compile(
    r"Variable '\$(?P<name>\w+)' has invalid (?:default )?value(?: at (?P<at>[\w.\[\]]+))?:"
)
_EXPECTED: Final = re.compile(
    r"Expected (?:a )?value of (?:non-null )?type '[\w!\[\]]+'"
    r"(?: to include required field '\w+'| to be an object| not to be None| to be provided)?"
)
# A null where only a field or a directive that uses the variable does not take it.
_NULL: Final = re.compile(r" has invalid value.*: Expected variable '\$(?P<name>\w+)' provided to ")
# Words of messages that quote a value from the request.
_QUOTING: Final = re.compile(r"found|cannot represent|encountered error|does not exist in")


def masked(error: GraphQLError) -> dict[str, Any]:
    """Return the error as the answer shows it."""
    code, message = _code_and_message(error)
    extensions: dict[str, Any] = {"code": code}
    if variable := _VARIABLE.match(error.message) or _NULL.search(error.message):
        extensions["variable"] = variable["name"]
    shown: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown


def _code_and_message(error: GraphQLError) -> tuple[ErrorCode, str]:
    cause = error.original_error
    if isinstance(cause, GatewayError):
        return cause.code, cause.message
    if isinstance(cause, GraphQLError | None) and (null := _NULL.search(error.message)):
        return ErrorCode.BAD_USER_INPUT, f"Variable '${null['name']}' must not be null here."
    # Without a path nothing was executed, so the request is at fault.
    if error.path is None:
        return ErrorCode.BAD_USER_INPUT, _request_error(error)
    _log.error("unexpected_error", path=error.path, exc_info=cause or error)
    return ErrorCode.INTERNAL, Internal().message


def _rule_of_a_scalar(error: GraphQLError) -> str | None:
    """Return the message of the schema's own scalar about a variable; it never quotes the value."""
    cause = getattr(error.original_error, "original_error", None)
    return cause.message if isinstance(cause, GatewayError) else None


def _request_error(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return _SYNTAX
    if not isinstance(error.original_error, GraphQLError | None):
        # Not a refusal by the library: the document broke it, e.g. with a number of 5,000 digits.
        _log.warning("refused_document", kind=type(error.original_error).__name__)
        return _UNUSABLE
    expected = _EXPECTED.search(error.message)
    what = expected[0] if expected else _WRONG_VALUE
    if variable := _VARIABLE.match(error.message):
        at = f" at {variable['at']}" if variable["at"] else ""
        return f"Variable '${variable['name']}'{at}: {_rule_of_a_scalar(error) or f'{what}.'}"
    if len(error.message) > _MAX_MESSAGE:
        return _UNUSABLE
    return f"{what}." if _QUOTING.search(error.message) else error.message
