"""Preconditions of requests (RFC 9110, section 13)."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from gateway.domain.entity_tags import EntityTags
from gateway.domain.errors import ErrorCode, GatewayError
from gateway.http.tagged import header_of
from gateway.rest.operation import Operation

IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"


class RefusedPrecondition(GatewayError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, name: str) -> None:
        taking = "GET, PUT and DELETE take" if name == IF_MATCH else "only GET takes"
        super().__init__(f"{name} cannot be used with this operation: {taking} it.")


class ChangedSince(GatewayError):
    code = ErrorCode.VERSION_CONFLICT

    def __init__(self) -> None:
        super().__init__(f"The current entity tag is not in {IF_MATCH}. Read the resource again.")


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The two headers as sent; None if absent."""

    if_match: str | None = None
    if_none_match: str | None = None

    @classmethod
    def of(cls, operation: Operation, headers: Headers) -> "Preconditions":
        """Read the preconditions of a request.

        Raises:
            RefusedPrecondition: if the operation does not support the precondition.
            InvalidInput: if a precondition is malformed.

        """
        sent = {name: header_of(headers, name) for name in (IF_MATCH, IF_NONE_MATCH)}
        takes = {IF_MATCH: operation.takes_if_match, IF_NONE_MATCH: operation.takes_if_none_match}
        for name, text in sent.items():
            if text is None:
                continue
            if not takes[name]:
                raise RefusedPrecondition(name)
            EntityTags.parse(text)
        return cls(*sent.values())

    def answer(self, body: Response, tag: str, headers: Mapping[str, str]) -> Response:
        """Return the response with its entity tag, or 304 if the client's copy is current.

        Raises:
            ChangedSince: if If-Match names another tag.

        """
        if self.if_match and not EntityTags.parse(self.if_match).match_strongly(tag):
            raise ChangedSince
        is_known = self.if_none_match and EntityTags.parse(self.if_none_match).match_weakly(tag)
        response = Response(status_code=HTTPStatus.NOT_MODIFIED) if is_known else body
        response.headers.update({"ETag": tag, **headers})
        return response
