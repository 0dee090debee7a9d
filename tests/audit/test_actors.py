"""Who acted, as the audit log's readers can see it."""

from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference, SecretDraft
from gateway.domain.grants import GranteeKind, GranteeReference
from gateway.domain.origins import ActorKind, Operator, operating, originating
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.faces import GraphQLFace
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EVENTS: Final = """query ($job: ID!) {
    auditEvents(first: 100, filter: {holderId: $job, actions: [SECRET_CREATED]}) { nodes {
        key actorKind actorId
        actor { ... on ApiToken { name } ... on User { displayName } ... on Operator { name } }
    } }
}"""
_TOKEN: Final = "of the job"


async def _create(client: httpx.AsyncClient, world: World, key: str) -> None:
    made = await GraphQLFace(client).create(Scope.JOB, world.demo.job_id, key=key)
    assert made.code is None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def user_id(shared_world: World) -> str:
    """A user; each kind of actor has created a secret of the demo's job that names it."""
    world, on = shared_world, HolderReference(Scope.JOB, shared_world.demo.job_id)
    services = world.runtime.services.for_principal(Principal.operator(world.demo.organization_id))
    user = await services.identities.register(
        issuer="https://issuer.example", subject="actor", display_name="Ada"
    )
    grantee = GranteeReference(kind=GranteeKind.USER, id=user.id)
    await services.grants.grant(grantee=grantee, role=Role.EDITOR, on=on)
    own = await services.tokens.create(name=_TOKEN, role=Role.EDITOR, on=on)
    await _create(world.client, world, "BY_THE_DEMO")
    await _create(world.client_for(own.text), world, "BY_ITS_TOKEN")
    draft = SecretDraft(key="BY_ADA")
    with originating(actor_kind=ActorKind.USER, actor_id=user.id):
        await services.secrets.create(holder_reference=on, draft=draft)
    with operating(Operator(user="root", uid=0, name="Grace")):
        await services.secrets.create(holder_reference=on, draft=SecretDraft(key="BY_GRACE"))
    await services.secrets.create(holder_reference=on, draft=SecretDraft(key="BY_ITSELF"))
    return user.id


async def _actors(client: httpx.AsyncClient, world: World) -> dict[str, Any]:
    page = (await GraphQLFace(client).ask(_EVENTS, {"job": world.demo.job_id}))["auditEvents"]
    return {event["key"]: event["actor"] for event in page["nodes"] if event["key"][:3] == "BY_"}


@pytest.mark.rule("S77")
@pytest.mark.usefixtures("user_id")
async def test_an_actor_has_the_name_that_its_reader_can_list(shared_world: World) -> None:
    """Access to the job alone lists who has a grant there; an auditor lists nobody."""
    on = HolderReference(Scope.JOB, shared_world.demo.job_id)
    of_job = await _actors(await shared_world.client_with(Role.ADMIN, on=on), shared_world)
    of_auditor = await _actors(await shared_world.client_with(Role.AUDITOR), shared_world)

    unlisted = {"BY_THE_DEMO": None, "BY_GRACE": {"name": "Grace"}, "BY_ITSELF": None}
    assert of_job == unlisted | {"BY_ITS_TOKEN": {"name": _TOKEN}, "BY_ADA": {"displayName": "Ada"}}
    assert of_auditor == unlisted | {"BY_ITS_TOKEN": None, "BY_ADA": None}
    everybody = {**of_job, "BY_THE_DEMO": {"name": "demo"}}
    assert await _actors(shared_world.client, shared_world) == everybody


async def test_a_removed_user_keeps_its_id_in_the_log(shared_world: World, user_id: str) -> None:
    operator = Principal.operator(shared_world.demo.organization_id)
    services = shared_world.runtime.services.for_principal(operator)
    await services.identities.remove(user_id=user_id)

    variables = {"job": shared_world.demo.job_id}
    nodes = (await shared_world.graphql.ask(_EVENTS, variables))["auditEvents"]["nodes"]

    assert [node for node in nodes if node["key"] == "BY_ADA"] == [
        {"key": "BY_ADA", "actorKind": "USER", "actorId": user_id, "actor": None}
    ]
