"""The access log: one line for each request says who did what, where, and how it ended."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from gateway.config.types import LogFormat
from gateway.http.requests import trace_in
from tests.live.documents import EFFECTIVE
from tests.live.listening import listening_on_a_socket
from tests.monitoring.conftest import Counted
from tests.operations.canaries import all_logs, is_traced, new_canary
from tests.patience import until
from tests.servers import LiveServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN: Final = "00f067aa0ba902b7"
CREATE: Final = """mutation ($id: ID!, $key: String!) {
    createJobSecret(jobId: $id, input: {key: $key, value: ""}) { errors { code } } }"""


@contextmanager
def logged_requests() -> Iterator[list[dict[str, Any]]]:
    """Collect the lines of the requests in the block."""
    found: list[dict[str, Any]] = []
    with all_logs(LogFormat.JSON) as logs:
        yield found
    lines = map(json.loads, logs.getvalue().splitlines())
    found += [line for line in lines if line["event"] == "request"]


async def create(counted: Counted, face: str, key: str) -> None:
    job_id = counted.demo.job_id
    if face == "rest":
        await counted.client.post(f"/job/{job_id}/secret", json={"key": key, "value": ""})
    else:
        body = {"query": CREATE, "variables": {"id": job_id, "key": key}}
        await counted.client.post("/graphql", json=body)


@pytest.mark.parametrize(
    ("face", "route", "statuses"),
    [("rest", "/job/{jobId}/secret", [201, 409]), ("graphql", "/graphql", [200, 200])],
)
async def test_a_line_says_who_did_what_where_and_how_it_ended(
    counted: Counted, face: str, route: str, statuses: list[int]
) -> None:
    token_id = (await counted.principal()).id

    with logged_requests() as lines:
        await create(counted, face, f"LOGGED_{face.upper()}")
        await create(counted, face, f"LOGGED_{face.upper()}")

    facts = {
        "method": "POST",
        "route": route,
        "operation": "createJobSecret",
        "actor_kind": "TOKEN",
        "actor_id": token_id,
        "holder_id": counted.demo.job_id,
    }
    assert [line | facts for line in lines] == lines
    assert [line["code"] for line in lines] == ["OK", "CONFLICT"]
    assert [line["status"] for line in lines] == statuses
    assert all(line["milliseconds"] > 0 and line["request_id"] for line in lines)


async def test_without_a_valid_credential_the_line_names_nobody(counted: Counted) -> None:
    with logged_requests() as lines:
        await counted.client.get("/project", headers={"Authorization": "Bearer none"})

    (line,) = lines
    assert line["code"] == "UNAUTHENTICATED"
    assert not line.keys() & {"actor_kind", "actor_id", "holder_id", "operation"}


@pytest.mark.rule("S46")
async def test_a_line_has_no_text_of_the_client(counted: Counted) -> None:
    canary = new_canary()
    named = f"query {canary} ($x: String) {{ {canary}: __typename {canary} }}"
    headers = {"User-Agent": canary, "traceparent": f"00-{canary}", "X-Request-Id": f"{canary} "}

    with all_logs(LogFormat.JSON) as logs:
        body = {"query": named, "operationName": canary, "variables": {"x": canary}}
        await counted.client.post("/graphql", json=body, headers=headers)
        await create(counted, "rest", canary)
        await counted.client.get(f"/job/{canary}/secret?{canary}={canary}")
        await counted.client.get(f"/{canary}")

    assert logs.getvalue().count('"event": "request"') == 4
    assert not is_traced(canary, logs.getvalue().encode())


async def test_the_ids_of_a_trace_are_in_the_lines_of_its_request(counted: Counted) -> None:
    with logged_requests() as lines:
        headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
        await counted.client.get("/livez", headers=headers)
        await counted.client.get("/livez")

    traced, other = lines
    assert traced | {"trace_id": TRACE, "span_id": SPAN} == traced
    assert not other.keys() & {"trace_id", "span_id"}


@pytest.mark.parametrize(
    ("sent", "is_accepted"),
    [
        ([f"00-{TRACE}-{SPAN}-01"], True),
        ([f"cc-{TRACE}-{SPAN}-01-later"], True),
        ([f"00-{TRACE}-{SPAN}-01-later"], False),
        ([f"ff-{TRACE}-{SPAN}-01"], False),
        ([f"00-{'0' * 32}-{SPAN}-01"], False),
        ([f"00-{TRACE}-{'0' * 16}-01"], False),
        ([f"00-{TRACE.upper()}-{SPAN}-01"], False),
        ([f"00-{TRACE}-{SPAN}-01\n"], False),
        ([f"00-{TRACE}-{SPAN}-01"] * 2, False),
        ([], False),
    ],
)
async def test_only_a_valid_trace_counts(sent: list[str], is_accepted: bool) -> None:  # noqa: FBT001 - a parameter
    headers = [(b"traceparent", text.encode()) for text in sent]

    found = trace_in({"type": "http", "headers": headers})

    assert found == ({"trace_id": TRACE, "span_id": SPAN} if is_accepted else {})


async def test_an_operation_of_a_socket_has_a_line(live_server: LiveServer) -> None:
    variables = {"service": live_server.demo["job_id"]}

    async with listening_on_a_socket(live_server, EFFECTIVE, variables):
        pass

    await until(lambda: "effectiveSecretsChanged" in live_server.logged)
