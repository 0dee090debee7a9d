"""What each request passes through before a route answers it."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain.origins import AuditFace, originating, set_actor
from gateway.domain.request_records import RequestRecord, begin, note_actor
from gateway.http.access_log import AccessLog
from gateway.http.client import Client, DeadlineExceeded
from gateway.http.cors import with_cors
from gateway.http.problems import UnknownPath, error_response, to_known_error
from gateway.http.requests import (
    DEFAULT_HEADERS,
    GRAPHQL_PATH,
    HTTPS_HEADERS,
    REQUEST_ID,
    authorization_in,
    credential_of,
    ensure_host_is_known,
    request_id_in,
    trace_in,
)
from gateway.services.execution import RequestPrincipal
from gateway.services.limits import Charge
from gateway.storage.unit_of_work import ReadUnit

_log = structlog.get_logger(__name__)

_REQUEST_ID: Final = REQUEST_ID.lower().encode()
_KINDS: Final = frozenset({"http", "websocket"})
# The second message type refuses a WebSocket.
_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the settings say about requests.

    A public path needs no credential, an open path no known host. `seconds` is the deadline.
    """

    seconds: float
    hosts: Collection[str]
    open_paths: Collection[str]
    is_public: Callable[[Scope], bool]
    https: bool = False
    cors_origins: Sequence[str] = ()
    cors_headers: Sequence[str] = ()


class Principals(Protocol):
    """Signs in requests; `gateway.auth.request_principals` says how."""

    async def sign_in(self, view: ReadUnit, credential: str, scope: Scope) -> RequestPrincipal:
        """Return the principal on the view of the request's work."""

    async def introduce(self, authorization: str, scope: Scope) -> RequestPrincipal:
        """Return the principal without a view."""


class RequestPipeline:
    """ASGI middleware that each request passes through.

    In this order: request id, log line and common headers; CORS, so that a page can also read
    refusals; errors; host; deadline, in which waiting for a connection counts; credential and
    body; rate limit.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        principals: Principals,
        open_view: Callable[[], ReadUnit],
        charge: Charge,
        rules: Rules,
        access_log: AccessLog,
    ) -> None:
        self._app = app
        self._principals = principals
        self._open_view = open_view
        self._charge = charge
        self._rules = rules
        self._access_log = access_log
        headers = {**DEFAULT_HEADERS, **(HTTPS_HEADERS if rules.https else {})}
        self._headers = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
        self._answer_with_cors = with_cors(
            self._answer, origins=rules.cors_origins, headers=rules.cors_headers
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and log it."""
        if scope["type"] not in _KINDS:
            await self._app(scope, receive, send)
            return
        request_id, record = request_id_in(scope), _record_of(scope)
        begin(record)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "websocket.accept":
                record.status = HTTPStatus.SWITCHING_PROTOCOLS
            if message["type"] in _STARTS:
                record.status = int(message["status"])
                self._add_headers(message, request_id)
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(request_id=request_id, **trace_in(scope)),
            originating(face=record.face, request_id=request_id),
        ):
            try:
                await self._answer_with_cors(scope, receive, send_with_headers)
            finally:
                # The route, not the path: a path is client text and can contain anything.
                record.route = getattr(scope.get("route"), "path", record.route)
                self._access_log.write(record)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or the error that it raises."""
        client = Client(scope, receive, send)
        try:
            self._ensure_is_known(scope)
            if scope["type"] == "websocket":
                await self._open_socket(client, scope, receive)
            else:
                async with client.waiting(self._rules.seconds):
                    await self._answer_http(client, scope)
        except ClientDisconnect:
            # The client has disconnected: there is nothing to answer and no error to log.
            _log.info("client_gone")
        except Exception as error:
            if client.has_response:
                raise
            await error_response(to_known_error(error), scope)(scope, receive, send)

    def _ensure_is_known(self, scope: Scope) -> None:
        """Refuse a path that no route can have, and another host."""
        if scope["path"].endswith("\n"):
            # `$` also matches before a final line break.
            raise UnknownPath
        if scope["path"] not in self._rules.open_paths:
            ensure_host_is_known(scope, self._rules.hosts)

    async def _answer_http(self, client: Client, scope: Scope) -> None:
        if self._rules.is_public(scope):
            await self._app(scope, client.receive, client.send)
            return
        authorization = authorization_in(scope) or ""
        credential = credential_of(authorization)
        if not await client.has_sent_body():
            # Bodies are not read without a valid credential. The credential is read again when
            # the body is complete, because it can be revoked meanwhile.
            await self._introduce(authorization, scope)
            await client.read_body()
        view = self._open_view()
        # Closed before the response is sent: a slow client holds no connection.
        client.before_response = view.close
        try:
            caller = await self._principals.sign_in(view, credential, scope)
            await self._pass_on(caller, scope, client.receive, client.send)
        finally:
            await view.close()

    async def _open_socket(self, client: Client, scope: Scope, receive: Receive) -> None:
        is_public = self._rules.is_public(scope)
        authorization = None if is_public else authorization_in(scope)
        if authorization is None:
            # A page cannot set the header: the credential comes with the first message.
            await self._app(scope, receive, client.send)
            return
        caller = await self._introduce(authorization, scope)
        await self._pass_on(caller, scope, receive, client.send)

    async def _pass_on(
        self, caller: RequestPrincipal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # Each request costs one point, even if nothing runs.
        self._charge(caller.principal, 1)
        scope["caller"] = caller
        note_actor(caller.kind, caller.principal.id)
        set_actor(caller.kind, caller.principal.actor_id)
        await self._app(scope, receive, send)

    async def _introduce(self, authorization: str, scope: Scope) -> RequestPrincipal:
        # Its own deadline: the request's begins when the body is complete.
        seconds = self._rules.seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._principals.introduce(authorization, scope)
        except TimeoutError:
            raise DeadlineExceeded(seconds) from None

    def _add_headers(self, message: Message, request_id: str) -> None:
        headers = list(message.get("headers", ()))
        # A route can set a header itself, e.g. the policy of a page.
        own = {name for name, _ in headers}
        headers.append((_REQUEST_ID, request_id.encode()))
        headers += [header for header in self._headers if header[0] not in own]
        message["headers"] = headers


def _record_of(scope: Scope) -> RequestRecord:
    face = AuditFace.GRAPHQL if scope["path"] == GRAPHQL_PATH else AuditFace.REST
    if scope["type"] == "websocket":
        return RequestRecord(face=face, method="WEBSOCKET", is_stream=True)
    return RequestRecord(face=face, method=scope["method"])
