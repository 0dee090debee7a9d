"""Pages of other origins: what they may send, and what they may read (statement 30)."""

import pytest
from pydantic import ValidationError

from gateway.config.settings import Settings
from gateway.http.requests import ORGANIZATION_HEADER, REQUEST_ID
from gateway.rest.bindings import IDEMPOTENCY_HEADER
from tests.transport.conftest import OpenWorld
from tests.world import World

PAGE = "https://app.example.com"
# As a browser names them: in lower case, without a space.
SENT_BY = {
    "the gateway's own": (ORGANIZATION_HEADER, REQUEST_ID, IDEMPOTENCY_HEADER),
    "conditional requests": ("if-match", "if-none-match"),
    "Apollo Client": ("apollographql-client-name", "apollographql-client-version"),
    "Apollo's other clients": ("apollo-require-preflight", "x-apollo-operation-name"),
    "OpenTelemetry": ("traceparent", "tracestate", "baggage"),
    "Sentry": ("sentry-trace", "baggage"),
    "Datadog": ("x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-origin"),
    "Zipkin": ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled"),
    "a library of HTTP": ("x-requested-with", "cache-control", "pragma"),
}


async def _preflight(world: World, path: str, method: str, *headers: str) -> tuple[int, str]:
    asked = ",".join(sorted({"authorization", "content-type", *map(str.lower, headers)}))
    response = await world.client.options(
        path,
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": asked,
        },
    )
    return response.status_code, response.headers.get("access-control-allow-headers", "").lower()


@pytest.mark.parametrize("headers", SENT_BY.values(), ids=SENT_BY)
async def test_a_page_may_send_what_clients_add(
    opened: OpenWorld, headers: tuple[str, ...]
) -> None:
    world = await opened(cors_origins=[PAGE])

    graphql = await _preflight(world, "/graphql", "POST", *headers)
    rest = await _preflight(world, f"/job/{world.demo.job_id}/secret", "PUT", *headers)

    assert (graphql[0], rest[0]) == (200, 200)
    assert set(map(str.lower, headers)) <= set(graphql[1].split(", "))


async def test_another_header_is_refused_until_a_setting_allows_it(opened: OpenWorld) -> None:
    """The control of the test above."""
    narrow = await opened(cors_origins=[PAGE])
    wide = await opened(cors_origins=[PAGE], cors_headers="X-Tenant, x-build")

    assert (await _preflight(narrow, "/graphql", "POST", "x-tenant"))[0] == 400
    assert (await _preflight(wide, "/graphql", "POST", "x-tenant", "x-build"))[0] == 200
    assert (await _preflight(wide, "/graphql", "POST", "x-other"))[0] == 400


async def test_a_page_may_read_what_it_acts_on(opened: OpenWorld) -> None:
    world = await opened(cors_origins=[PAGE])

    answer = await world.client.get(
        f"/job/{world.demo.job_id}/secret", headers={"Origin": PAGE, "traceparent": "00-x-y-01"}
    )

    exposed = set(answer.headers["access-control-expose-headers"].lower().split(", "))
    assert answer.status_code == 200
    assert {"etag", "retry-after", "x-request-id", "www-authenticate", "ratelimit"} <= exposed


async def test_a_page_names_the_organization(opened: OpenWorld) -> None:
    """The preflight lets the header through, and then it counts as it does without a page."""
    world = await opened(cors_origins=[PAGE])
    own = {"Origin": PAGE, ORGANIZATION_HEADER: world.demo.organization_id}
    foreign = own | {ORGANIZATION_HEADER: "3f0c1d2e-8a4b-4c6d-9e7f-102132435465"}
    query = {"query": "{ projects(first: 1) { totalCount } }"}

    asked = await _preflight(world, "/graphql", "POST", ORGANIZATION_HEADER)
    taken = await world.client.post("/graphql", json=query, headers=own)
    refused = await world.client.post("/graphql", json=query, headers=foreign)

    assert asked[0] == 200
    assert taken.json()["data"]["projects"]["totalCount"] > 0
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("name", ["*", "X Tenant", "X-Tenant:", "", "x" * 101, "X-Tenänt"])
def test_what_is_no_header_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(ValidationError, match="header"):
        Settings(cors_headers=(name,))
