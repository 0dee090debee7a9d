"""The graphql-transport-ws protocol.

A client authenticates, then starts and ends operations, each with its own id. A message that breaks
the protocol closes the socket; the close code says why.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any, Final, NoReturn

import structlog

from gateway.domain.errors import ErrorCode, GatewayError, RateLimited, Unauthenticated, Unavailable
from gateway.domain.grants import OrganizationNotNamed
from gateway.domain.origins import AuditFace, set_actor
from gateway.domain.request_records import RequestRecord, begin, note_actor
from gateway.graphql.messages import GraphQLParams, error_response, to_payload
from gateway.graphql.streaming import (
    Channel,
    CloseCode,
    Closed,
    Gone,
    SocketParts,
    in_served_time,
    until_one_ends,
)
from gateway.http.access_log import OPERATION
from gateway.http.client import DeadlineExceeded
from gateway.http.json_body import RefusedBody, json_object
from gateway.http.problems import PATH, to_json
from gateway.services.execution import ExecutionResult, RequestPrincipal

_log = structlog.get_logger(__name__)

MAX_OPERATIONS: Final = 10
# What the log has instead of a method, for an operation of a socket.
_METHOD: Final = "SUBSCRIBE"
_MAX_ID: Final = 256
_CREDENTIAL_NAMES: Final = ("Authorization", "authorization")
_ORGANIZATION_NAMES: Final = ("X-Organization-Id", "x-organization-id")

Message = Mapping[str, Any]


class TooManyOperations(GatewayError):
    code = ErrorCode.LIMIT_EXCEEDED

    def __init__(self) -> None:
        super().__init__(f"At most {MAX_OPERATIONS} operations can run at once on one socket.")


class Conversation:
    def __init__(
        self, channel: Channel, parts: SocketParts, caller: RequestPrincipal | None
    ) -> None:
        self._channel = channel
        self._parts = parts
        self._caller = caller
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._is_over = asyncio.Event()

    async def hold(self) -> NoReturn:
        """Handle messages until the socket ends.

        Raises:
            Closed: if the server ends the socket.
            Gone: if the client ends it.

        """
        try:
            payload = await in_served_time(self._parts.times.init, self._introduction())
        except TimeoutError:
            raise Closed(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout") from None
        # Not part of the timeout: many clients at once wait for the server here.
        caller = await self._to_known_error(payload)
        note_actor(caller.kind, caller.principal.id)
        with self._parts.streaming.counted_socket():
            await self._send({"type": "connection_ack"})
            try:
                await until_one_ends(
                    self._listen(caller),
                    self._parts.streaming.monitor.wait_until_invalid(caller),
                    _until(self._is_over),
                )
            finally:
                await self._drop_operations()
        raise Closed(CloseCode.FORBIDDEN, "The credential is no longer valid")

    async def _introduction(self) -> object:
        """Return the payload of the connection_init message."""
        while True:
            message = await self._next()
            match message["type"]:
                case "connection_init":
                    return message.get("payload")
                case "ping":
                    await self._pong(message)
                case "pong":
                    pass
                case _:
                    raise Closed(CloseCode.UNAUTHORIZED, "Unauthorized")

    async def _to_known_error(self, payload: object) -> RequestPrincipal:
        if not isinstance(payload, dict | None):
            raise Closed(CloseCode.BAD_REQUEST, "The payload is not a JSON object")
        said: Message = payload or {}
        given = [said[name] for name in _CREDENTIAL_NAMES if name in said]
        organizations = [said[name] for name in _ORGANIZATION_NAMES if name in said]
        if self._caller is not None and not given and not organizations:
            return self._caller
        # With a header as well, there would be two credentials or two organizations.
        if self._caller is not None or len(given) != 1 or not isinstance(given[0], str):
            raise Closed(CloseCode.FORBIDDEN, "Forbidden")
        if len(organizations) > 1 or not all(
            isinstance(organization, str) for organization in organizations
        ):
            raise Closed(CloseCode.FORBIDDEN, "Forbidden")
        try:
            return await self._parts.sign_in(given[0], next(iter(organizations), None))
        except Unauthenticated:
            raise Closed(CloseCode.FORBIDDEN, "Forbidden") from None
        except OrganizationNotNamed:
            raise Closed(CloseCode.FORBIDDEN, "X-Organization-Id is missing") from None
        except (RateLimited, TimeoutError, Unavailable):
            raise Closed(CloseCode.TRY_AGAIN_LATER, "Try again later") from None

    async def _listen(self, caller: RequestPrincipal) -> None:
        while True:
            message = await self._next()
            match message["type"]:
                case "subscribe":
                    await self._begin(caller, message)
                case "complete":
                    self._end(_id_of(message))
                case "ping":
                    await self._pong(message)
                case "pong":
                    pass
                case "connection_init":
                    raise Closed(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
                case _:
                    raise Closed(CloseCode.BAD_REQUEST, "Unknown type of message")

    async def _begin(self, caller: RequestPrincipal, message: Message) -> None:
        operation_id, payload = _id_of(message), message.get("payload")
        if operation_id in self._operations:
            raise Closed(CloseCode.DUPLICATE_ID, "There is a subscriber with this id")
        if not isinstance(payload, dict):
            raise Closed(CloseCode.BAD_REQUEST, "The payload is not a JSON object")
        if len(self._operations) >= MAX_OPERATIONS:
            await self._refuse(operation_id, TooManyOperations())
            return
        try:
            params = GraphQLParams.read(payload, self._parts.documents)
        except RefusedBody as error:
            raise Closed(CloseCode.BAD_REQUEST, error.message) from None
        except GatewayError as error:
            await self._refuse(operation_id, error)
            return
        work = self._operate(operation_id, params, caller)
        self._operations[operation_id] = asyncio.create_task(work)

    def _end(self, operation_id: str) -> None:
        if (task := self._operations.pop(operation_id, None)) is not None:
            task.cancel()

    async def _operate(
        self, operation_id: str, params: GraphQLParams, caller: RequestPrincipal
    ) -> None:
        kind, principal = caller.kind, caller.principal
        record = RequestRecord(
            face=AuditFace.GRAPHQL, method=_METHOD, route=PATH, status=HTTPStatus.OK
        )
        begin(record)
        note_actor(kind, principal.id)
        set_actor(kind, principal.actor_id)
        try:
            last = await self._send_answers(operation_id, params, caller)
        finally:
            self._parts.access_log.write(record, OPERATION)
        # From here on the client can reuse the id.
        self._operations.pop(operation_id, None)
        with suppress(Gone):
            await self._send(last)

    async def _send_answers(
        self, operation_id: str, params: GraphQLParams, caller: RequestPrincipal
    ) -> Message:
        """Send the results of an operation; return the message that ends it."""
        try:
            async with aclosing(self._answers(params, caller)) as answers:
                async for answer in answers:
                    if answer.is_request_error:
                        return _error(operation_id, answer)
                    await self._send(
                        {"id": operation_id, "type": "next", "payload": to_payload(answer)}
                    )
        except Gone:
            # The reader of the socket notices that too, and ends the conversation.
            pass
        except Exception as error:  # noqa: BLE001 - no one awaits the task, so errors end here
            if not isinstance(error, GatewayError):
                _log.error("unexpected_error", exc_info=error)
            return _error(operation_id, error_response(error))
        return {"id": operation_id, "type": "complete"}

    async def _answers(
        self, params: GraphQLParams, caller: RequestPrincipal
    ) -> AsyncGenerator[ExecutionResult, None]:
        streaming = self._parts.streaming
        if not streaming.streams.is_subscription(*params.operation):
            yield await self._ran(params, caller)
            return
        results = streaming.streams.stream(
            caller, params.document, params.variables, params.operation_name
        )
        with streaming.counted(caller):
            async with aclosing(results):
                async for answer in results:
                    if answer.first_code is ErrorCode.UNAUTHENTICATED:
                        self._is_over.set()
                    yield answer

    async def _ran(self, params: GraphQLParams, caller: RequestPrincipal) -> ExecutionResult:
        seconds = self._parts.times.operation
        try:
            async with asyncio.timeout(seconds):
                async with self._parts.open_run(caller) as run:
                    return await run(params.document, params.variables, params.operation_name)
        except TimeoutError:
            raise DeadlineExceeded(seconds) from None
        except Unauthenticated:
            self._is_over.set()
            raise

    async def _refuse(self, operation_id: str, error: GatewayError) -> None:
        await self._send(_error(operation_id, error_response(error)))

    async def _next(self) -> Message:
        text = await self._channel.receive()
        try:
            message = json_object(text)
        except RefusedBody as error:
            raise Closed(CloseCode.BAD_REQUEST, error.message) from None
        if not isinstance(message.get("type"), str):
            raise Closed(CloseCode.BAD_REQUEST, "The message has no type")
        return message

    async def _pong(self, ping: Message) -> None:
        payload = {"payload": ping["payload"]} if isinstance(ping.get("payload"), dict) else {}
        await self._send({"type": "pong", **payload})

    async def _send(self, message: Message) -> None:
        await self._channel.send(to_json(message))

    async def _drop_operations(self) -> None:
        tasks = list(self._operations.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _id_of(message: Message) -> str:
    given = message.get("id")
    if not isinstance(given, str) or not 0 < len(given) <= _MAX_ID:
        raise Closed(CloseCode.BAD_REQUEST, "The message has no id")
    return given


def _error(operation_id: str, answer: ExecutionResult) -> Message:
    return {"id": operation_id, "type": "error", "payload": answer.errors}
