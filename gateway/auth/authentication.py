"""ASGI middleware: every route needs a principal, except the named public ones.

The body is read first. The principal is then read on the view that the request's work uses, so a
credential that was revoked while the body arrived is refused.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.auth.request_principals import RequestPrincipals, credential_of
from gateway.domain.errors import Unauthenticated
from gateway.domain.origins import originating
from gateway.http.deadline import DeadlineExceeded
from gateway.http.request_body import RequestBody
from gateway.services.execution import RequestPrincipal
from gateway.storage.unit_of_work import ReadUnit

_IN_ADDRESS: Final = re.compile(rb"(?:^|&)access_token=")


class Authentication:
    """Turns the Authorization header into `scope["caller"]`.

    A WebSocket can open without a credential; its first message must have one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        callers: RequestPrincipals,
        is_public: Callable[[str], bool],
        seconds: float,
    ) -> None:
        self._app = app
        self._callers = callers
        self._is_public = is_public
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its principal.

        Raises:
            Unauthenticated: if the request has no valid credential.
            RateLimited: if too many credentials from this source were not valid.
            Unavailable: if credentials cannot be looked up, or too many requests wait.
            DeadlineExceeded: if the lookup takes too long.
            TooLargeBody: if the body is larger than the limit.

        """
        # The matched path, never the Host header or a rebuilt URL.
        if scope["type"] not in {"http", "websocket"} or self._is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist("authorization")
        # A URL ends up in logs and histories; beside a header it is one credential too many.
        if _IN_ADDRESS.search(scope["query_string"]) or len(given) > 1:
            raise Unauthenticated
        if scope["type"] == "http":
            await self._answer("".join(given), scope, receive, send)
        elif given:
            caller = await self._introduce("".join(given), scope)
            await self._pass_on(caller, scope, receive, send)
        else:
            # A page cannot set the header: the credential comes with the first message.
            await self._app(scope, receive, send)

    async def _answer(self, authorization: str, scope: Scope, receive: Receive, send: Send) -> None:
        credential = credential_of(authorization)
        body = RequestBody(scope, receive)
        if not await body.begin():
            # Bodies are not read without a valid credential. The credential is read again when
            # the body is complete, because it can be revoked meanwhile.
            await self._introduce(authorization, scope)
            await body.complete()
        view = self._callers.view()
        try:
            caller = await self._callers.sign_in(view, credential, scope)
            await self._pass_on(caller, scope, body.receive, _closing(view, send))
        finally:
            await view.close()

    async def _introduce(self, authorization: str, scope: Scope) -> RequestPrincipal:
        # Its own deadline: the request's begins when the body is complete.
        try:
            async with asyncio.timeout(self._seconds):
                return await self._callers.introduce(authorization, scope)
        except TimeoutError:
            raise DeadlineExceeded(self._seconds) from None

    async def _pass_on(
        self, caller: RequestPrincipal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        scope["caller"] = caller
        with originating(actor_kind=caller.kind, actor_id=caller.principal.id):
            await self._app(scope, receive, send)


def _closing(view: ReadUnit, send: Send) -> Send:
    """Close the view before the response is sent: a slow client holds no connection."""

    async def closing_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            await view.close()
        await send(message)

    return closing_send
