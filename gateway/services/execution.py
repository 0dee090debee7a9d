"""Interfaces for running GraphQL documents without importing a GraphQL library."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.domain.errors import ErrorCode
from gateway.domain.origins import ActorKind
from gateway.domain.principals import Principal
from gateway.services.context import LookUp
from gateway.storage.unit_of_work import ReadUnit


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The outcome of one document: GraphQL's `data` and `errors`, ready for JSON.

    `is_request_error` means that the document or its variables are invalid and nothing was
    executed. `extensions` holds the document's cost, if that is known.
    """

    data: Mapping[str, Any] | None
    errors: Sequence[Mapping[str, Any]] = ()
    is_request_error: bool = False
    extensions: Mapping[str, Any] | None = None

    @property
    def first_code(self) -> ErrorCode | None:
        """The code of the first entry of `errors`, if there is one."""
        return next((ErrorCode(error["extensions"]["code"]) for error in self.errors), None)


class Execute(Protocol):
    """Runs documents for one principal, all on one view of the database."""

    async def __call__(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> ExecutionResult:
        """Run one document."""


@dataclass(frozen=True, slots=True)
class RequestPrincipal:
    """The principal of a request as of sign-in, and a lookup that reads it on another view.

    The lookup raises Unauthenticated if the credential is no longer valid.
    """

    principal: Principal
    look_up: LookUp
    kind: ActorKind = ActorKind.TOKEN
    # The view on which the principal was read. The request uses it too, so that no grant is revoked
    # between sign-in and use. None for work that outlasts a request.
    view: ReadUnit | None = None
    # Whether the client can read an answer about an external secret. The enums of the legacy paths
    # do not have its type.
    supports_external: bool = True


class Subscriber(Protocol):
    """Runs subscriptions: documents with a stream of results."""

    def is_subscription(self, document: str, operation_name: str | None = None) -> bool:
        """Return whether the selected operation is a subscription; False if it is ambiguous."""

    def stream(
        self,
        caller: RequestPrincipal,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Yield results until the client stops or a result reports the end."""


class ExecutorFactory(Protocol):
    def __call__(self, caller: RequestPrincipal) -> AbstractAsyncContextManager[Execute]:
        """Yield an `Execute` inside the block. Its principal is read on the same view."""
