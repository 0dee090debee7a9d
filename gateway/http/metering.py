"""Charges a request: one point, and one for each document of the gateway that it runs.

The executor charges for the documents that clients write.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.services.execution import Execute, ExecutionResult, ExecutorFactory, RequestPrincipal
from gateway.services.limits import Charge


class Metering:
    """ASGI middleware that charges for each request, even if nothing runs."""

    def __init__(self, app: ASGIApp, *, charge: Charge) -> None:
        self._app = app
        self._charge = charge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on.

        Raises:
            RateLimited: if the principal or its organization has no points left.

        """
        if caller := scope.get("caller"):
            self._charge(caller.principal, 1)
        await self._app(scope, receive, send)


def metered(open_run: ExecutorFactory, charge: Charge) -> ExecutorFactory:
    """Wrap the function that runs documents, so that each is charged before it runs."""

    @asynccontextmanager
    async def open_metered(caller: RequestPrincipal) -> AsyncIterator[Execute]:
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
