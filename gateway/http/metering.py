"""What a request costs its caller: one for coming, and one for each document of ours that it runs.

What a caller's own document costs is known where it is read, and charged there.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.services.execution import ExecutionResult, ExecutorFactory, RequestPrincipal, Run
from gateway.services.limits import Charge


class Metering:
    """ASGI middleware that charges the caller for coming, also where nothing is run."""

    def __init__(self, app: ASGIApp, *, charge: Charge) -> None:
        self._app = app
        self._charge = charge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on.

        Raises:
            RateLimited: if the caller or its organization has nothing left.

        """
        if caller := scope.get("caller"):
            self._charge(caller.principal, 1)
        await self._app(scope, receive, send)


def metered(open_run: ExecutorFactory, charge: Charge) -> ExecutorFactory:
    """Return the same way to run documents, each charged to its caller before it runs."""

    @asynccontextmanager
    async def open_metered(caller: RequestPrincipal) -> AsyncIterator[Run]:
        async with open_run(caller) as run:

            async def run_metered(
                document: str,
                variables: Mapping[str, Any] | None = None,
                operation_name: str | None = None,
            ) -> ExecutionResult:
                charge(caller.principal, 1)
                return await run(document, variables, operation_name)

            yield run_metered

    return open_metered
