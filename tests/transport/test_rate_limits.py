"""Rate limits by caller and by cost."""

import pytest

from gateway.app import gateway_schema
from gateway.domain.errors import RateLimited
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.graphql.charging import Terms
from gateway.graphql.executor import Executor
from gateway.services.limits import MAX_BUCKETS, Allowance, Limiter, PrincipalLimits
from schema.context import Context
from tests.operations.callers import settle
from tests.transport.clocks import HandClock
from tests.transport.conftest import OpenWorld
from tests.world import World, request_principal

QUERY = {"query": "{ __typename }"}
SOMEBODY = Principal(id="1", organization_id="1")
# A request costs one, and the operation that it runs another: enough for two.
FOUR = {"rate_burst": 4, "rate_per_minute": 60}


async def _statuses(world: World, count: int) -> list[int]:
    return [(await world.client.post("/graphql", json=QUERY)).status_code for _ in range(count)]


@pytest.mark.rule("S39")
async def test_one_who_asks_too_much_is_reported_to_wait_over_graphql(opened: OpenWorld) -> None:
    world = await opened(**FOUR)
    await _statuses(world, 2)

    limited = await world.client.post("/graphql", json=QUERY)

    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "1"
    assert limited.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED"}
    assert "data" not in limited.json()


@pytest.mark.rule("E1", "E2", "S39")
async def test_one_who_asks_too_much_is_reported_to_wait_over_rest(opened: OpenWorld) -> None:
    world = await opened(**FOUR)
    # The same list again would be answered from memory, and cost less.
    paths = [f"/job/{world.demo.job_id}/secret", f"/project/{world.demo.project_id}/secret"]
    assert [(await world.client.get(path)).status_code for path in paths] == [200, 200]

    limited = await world.client.get(paths[0])

    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "1"
    assert limited.headers["content-type"] == "application/problem+json"
    assert limited.json()["status"] == 429
    assert limited.json()["code"] == "RATE_LIMITED"


@pytest.mark.rule("S39")
async def test_without_a_limit_the_same_requests_go_through(opened: OpenWorld) -> None:
    """The control."""
    world = await opened(rate_burst=4, rate_per_minute=0)

    assert await _statuses(world, 10) == [200] * 10


@pytest.mark.rule("S39")
async def test_what_was_taken_comes_back_with_time(opened: OpenWorld, clock: HandClock) -> None:
    world = await opened(**FOUR)
    assert await _statuses(world, 3) == [200, 200, 429]

    clock.seconds += 2

    assert await _statuses(world, 2) == [200, 429]


@pytest.mark.rule("S39")
async def test_after_the_time_that_was_reported_the_request_goes_through(
    opened: OpenWorld, clock: HandClock
) -> None:
    world = await opened(rate_burst=1, rate_per_minute=1)
    await world.client.get("/openapi.json")
    path = f"/job/{world.demo.job_id}/secret/none"
    first = await world.client.delete(path)

    clock.seconds += float(first.headers["retry-after"])
    again = await world.client.get("/unknown")

    assert first.status_code == 429
    assert again.status_code == 404


@pytest.mark.rule("S39")
async def test_one_caller_takes_nothing_from_another(opened: OpenWorld) -> None:
    world = await opened(**FOUR)
    other = await world.client_with(Role.VIEWER)
    await _statuses(world, 3)

    assert (await other.post("/graphql", json=QUERY)).status_code == 200


@pytest.mark.rule("S76")
async def test_the_callers_of_an_organization_have_a_limit_together(opened: OpenWorld) -> None:
    """Many tokens are no way around the limit of one."""
    world = await opened(organization_rate_burst=4, organization_rate_per_minute=60)
    other, stranger = await world.client_with(Role.VIEWER), await settle(world)
    await _statuses(world, 2)

    limited = await other.post("/graphql", json=QUERY)

    assert limited.status_code == 429
    assert limited.headers["retry-after"] == "1"
    assert (await stranger.client.post("/graphql", json=QUERY)).status_code == 200


@pytest.mark.rule("S76")
async def test_without_that_limit_other_callers_of_an_organization_go_on(
    opened: OpenWorld,
) -> None:
    """The control."""
    world = await opened(organization_rate_burst=4, organization_rate_per_minute=0)
    other = await world.client_with(Role.VIEWER)
    await _statuses(world, 2)

    assert (await other.post("/graphql", json=QUERY)).status_code == 200


@pytest.mark.rule("S76")
async def test_what_an_organization_cannot_pay_is_not_taken_from_the_caller(
    clock: HandClock,
) -> None:
    own, organization = (Limiter(Allowance(burst=item, per_second=1), clock) for item in (2, 1))
    limits = PrincipalLimits(own=own, organization=organization)
    limits.charge(SOMEBODY, 1)

    with pytest.raises(RateLimited):
        limits.charge(SOMEBODY, 1)

    own.charge(SOMEBODY.id, 1)


@pytest.mark.rule("S39")
async def test_a_refused_request_is_not_carried_out(opened: OpenWorld, clock: HandClock) -> None:
    """And what could not be paid is not taken either."""
    world = await opened(rate_burst=3, rate_per_minute=60)
    at = (Scope.JOB, world.demo.job_id)
    await world.rest.create(*at, key="FIRST")

    refused = await world.rest.create(*at, key="SECOND")
    clock.seconds += 3
    rows = await world.rest.visible(*at)

    assert refused.code == "RATE_LIMITED"
    assert {row["key"] for row in rows} >= {"FIRST"}
    assert "SECOND" not in {row["key"] for row in rows}


@pytest.mark.rule("S39")
async def test_what_runs_nothing_is_charged_too(opened: OpenWorld) -> None:
    """Unknown paths and bodies that cannot be read."""
    world = await opened(rate_burst=2, rate_per_minute=60)

    statuses = [(await world.client.get("/unknown")).status_code for _ in range(3)]

    assert statuses == [404, 404, 429]


@pytest.mark.rule("S39")
async def test_probes_are_never_limited(opened: OpenWorld) -> None:
    """Nor do they take from anyone."""
    world = await opened(rate_burst=1, rate_per_minute=1)

    statuses = [(await world.client.get("/livez")).status_code for _ in range(5)]

    assert statuses == [200] * 5


@pytest.mark.rule("S39")
async def test_each_document_of_ours_is_charged(world: World, clock: HandClock) -> None:
    """Many pages behind one request are no way around."""
    limiter = Limiter(Allowance(burst=2, per_second=1), clock)
    services, database = world.runtime.services, world.runtime.database
    nobody = Limiter(None, clock)
    charge = PrincipalLimits(own=limiter, organization=nobody).charge
    terms = Terms(charge=charge, is_limited=False)
    executor = Executor(gateway_schema(), Context, services, database, terms)
    caller = await request_principal(world.runtime, world.demo.token)

    async with executor.open_run(caller) as run:
        await run("{ __typename }")
        await run("{ __typename }")
        with pytest.raises(RateLimited) as limited:
            await run("{ __typename }")

    assert limited.value.retry_after == 1


DEAR = "{ projects(first: 100) { edges { node { environments(first: 50) { totalCount } } } } }"


@pytest.mark.rule("S24", "S39")
@pytest.mark.parametrize(
    ("document", "statuses"),
    [
        ("{ __typename }", [200, 200, 200, 429]),
        (DEAR, [200, 429, 429, 429]),
        # What is refused before it runs counts for one.
        ("{ unfinished", [400, 400, 400, 429]),
        ("query A { __typename } query B { __typename }", [400, 400, 400, 429]),
    ],
)
async def test_a_dear_document_is_charged_for_its_fields(
    opened: OpenWorld, document: str, statuses: list[int]
) -> None:
    world = await opened(rate_burst=6, rate_per_minute=1)
    headers = {"Accept": "application/graphql-response+json"}

    result = [
        await world.client.post("/graphql", json={"query": document}, headers=headers)
        for _ in range(4)
    ]

    assert [answer.status_code for answer in result] == statuses


@pytest.mark.rule("S39")
def test_what_costs_more_than_everything_takes_everything(clock: HandClock) -> None:
    limiter = Limiter(Allowance(burst=5, per_second=1), clock)

    limiter.charge("a", cost=50)

    with pytest.raises(RateLimited) as limited:
        limiter.charge("a", cost=50)
    assert limited.value.retry_after == 5


@pytest.mark.rule("S39")
def test_nobody_fills_the_memory_with_names(clock: HandClock) -> None:
    limiter = Limiter(Allowance(burst=5, per_second=1), clock)

    for number in range(MAX_BUCKETS + 100):
        limiter.charge(str(number))

    assert len(limiter) == MAX_BUCKETS


def test_a_clock_that_goes_back_gives_nothing(clock: HandClock) -> None:
    limiter = Limiter(Allowance(burst=1, per_second=1), clock)
    limiter.charge("a")

    clock.seconds -= 3_600

    with pytest.raises(RateLimited):
        limiter.charge("a")
