"""What a row of the REST table is."""

from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPMethod, HTTPStatus

from gateway.domain.scopes import Scope
from gateway.rest.calls import Binding
from gateway.rest.documents import SECRET_FRAGMENT, VARIABLE_FRAGMENT, Fields


class Action(Enum):
    """What a row does, and so how its document's answer becomes a response."""

    LIST = auto()
    READ = auto()
    WRITE = auto()
    DELETE = auto()
    IMPORT = auto()


class Family(Enum):
    """How a secret looks on the wire: as a `Secret`, or as a `VariableResponse`."""

    SECRET = "Secret"  # noqa: S105 - the name of a schema, no password
    VARIABLE = "VariableResponse"

    @property
    def fragment(self) -> str:
        """The selection that gives a row of the family."""
        return SECRET_FRAGMENT if self is Family.SECRET else VARIABLE_FRAGMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One path and method, the document that it runs, and how a request becomes its variables.

    `request` and `response` name the bodies' schemas; `scope` is set where the path names the kind
    of holder.
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
    request: str | None = None
    response: str | None = None

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing."""
        return self.action in {Action.LIST, Action.READ}

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether it changes something, and so can be asked to do that once only."""
        return not self.is_safe

    @property
    def takes_if_match(self) -> bool:
        """Whether there is something already that it reads or changes."""
        return self.method is not HTTPMethod.POST

    @property
    def takes_if_none_match(self) -> bool:
        """Whether it can answer that a client has the newest already."""
        return self.is_safe
