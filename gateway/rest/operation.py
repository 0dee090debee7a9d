"""The type of an operation of the REST API."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPMethod, HTTPStatus
from types import MappingProxyType
from typing import Final

from gateway.domain.scopes import Scope
from gateway.rest.bindings import Binding
from gateway.rest.openapi.schemas import Model

_STATUSES: Final[Mapping[HTTPMethod, HTTPStatus]] = MappingProxyType(
    {
        HTTPMethod.GET: HTTPStatus.OK,
        HTTPMethod.POST: HTTPStatus.CREATED,
        HTTPMethod.PUT: HTTPStatus.OK,
        HTTPMethod.DELETE: HTTPStatus.NO_CONTENT,
    },
)


class Action(Enum):
    """What an operation does. It decides how the result becomes a response."""

    LIST = auto()
    READ = auto()
    WRITE = auto()
    DELETE = auto()
    IMPORT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, with its GraphQL document and the binding of its variables.

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
    bind_variables: Binding
    is_legacy: bool = False
    scope: Scope | None = None
    query: type[Model] | None = None
    request: type[Model] | None = None
    response: type[Model] | None = None
    # The fields of the body that are variables of the document as they are.
    fields: tuple[str, ...] = ()

    @property
    def status(self) -> HTTPStatus:
        return _STATUSES[self.method]

    @property
    def is_safe(self) -> bool:
        return self.action in {Action.LIST, Action.READ}

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
