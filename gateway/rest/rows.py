"""The type of a row of the REST table."""

from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPMethod, HTTPStatus

from gateway.domain.scopes import Scope
from gateway.rest.calls import Binding
from gateway.rest.documents import Fields
from gateway.rest.openapi.schemas import Model


class Action(Enum):
    """What a row does. It decides how the result becomes a response."""

    LIST = auto()
    READ = auto()
    WRITE = auto()
    DELETE = auto()
    IMPORT = auto()


class Family(Enum):
    """The wire format of a secret: a `Secret` or a `VariableResponse`."""

    SECRET = "Secret"  # noqa: S105 - the name of a schema, no password
    VARIABLE = "VariableResponse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One path and method, with its document and the binding of its variables.

    `query`, `request` and `response` describe the query parameters and the bodies; `scope` is set
    if the path names the kind of holder.
    """

    operation_id: str
    method: HTTPMethod
    path: str
    status: HTTPStatus
    action: Action
    family: Family
    summary: str
    document: str
    bind: Binding
    fields: Fields
    scope: Scope | None = None
    query: type[Model] | None = None
    request: type[Model] | None = None
    response: type[Model] | None = None

    @property
    def is_safe(self) -> bool:
        """Whether the row only reads."""
        return self.action in {Action.LIST, Action.READ}

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether the row writes, and so accepts an idempotency key."""
        return not self.is_safe

    @property
    def takes_if_match(self) -> bool:
        """Whether the row reads or changes a stored object."""
        return self.method is not HTTPMethod.POST

    @property
    def takes_if_none_match(self) -> bool:
        """Whether the row can answer 304."""
        return self.is_safe
