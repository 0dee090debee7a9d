"""An operation of the REST API, and the preconditions that it takes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPMethod, HTTPStatus
from types import MappingProxyType
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from gateway.domain.entity_tags import EntityTags
from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.scopes import Scope
from gateway.http.requests import header_of
from gateway.rest.bindings import Binding, Inputs, RestRequest
from gateway.rest.openapi.fields import Body, Model, graphql_names

_STATUSES: Final[Mapping[HTTPMethod, HTTPStatus]] = MappingProxyType(
    {
        HTTPMethod.GET: HTTPStatus.OK,
        HTTPMethod.POST: HTTPStatus.CREATED,
        HTTPMethod.PUT: HTTPStatus.OK,
        HTTPMethod.DELETE: HTTPStatus.NO_CONTENT,
    }
)


class Action(Enum):
    """What an operation does. It decides how the result becomes a response."""

    LIST = auto()
    READ = auto()
    BROWSE = auto()
    VERSIONS = auto()
    DELIVER = auto()
    WRITE = auto()
    DELETE = auto()
    IMPORT = auto()


_SAFE: Final = frozenset({Action.LIST, Action.READ, Action.BROWSE, Action.VERSIONS, Action.DELIVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, with its GraphQL document and the binding of its inputs.

    `query`, `request` and `response` describe the query parameters and the bodies. `scope` is set
    if the path names the kind of holder. `is_legacy` says that secrets have the wire format
    `Secret`, not `VariableResponse`.
    """

    operation_id: str
    method: HTTPMethod
    path: str
    action: Action
    summary: str
    document: str
    bind: Binding
    is_legacy: bool = False
    scope: Scope | None = None
    query: type[Model] | None = None
    request: type[Model] | None = None
    response: type[Body] | None = None
    # Whether the body can be a plain text, instead of `response`.
    has_text: bool = False

    @property
    def status(self) -> HTTPStatus:
        return _STATUSES[self.method]

    def read(self, request: RestRequest) -> Inputs:
        """Return the inputs: the fields of the body that the document declares, and the bound ones.

        Undeclared fields are ignored, as in the original API.
        """
        fields = {name: request.body[name] for name in self.passed_fields if name in request.body}
        return fields | self.bind(request)

    @property
    def passed_fields(self) -> Collection[str]:
        """The fields of the body that are variables of the document as they are."""
        return graphql_names(self.request) if self.request else ()

    @property
    def is_safe(self) -> bool:
        return self.action in _SAFE

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether the operation writes."""
        return not self.is_safe

    @property
    def takes_if_match(self) -> bool:
        """Whether the operation reads or changes a stored object."""
        return self.method is not HTTPMethod.POST

    @property
    def takes_if_none_match(self) -> bool:
        """Whether the operation can answer 304."""
        return self.is_safe


IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"


class UnsupportedPrecondition(GatewayError):
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
            UnsupportedPrecondition: if the operation does not support the precondition.
            InvalidInput: if a precondition is malformed.

        """
        sent = {name: header_of(headers, name) for name in (IF_MATCH, IF_NONE_MATCH)}
        takes = {IF_MATCH: operation.takes_if_match, IF_NONE_MATCH: operation.takes_if_none_match}
        for name, text in sent.items():
            if text is None:
                continue
            if not takes[name]:
                raise UnsupportedPrecondition(name)
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
