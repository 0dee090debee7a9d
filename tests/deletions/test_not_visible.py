"""What a large deletion has hidden answers like what does not exist: every operation, every id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select

from gateway.domain.errors import IntegrityFault
from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.storage.audit.event_log import prove
from gateway.storage.audit.row_macs import HOLDERS
from gateway.storage.holders import holder_of
from tests.access.operations import Call, Operation, graphql_operations, rest_calls
from tests.access.territories import Territory, settle_territory
from tests.access.test_matrix import answer
from tests.deletions.large import MANY, delete, fill, rows_below
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Events outlive what they are about.
_OF_EVENTS: Final = "auditEvents"
OPERATIONS: Final = [each for each in graphql_operations() if each.name != _OF_EVENTS]
CALLS: Final = list(rest_calls())
# The token and the user are of the organization, which is still there.
_OF_THE_ORGANIZATION: Final = {"tokenId", "userId"}
_LISTS: Final = """query ($job: ID!, $key: String!) {
    projects(first: 50) { totalCount edges { node {
        id name secrets(first: 2) { edges { node { key } } }
        environments(first: 5) { totalCount edges { node {
            id name services(first: 10) { totalCount edges { node { id name } } } } } } } } }
    grants(first: 100) { totalCount edges { node { holder { id } } } }
    explainSecret(serviceId: $job, key: $key) { absence elsewhere { key } }
}"""


@dataclass(frozen=True, slots=True)
class Hidden:
    """One of everything that was deleted, and the holder that the request named."""

    territory: Territory
    root: Scope

    def has(self, wanted: str, chosen: str) -> bool:
        """Return whether what an id names went with the root."""
        kept = () if self.root is Scope.PROJECT else (Scope.PROJECT,)
        own = {self.territory.ids[scope.id_argument] for scope in kept}
        own |= {self.territory.secrets[scope] for scope in kept}
        if self.root is not Scope.PROJECT and wanted in {"claimRuleId", "grantId"}:
            return False
        return wanted not in _OF_THE_ORGANIZATION and chosen not in own


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=[Scope.PROJECT, Scope.ENVIRONMENT]
)
async def hidden(shared_world: World, request: pytest.FixtureRequest) -> Hidden:
    """One of everything, deleted; no step has been made."""
    operator = Principal.operator(shared_world.demo.organization_id)
    territory = await settle_territory(shared_world, operator, f"gone_{request.param.lower()}")
    await fill(shared_world, territory.ids["jobId"])
    await delete(shared_world, request.param, territory.ids[request.param.id_argument])
    return Hidden(territory, request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inside(shared_world: World) -> Territory:
    """One of everything that is still there."""
    operator = Principal.operator(shared_world.demo.organization_id)
    return await settle_territory(shared_world, operator, "inside")


async def _asked(client: httpx.AsyncClient, body: Mapping[str, Any], chosen: str) -> object:
    headers = {"Accept": "application/json, text/event-stream"}
    return answer(await client.post("/graphql", json=body, headers=headers), chosen)


def _operation_name(operation: Operation) -> str:
    return " ".join((operation.name, *operation.path))


@pytest.mark.parametrize("operation", OPERATIONS, ids=_operation_name)
async def test_graphql_distinguishes_no_hidden_id_from_a_random_one(
    shared_world: World, inside: Territory, hidden: Hidden, operation: Operation
) -> None:
    """For whoever sees all of the organization; `tests/access` has the control."""
    random, chosen = new_id(), operation.own(hidden.territory)
    if not hidden.has(operation.wanted, chosen):
        pytest.skip("It is not deleted.")
    unknown = await _asked(shared_world.client, operation.request(inside.ids, random), random)

    found = await _asked(shared_world.client, operation.request(inside.ids, chosen), chosen)

    assert found == unknown


def _call_name(call: Call) -> str:
    return f"{call.row.operation_id} {call.place}"


@pytest.mark.parametrize("call", CALLS, ids=_call_name)
async def test_rest_distinguishes_no_hidden_id_from_a_random_one(
    shared_world: World, inside: Territory, hidden: Hidden, call: Call
) -> None:
    random, own = new_id(), call.ids(inside)
    chosen = call.ids(hidden.territory)[call.wanted]
    if not hidden.has(call.wanted, chosen):
        pytest.skip("It is not deleted.")
    client = shared_world.client
    unknown = answer(await client.request(**call.request(own, random)), random)

    found = answer(await client.request(**call.request(own, chosen)), chosen)

    assert unknown[0] == 404
    assert found == unknown


@pytest.mark.parametrize("rest", ["", "/FILLER_1", "?format=dotenv"])
async def test_nothing_hidden_is_delivered(
    shared_world: World, inside: Territory, hidden: Hidden, rest: str
) -> None:
    answers = {
        job_id: await shared_world.client.get(f"/runtime/{job_id}{rest}")
        for job_id in (hidden.territory.ids["jobId"], new_id())
    }

    found, unknown = (answer(each, job_id) for job_id, each in answers.items())
    assert found == unknown
    assert found[0] == 404
    control = await shared_world.client.get(f"/runtime/{inside.ids['jobId']}")
    assert control.status_code == 200


async def test_no_list_has_what_is_hidden(
    shared_world: World, inside: Territory, hidden: Hidden
) -> None:
    territory, name = hidden.territory, hidden.territory.name
    variables = {"job": inside.ids["jobId"], "key": f"TERRITORY_{name.upper()}_JOB"}

    lists = str(await shared_world.graphql.ask(_LISTS, variables))

    for scope in (hidden.root, Scope.JOB):
        assert territory.ids[scope.id_argument] not in lists
        assert f"territory {name} {scope.lower()}" not in lists
        assert f"TERRITORY_{name.upper()}_{scope}" not in lists
    assert inside.ids["jobId"] in lists


async def test_the_rows_are_all_still_there(shared_world: World, hidden: Hidden) -> None:
    """The control of all tests here: nothing is hidden because it is gone."""
    assert rows_below(shared_world, hidden.territory.ids["projectId"]) > MANY


async def test_a_query_that_forgets_deletions_shows_nothing(
    shared_world: World, inside: Territory, hidden: Hidden
) -> None:
    """Whatever a query finds, every holder is built by one function, which knows the deletions."""
    async with shared_world.runtime.database.read() as unit:
        await prove(unit)
        rows = {row.id: row for row in await unit.rows(select(*HOLDERS.columns)) if row.project_id}

        with pytest.raises(IntegrityFault):
            holder_of(unit, rows[hidden.territory.ids["jobId"]])

        assert holder_of(unit, rows[inside.ids["jobId"]]).id == inside.ids["jobId"]
