"""What a large deletion has hidden takes no name, no key, no place and no subscriber."""

from contextlib import aclosing

import pytest

from gateway.domain.drafts import HolderReference, SecretDraft
from gateway.domain.holders import new_id
from gateway.domain.permissions import Permission, Role
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import Scope
from gateway.domain.topology import Topology
from gateway.services.deletions import MAX_ROWS
from gateway.storage import holders, related_secrets
from tests.deletions.large import another, delete, fill, large_project, stored
from tests.patience import patiently
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELETE_SECRET = """mutation ($id: ID!) {
    payload: deleteSecret(secretId: $id) { deletedSecretIds errors { code } } }"""


def _operator(world: World) -> Principal:
    return Principal.operator(world.demo.organization_id)


async def _in_project(world: World) -> tuple[HolderReference, str, str]:
    """Create a project and an environment with a large job; return them and the job's id."""
    project = HolderReference(Scope.PROJECT, await another(world, Scope.PROJECT))
    environment_id = await another(world, Scope.ENVIRONMENT, project)
    job_id = await another(world, Scope.JOB, HolderReference(Scope.ENVIRONMENT, environment_id))
    await fill(world, job_id)
    return project, environment_id, job_id


@pytest.mark.parametrize("kind", [Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB])
async def test_a_name_is_free_at_once(shared_world: World, kind: Scope) -> None:
    large = await large_project(shared_world)
    administration = shared_world.runtime.services.for_principal(
        _operator(shared_world)
    ).administration
    ((name,),) = stored(shared_world, "SELECT name FROM holder WHERE id = ?", large[kind])
    parent = HolderReference(kind.parent, large[kind.parent]) if kind.parent else None
    await delete(shared_world, kind, large[kind])

    made = await administration.create_holder(kind=kind, name=name, parent=parent)

    assert made.id != large[kind]


async def test_a_key_is_free_at_once(shared_world: World) -> None:
    """A job's key prevents it at the project as long as the job is there: the control."""
    project, environment_id, _ = await _in_project(shared_world)
    taken = await shared_world.rest.create(Scope.PROJECT, project.id, key="FILLER_1", value="v")
    await delete(shared_world, Scope.ENVIRONMENT, environment_id)

    made = await shared_world.rest.create(Scope.PROJECT, project.id, key="FILLER_1", value="v")

    assert (taken.status, made.status) == (409, 201)


async def test_a_target_can_be_deleted_as_if_nothing_referred_to_it(shared_world: World) -> None:
    """With the aliases that are hidden: a constraint still knows them."""
    project, environment_id, job_id = await _in_project(shared_world)
    target = await shared_world.rest.create(Scope.PROJECT, project.id, key="TARGET", value="v")
    alias = await shared_world.rest.alias(Scope.JOB, job_id, target.row["id"], key="ALIAS")
    used = await shared_world.graphql.ask(DELETE_SECRET, {"id": target.row["id"]})
    await delete(shared_world, Scope.ENVIRONMENT, environment_id)

    deleted = await shared_world.graphql.ask(DELETE_SECRET, {"id": target.row["id"]})

    assert used["payload"]["errors"] == [{"code": "SECRET_IN_USE"}]
    assert deleted["payload"] == {"deletedSecretIds": [target.row["id"]], "errors": []}
    assert stored(shared_world, "SELECT * FROM secret WHERE id = ?", alias.row["id"]) == []


async def test_counts_and_keys_leave_it_out(shared_world: World) -> None:
    project, environment_id, _ = await _in_project(shared_world)
    await shared_world.rest.create(Scope.PROJECT, project.id, key="KEPT", value="v")
    everywhere = _operator(shared_world).visibility(Permission.SECRET_READ)

    async def counted() -> tuple[int, set[str]]:
        async with shared_world.runtime.database.read() as unit:
            keys = await related_secrets.keys_of_project(
                unit, project.id, visibility=everywhere, most=1_000
            )
            return await holders.count_in_project(unit, project.id), keys

    before = await counted()
    await delete(shared_world, Scope.ENVIRONMENT, environment_id)

    assert before[0] == 2
    assert len(before[1]) > 1
    assert await counted() == (0, {"KEPT"})


async def test_a_grant_there_is_gone(shared_world: World) -> None:
    large = await large_project(shared_world)
    at = HolderReference(Scope.JOB, large[Scope.JOB])
    client = await shared_world.client_with(Role.VIEWER, on=at)
    before = await client.get(f"/job/{at.id}/secret")

    await delete(shared_world, Scope.PROJECT, large[Scope.PROJECT])

    after = await client.get(f"/job/{at.id}/secret")
    assert (before.status_code, after.status_code) == (200, 403)
    assert stored(shared_world, "SELECT * FROM role_grant WHERE holder_id = ?", at.id) == []


async def test_a_subscription_to_it_ends(shared_world: World) -> None:
    large, database = await large_project(shared_world), shared_world.runtime.database
    at = HolderReference(Scope.JOB, large[Scope.JOB])
    view = database.view()
    feed = shared_world.runtime.services.for_principal(_operator(shared_world), view).change_feed
    cursor = await feed.cursor()
    await view.close()
    await shared_world.rest.create(*_at(at), key="ONE_MORE", value="v")

    async with patiently(), aclosing(feed.changes(holder_reference=at, after=cursor)) as changes:
        change = await anext(changes)
        await delete(shared_world, Scope.PROJECT, large[Scope.PROJECT])

        with pytest.raises(HolderNotFound):
            await anext(changes)

    assert change.key == "ONE_MORE"


async def test_a_plan_leaves_it_out(shared_world: World) -> None:
    """It neither keeps nor deletes what is hidden, and can create it again under the same name."""
    made = await shared_world.runtime.operator.organizations.create(name=f"planned {new_id()}")
    topologies = shared_world.runtime.operator.topologies
    path = ((Scope.PROJECT, "again"),)
    wanted = Topology(organization=made.name, paths=(path,))
    empty = Topology(organization=made.name, paths=())
    await topologies.apply(plan=await topologies.plan(wanted=wanted))
    ((project_id,),) = stored(
        shared_world, "SELECT id FROM holder WHERE organization_id = ?", made.id
    )
    await _fill_project(shared_world, made.id, project_id)

    pruned = await topologies.plan(wanted=empty, prunes=True)
    await topologies.apply(plan=pruned, with_content=True)

    assert (await topologies.plan(wanted=empty, prunes=True)).is_empty
    again = await topologies.plan(wanted=wanted)
    await topologies.apply(plan=again)
    assert [step.path for step in again.creations] == [path]
    rows = stored(shared_world, "SELECT id FROM holder WHERE organization_id = ?", made.id)
    assert (project_id,) in rows
    assert len(rows) == 2


async def _fill_project(world: World, organization_id: str, project_id: str) -> None:
    services = world.runtime.services.for_principal(Principal.operator(organization_id))
    for number in range(MAX_ROWS):
        await services.secrets.create(
            holder_reference=HolderReference(Scope.PROJECT, project_id),
            draft=SecretDraft(key=f"KEY_{number}", value="v"),
        )


async def test_a_plan_with_many_rows_in_small_parts_goes_in_steps(shared_world: World) -> None:
    made = await shared_world.runtime.operator.organizations.create(name=f"parts {new_id()}")
    topologies = shared_world.runtime.operator.topologies
    paths = tuple(((Scope.PROJECT, f"p{number}"),) for number in range(MAX_ROWS + 1))
    quotas_allow = Topology(organization=made.name, paths=paths)
    await topologies.apply(plan=await topologies.plan(wanted=quotas_allow))
    empty = Topology(organization=made.name, paths=())

    await topologies.apply(plan=await topologies.plan(wanted=empty, prunes=True))

    statement = "SELECT count(*) FROM holder WHERE organization_id = ?"
    assert stored(shared_world, statement, made.id) == [(len(paths),)]
    await shared_world.runtime.operator.deletions.finish()
    assert stored(shared_world, statement, made.id) == [(0,)]


def _at(reference: HolderReference) -> tuple[Scope, str]:
    assert reference.scope
    return reference.scope, reference.id


async def test_a_key_can_be_changed_to_one_that_is_hidden(shared_world: World) -> None:
    """An override that is hidden keeps its key: its holder can have both."""
    project, environment_id, job_id = await _in_project(shared_world)
    target = await shared_world.rest.create(Scope.PROJECT, project.id, key="BEFORE", value="v")
    override = await shared_world.rest.override(Scope.JOB, job_id, target.row["id"], value="v")
    await delete(shared_world, Scope.ENVIRONMENT, environment_id)

    edited = await shared_world.rest.edit(
        Scope.PROJECT, project.id, target.row["id"], key="FILLER_1"
    )

    key = stored(shared_world, "SELECT key FROM secret WHERE id = ?", override.row["id"])
    assert (edited.status, key) == (200, [("BEFORE",)])
