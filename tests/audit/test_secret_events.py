"""Who created and changed a secret, and its last delivery, as the audit log's readers get them."""

from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.storage.audit.event_log import DELIVERED_SET
from tests.audit.audit_log import database_of, run_by_force
from tests.faces import GraphQLFace
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SECRETS: Final = """query ($job: ID!) { job(id: $job) { visibleSecrets { nodes {
    id key scope
    createdBy { ... on ApiToken { name } } updatedBy { ... on ApiToken { name } }
    lastDelivered { at to { name } }
} } } }"""
_EVENTS: Final = """query ($secret: ID!) {
    deliveries: auditEvents(first: 1, filter: {secretId: $secret, actions: [VALUES_DELIVERED]}) {
        nodes { at }
    }
    edits: auditEvents(filter: {secretId: $secret, actions: [SECRET_CREATED, SECRET_CHANGED]}) {
        nodes { actor { ... on ApiToken { name } } }
    }
}"""
_DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
_OWN: Final = "OF_THE_JOB"
_NEVER: Final = "NEVER_DELIVERED"
_SHARED: Final = "PAYMENT_API_KEY"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def delivered(shared_world: World) -> World:
    """A gateway with secrets that several tokens created, changed and fetched."""
    world, demo = shared_world, shared_world.demo
    made = await world.rest.create(Scope.JOB, demo.job_id, key=_OWN, value="one")
    editor = GraphQLFace(await world.client_with(Role.EDITOR))
    await editor.edit(Scope.JOB, demo.job_id, made.row["id"], key=_OWN, value="two")
    for service_id in (demo.job_id, demo.container_id, demo.job_id, demo.application_id):
        await world.graphql.ask(_DELIVER, {"id": service_id})
    await world.rest.create(Scope.JOB, demo.job_id, key=_NEVER)
    return world


async def _secrets(client: httpx.AsyncClient, world: World) -> dict[str, Any]:
    job = (await GraphQLFace(client).ask(_SECRETS, {"job": world.demo.job_id}))["job"]
    return {f"{node['scope']} {node['key']}": node for node in job["visibleSecrets"]["nodes"]}


async def _known(world: World, *grants: tuple[Role, Scope]) -> set[str]:
    """Return which secrets a token with these roles knows the last delivery of."""
    (role, scope), *others = grants
    client = await world.client_with(role, on=HolderReference(scope, world.holders[scope]))
    viewer = (await GraphQLFace(client).ask("{ viewer { id } }", {}))["viewer"]
    for further, at in others:
        document = f"""mutation ($token: ID!, $on: SecretHolderRef!) {{ grantRole(
            grantee: {{tokenId: $token}}, role: {further.name}, holder: $on) {{ errors {{ code }} }}
        }}"""
        on = {at.id_argument: world.holders[at]}
        await world.graphql.ask(document, {"token": viewer["id"], "on": on})
    found = await _secrets(client, world)
    assert not any(node["createdBy"] for node in found.values())
    return {name for name, node in found.items() if node["lastDelivered"]}


async def test_a_list_says_of_each_secret_what_the_log_says(delivered: World) -> None:
    found = await _secrets(delivered.client, delivered)

    for node in found.values():
        events = await delivered.graphql.ask(_EVENTS, {"secret": node["id"]})
        last = [event["at"] for event in events["deliveries"]["nodes"]]
        edits = [event["actor"] for event in events["edits"]["nodes"]]
        shown = node["lastDelivered"]
        assert ([shown["at"]] if shown else []) == last
        assert (node["updatedBy"], node["createdBy"]) == (edits[0], edits[-1])
    own = found[f"JOB {_OWN}"]
    assert (own["createdBy"], own["updatedBy"]) == ({"name": "demo"}, {"name": "a editor"})
    assert own["lastDelivered"]["to"] == {"name": "nightly-invoices"}
    assert found[f"PROJECT {_SHARED}"]["lastDelivered"]["to"] == {"name": "storefront"}
    assert found[f"JOB {_NEVER}"]["lastDelivered"] is None


async def test_a_newer_set_whose_events_are_gone_does_not_hide_an_older_delivery(
    delivered: World,
) -> None:
    before = await _secrets(delivered.client, delivered)
    names = ", ".join(name for name in DELIVERED_SET.c.keys() if name != "block")  # noqa: SIM118 - iterating gives columns
    run_by_force(
        database_of(delivered),
        f"INSERT INTO delivered_set (block, {names}) "
        f"SELECT 99, {names} FROM delivered_set WHERE block = 0",
    )

    assert await _secrets(delivered.client, delivered) == before


@pytest.mark.rule("S77")
async def test_only_who_can_read_the_log_of_the_holder_is_answered(delivered: World) -> None:
    """Names of tokens are for who can list them, so none is shown here."""
    viewer = (Role.VIEWER, Scope.PROJECT)
    everything = {
        name
        for name, node in (await _secrets(delivered.client, delivered)).items()
        if node["lastDelivered"]
    }

    assert await _known(delivered, viewer) == set()
    assert await _known(delivered, viewer, (Role.AUDITOR, Scope.PROJECT)) == everything
    assert await _known(delivered, viewer, (Role.AUDITOR, Scope.JOB)) == {
        name for name in everything if name.startswith("JOB ")
    }
