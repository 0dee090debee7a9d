"""The graphql-transport-ws protocol, message by message, and the codes that sockets close with."""

import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.live.documents import CHANGES
from tests.live.listening import SUBPROTOCOL, heard, introduced_socket, opened_socket, say
from tests.live.writing import Writer, new_key
from tests.patience import PATIENCE, SILENCE
from tests.servers import LiveServer

QUERY = {"query": "{ changeCursor }"}


async def _code_after(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await heard(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_a_query_is_answered_and_complete(server: LiveServer) -> None:
    async with introduced_socket(server) as socket:
        await say(socket, type="subscribe", id="1", payload=QUERY)
        answer, end = await heard(socket), await heard(socket)

    assert (answer["type"], answer["id"]) == ("next", "1")
    assert answer["payload"]["data"]["changeCursor"]
    assert end == {"id": "1", "type": "complete"}


async def test_a_mutation_is_run_and_recorded_as_its_callers(server: LiveServer) -> None:
    key = new_key()
    create = """mutation ($id: ID!, $key: String!) {
        createJobSecret(jobId: $id, input: { key: $key }) { secret { id } } }"""
    audit_log = """query ($id: ID!) { auditEvents(first: 1, filter: { secretId: $id }) {
        edges { node { actorKind face action key } } } }"""

    async with introduced_socket(server) as socket:
        asked = {"query": create, "variables": {"id": server.demo["job_id"], "key": key}}
        await say(socket, type="subscribe", id="1", payload=asked)
        made = (await heard(socket))["payload"]["data"]["createJobSecret"]["secret"]["id"]
        await heard(socket)
        asked = {"query": audit_log, "variables": {"id": made}}
        await say(socket, type="subscribe", id="1", payload=asked)
        (edge,) = (await heard(socket))["payload"]["data"]["auditEvents"]["edges"]

    assert edge["node"] == {
        "actorKind": "TOKEN",
        "face": "GRAPHQL",
        "action": "SECRET_CREATED",
        "key": key,
    }


async def test_a_document_that_does_not_fit_is_an_error_of_its_operation(
    server: LiveServer,
) -> None:
    async with introduced_socket(server) as socket:
        await say(socket, type="subscribe", id="1", payload={"query": "{ nothing }"})
        refused = await heard(socket)
        await say(socket, type="subscribe", id="1", payload=QUERY)
        answer = await heard(socket)

    assert (refused["type"], refused["id"]) == ("error", "1")
    assert refused["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer["type"] == "next"


async def test_an_operation_ends_when_its_caller_says_so(
    server: LiveServer, writer: Writer
) -> None:
    async with introduced_socket(server) as socket:
        asked = {"query": CHANGES, "variables": await writer.since(writer.job)}
        await say(socket, type="subscribe", id="1", payload=asked)
        await say(socket, type="complete", id="1")
        await writer.create(new_key())
        with pytest.raises(TimeoutError):
            await heard(socket, SILENCE)
        await say(socket, type="subscribe", id="1", payload=QUERY)
        assert (await heard(socket))["type"] == "next"


async def test_the_end_of_what_is_not_there_is_no_fault(server: LiveServer) -> None:
    async with introduced_socket(server) as socket:
        await say(socket, type="complete", id="nobody's")
        await say(socket, type="pong")
        await say(socket, type="ping", payload={"a": 1})
        assert await heard(socket) == {"type": "pong", "payload": {"a": 1}}


async def test_pings_are_answered_before_one_is_introduced(server: LiveServer) -> None:
    async with opened_socket(server) as socket:
        await say(socket, type="pong")
        await say(socket, type="ping")
        assert await heard(socket) == {"type": "pong"}


async def test_the_header_of_the_first_request_introduces_too(server: LiveServer) -> None:
    header = {"Authorization": f"Token {server.demo['token']}"}

    async with opened_socket(server, additional_headers=header) as socket:
        await say(socket, type="connection_init")
        assert await heard(socket) == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": 1},
        {"Authorization": "Basic abc"},
        {"token": "Bearer x"},
    ],
)
async def test_who_is_not_known_is_sent_away(server: LiveServer, payload: object) -> None:
    async with opened_socket(server) as socket:
        await say(socket, type="connection_init", payload=payload)
        assert await _code_after(socket) == 4403


async def test_two_credentials_are_one_too_many(server: LiveServer) -> None:
    credential = {"Authorization": f"Bearer {server.demo['token']}"}

    async with opened_socket(server, additional_headers=credential) as socket:
        await say(socket, type="connection_init", payload=credential)
        assert await _code_after(socket) == 4403


async def test_a_wrong_header_opens_no_socket(server: LiveServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened_socket(server, additional_headers={"Authorization": "Bearer no"}):
            pass

    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["WWW-Authenticate"]


async def test_one_who_says_nothing_is_not_waited_for(hasty_server: LiveServer) -> None:
    async with opened_socket(hasty_server) as socket:
        assert await _code_after(socket) == 4408


async def test_operations_come_after_the_introduction(server: LiveServer) -> None:
    async with opened_socket(server) as socket:
        await say(socket, type="subscribe", id="1", payload=QUERY)
        assert await _code_after(socket) == 4401


async def test_one_is_introduced_once(server: LiveServer) -> None:
    async with introduced_socket(server) as socket:
        await say(socket, type="connection_init")
        assert await _code_after(socket) == 4429


async def test_an_id_is_used_by_one_operation_at_a_time(server: LiveServer, writer: Writer) -> None:
    asked = {"query": CHANGES, "variables": {"holder": writer.job}}

    async with introduced_socket(server) as socket:
        await say(socket, type="subscribe", id="1", payload=asked)
        await say(socket, type="subscribe", id="1", payload=asked)
        assert await _code_after(socket) == 4409


@pytest.mark.rule("S29")
@pytest.mark.parametrize("protocols", [("graphql-ws",), ("nonsense",), ()])
async def test_other_protocols_are_not_spoken(
    server: LiveServer, protocols: tuple[str, ...]
) -> None:
    """The legacy one among them."""
    async with opened_socket(server, protocols=protocols) as socket:
        assert await _code_after(socket) == 4406


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "1",
        '"a"',
        "[]",
        "{",
        "{}",
        '{"type": 1}',
        '{"type": "subscribe"}',
        '{"type": "next", "id": "1"}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ a }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ a }"}}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}}',
        '{"type": "subscribe", "type": "ping"}',
        '{"type": "complete"}',
        '{"type": "ping", "n": 1' + "0" * 5_000 + "}",
        '{"type": "ping", "payload": {"n": 1e999}}',
        '{"type": "ping", "payload": ' + "[" * 10_000 + "]" * 10_000 + "}",
        '{"type": "' + "\x00" + '"}',
    ],
)
async def test_what_is_not_of_the_protocol_ends_the_socket(server: LiveServer, text: str) -> None:
    async with introduced_socket(server) as socket:
        await socket.send(text)
        assert await _code_after(socket) == 4400


async def test_a_large_number_in_a_message_is_read(server: LiveServer) -> None:
    """The control of the infinite one above."""
    async with introduced_socket(server) as socket:
        await socket.send('{"type": "ping", "payload": {"n": 1e300}}')
        assert (await heard(socket))["payload"] == {"n": 1e300}


async def test_a_lone_surrogate_in_a_message_is_no_fault_of_ours(server: LiveServer) -> None:
    async with introduced_socket(server) as socket:
        await socket.send('{"type": "subscribe", "id": "\\ud800", "payload": {"query": "{ a }"}}')
        refused = await heard(socket)

    assert refused["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_answer_to_an_id_with_a_lone_surrogate_has_it(server: LiveServer) -> None:
    query = {"query": "{ viewer { kind } }"}
    async with introduced_socket(server) as socket:
        await say(socket, type="subscribe", id="\ud800", payload=query)
        answer = await heard(socket)

    assert answer["id"] == "\ud800"
    assert answer["payload"]["data"] == {"viewer": {"kind": "TOKEN"}}


async def test_a_message_of_bytes_ends_the_socket(server: LiveServer) -> None:
    async with introduced_socket(server) as socket:
        await socket.send(b'{"type": "ping"}')
        assert await _code_after(socket) == 4400


async def test_a_message_beyond_the_bound_of_a_body_ends_the_socket(server: LiveServer) -> None:
    async with introduced_socket(server) as socket:
        await socket.send(json.dumps({"type": "ping", "payload": {"a": "x" * 1_100_000}}))
        assert await _code_after(socket) == 1009


@pytest.mark.rule("S29")
async def test_a_socket_carries_ten_operations(server: LiveServer, writer: Writer) -> None:
    asked = {"query": CHANGES, "variables": {"holder": writer.job}}

    async with introduced_socket(server) as socket:
        for number in range(11):
            await say(socket, type="subscribe", id=str(number), payload=asked)
        refused = await heard(socket)
        await say(socket, type="complete", id="0")
        await say(socket, type="subscribe", id="10", payload=QUERY)
        answer = await heard(socket)

    assert (refused["type"], refused["id"]) == ("error", "10")
    assert refused["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert (answer["type"], answer["id"]) == ("next", "10")


@pytest.mark.rule("S29")
async def test_a_page_of_another_origin_opens_no_socket(server: LiveServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened_socket(server, origin="https://evil.example"):
            pass

    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_page_of_our_own_opens_one(server: LiveServer) -> None:
    """The control of the test above."""
    async with opened_socket(server, origin=server.url) as socket:
        await say(socket, type="ping")
        assert await heard(socket) == {"type": "pong"}


async def test_no_socket_is_opened_elsewhere(server: LiveServer) -> None:
    address = server.url.replace("http://", "ws://")
    statuses = []
    for path in ("/", "/graphiql", "/job/1/secret", "/graphql/"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(
                f"{address}{path}", subprotocols=[SUBPROTOCOL], open_timeout=PATIENCE
            ):
                pass
        statuses.append(refused.value.response.status_code)

    assert statuses == [403] * 4


async def test_another_hosts_socket_is_not_opened(server: LiveServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened_socket(server, additional_headers={"Host": "evil.example"}):
            pass

    assert refused.value.response.status_code == 400


async def test_an_organization_beside_a_header_is_not_passed_over(server: LiveServer) -> None:
    """The header has signed in to one already; the control is above."""
    credential = {"Authorization": f"Bearer {server.demo['token']}"}
    payload = {"X-Organization-Id": server.demo["organization_id"]}

    async with opened_socket(server, additional_headers=credential) as socket:
        await say(socket, type="connection_init", payload=payload)
        assert await _code_after(socket) == 4403
