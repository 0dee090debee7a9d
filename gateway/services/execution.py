"""What runs a document, as the faces see it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import structlog

from gateway.domain.errors import ErrorCode, GatewayError
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
    # The data as JSON, if that is known already; `data` can be None then.
    data_json: bytes | None = field(default=None, repr=False)

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


_log = structlog.get_logger(__name__)

Outcome = TypeVar("Outcome")


class ShieldedTasks:
    """Shields changes from the cancellation of the tasks that wait for them."""

    def __init__(self) -> None:
        self._changes: set[asyncio.Future[Any]] = set()

    async def shield(self, change: Awaitable[Outcome]) -> Outcome:
        """Wait for a change. Cancelling the wait does not cancel the change."""
        task = asyncio.ensure_future(change)
        self._changes.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        await asyncio.gather(*self._changes, return_exceptions=True)

    def _forget(self, task: "asyncio.Future[Any]") -> None:
        self._changes.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not isinstance(fault, GatewayError):
            # The waiting task, which would log it, can have been cancelled.
            _log.error("unexpected_error_in_change", kind=type(fault).__name__)
