"""What running a GraphQL document means to a face that does not know GraphQL's libraries."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.domain.errors import ErrorCode
from gateway.domain.origins import ActorKind
from gateway.domain.principals import Principal
from gateway.storage.unit_of_work import ReadUnit


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The outcome of one document: GraphQL's `data` and `errors`, ready for JSON.

    `is_request_error` says that nothing was executed: the document or its variables are at fault.
    `extensions` tells what the document costs, where that is known.
    """

    data: Mapping[str, Any] | None
    errors: Sequence[Mapping[str, Any]] = ()
    is_request_error: bool = False
    extensions: Mapping[str, Any] | None = None

    @property
    def first_code(self) -> ErrorCode | None:
        """The code of the first error at the top of the answer, if there is one."""
        return next((ErrorCode(error["extensions"]["code"]) for error in self.errors), None)


class Run(Protocol):
    """Runs documents for one caller, all on one view of what is stored."""

    async def __call__(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> ExecutionResult:
        """Run one document."""


# Reads a principal on a view: with all its grants as that view shows them.
LookUp = Callable[[ReadUnit], Awaitable[Principal]]


@dataclass(frozen=True, slots=True)
class RequestPrincipal:
    """Who sends a request: the principal at sign-in, and how it is read again on another view.

    Looking up raises Unauthenticated where the credential is not valid any longer.
    """

    principal: Principal
    look_up: LookUp
    kind: ActorKind = ActorKind.TOKEN
    # The view on which the principal was read. The request's work is done on it, too, so that
    # nothing is revoked between the two. What lasts longer than a request has none.
    view: ReadUnit | None = None
    # Whether the caller can read an answer about an external secret: the legacy paths' enums do
    # not have its type.
    knows_external: bool = True


class Subscriber(Protocol):
    """Runs subscriptions: documents that are answered again and again."""

    def is_subscription(self, document: str, operation_name: str | None = None) -> bool:
        """Tell whether the operation that is meant is one; False also where that is not clear."""

    def stream(
        self,
        caller: RequestPrincipal,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Yield results until the caller stops; a result that reports an end is the last."""


class ExecutorFactory(Protocol):
    """Begins a caller's request."""

    def __call__(self, caller: RequestPrincipal) -> AbstractAsyncContextManager[Run]:
        """Give a runner for the length of the block; its principal is read on the run's view."""
