"""What every answer carries, and what no request may carry."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from tests.patience import PATIENCE
from tests.servers import LiveServer
from tests.transport.conftest import OpenWorld
from tests.world import World

pytestmark = pytest.mark.unmeasured

EXPECTED: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
# Of each kind of answer one: values, rows, refusals, probes, pages.
ANSWERS: Final[Mapping[str, tuple[str, str, Any, int]]] = {
    "values": (
        "POST",
        "/graphql",
        {"query": 'query { runtimeSecrets(serviceId: "{job_id}") { key value } }'},
        200,
    ),
    "rows": ("GET", "/job/{job_id}/secret", None, 200),
    "unknown": ("GET", "/unknown", None, 404),
    "wrong method": ("PATCH", "/graphql", None, 405),
    "no body": ("POST", "/graphql", None, 400),
    "live": ("GET", "/livez", None, 200),
    "ready": ("GET", "/readyz", None, 200),
    "description": ("GET", "/openapi.json", None, 200),
    "reference": ("GET", "/reference", None, 200),
    "a line break": ("GET", "/livez%0A", None, 404),
}
EVERY_ANSWER = pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())


async def _ask(world: World, answer: tuple[str, str, Any, int]) -> httpx.Response:
    method, path, body, status = answer
    sent = body and {"query": body["query"].replace("{job_id}", world.demo.job_id)}
    response = await world.client.request(
        method, path.replace("{job_id}", world.demo.job_id), json=sent
    )
    assert response.status_code == status
    return response


@pytest.mark.rule("S32")
@EVERY_ANSWER
async def test_every_answer_has_the_headers(
    world: World, answer: tuple[str, str, Any, int]
) -> None:
    response = await _ask(world, answer)

    assert {name: response.headers.get(name) for name in EXPECTED} == EXPECTED
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] in {"no-store", "no-cache", "private, no-cache"}
    assert "server" not in response.headers
    assert "strict-transport-security" not in response.headers


@pytest.mark.rule("H1", "S32")
@pytest.mark.parametrize(("name", "kept"), [("values", "no-store"), ("rows", "private, no-cache")])
async def test_values_are_never_kept_and_rows_by_their_caller_alone(
    world: World, name: str, kept: str
) -> None:
    response = await _ask(world, ANSWERS[name])

    assert response.headers["cache-control"] == kept


@pytest.mark.rule("S30")
@EVERY_ANSWER
async def test_no_answer_sets_a_cookie(world: World, answer: tuple[str, str, Any, int]) -> None:
    assert "set-cookie" not in (await _ask(world, answer)).headers


@pytest.mark.rule("S32")
@EVERY_ANSWER
async def test_behind_tls_browsers_are_reported_to_stay_there(
    opened: OpenWorld, answer: tuple[str, str, Any, int]
) -> None:
    world = await opened(https=True)

    result = (await _ask(world, answer)).headers["strict-transport-security"]

    assert result == "max-age=63072000; includeSubDomains"


@pytest.mark.rule("S32")
def test_the_server_does_not_name_itself(live_server: LiveServer) -> None:
    """Nor what it is written in."""
    answers = [
        httpx.get(f"{live_server.url}{path}", timeout=PATIENCE) for path in ("/livez", "/unknown")
    ]

    assert [answer.headers.get("server") for answer in answers] == [None, None]
    assert [answer.headers.get("x-powered-by") for answer in answers] == [None, None]


@pytest.mark.rule("S2")
@pytest.mark.parametrize("address", ["/graphql", "/unknown"])
async def test_a_token_in_the_address_is_refused_beside_a_valid_one(
    world: World, address: str
) -> None:
    refused = await world.client.post(
        f"{address}?x=1&access_token={world.demo.token}", json={"query": "{ __typename }"}
    )

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="secrets-gateway"'
    assert world.demo.token not in refused.text
