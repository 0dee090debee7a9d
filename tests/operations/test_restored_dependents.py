"""What comes back with a deleted secret, and what stays deleted."""

import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services import restored_dependents
from tests.faces import Face, GraphQLFace
from tests.operations.past import (
    Json,
    codes,
    deleted_at,
    purge,
    restore,
)
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALIASED = "query ($id: ID!) { secret(id: $id) { key aliasedSecret { id } } }"


def _ids(payload: Json) -> set[str]:
    return {item["id"] for item in payload["alsoRestored"]}


def _not_restored(payload: Json) -> list[str]:
    """Return the messages of the warnings of what stays deleted."""
    return [item["message"] for item in payload["warnings"] if item["code"] == "NOT_RESTORED"]


@pytest.mark.rule("Y2")
async def test_an_override_whose_value_was_destroyed_stays_deleted_with_its_aliases(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project, job = (Scope.PROJECT, shared_world.demo.project_id), (Scope.JOB, fresh_job)
    target = await shared_face.create(*project, key=key, value="of the project")
    kept = await shared_face.alias(*job, target.row["id"], key=f"{key}_KEPT")
    override = await shared_face.override(*job, target.row["id"], value="of the job")
    alias = await shared_face.alias(*job, override.row["id"], key=f"{key}_ALIAS")
    await shared_face.delete(*project, target.row["id"])
    before = await restore(shared_world.graphql, target.row["id"], dry=True)
    await purge(shared_world.graphql, override.row["id"])

    tried = await restore(shared_world.graphql, target.row["id"], dry=True)
    payload = await restore(shared_world.graphql, target.row["id"])

    everything = {item.row["id"] for item in (kept, override, alias)}
    assert (_ids(before), before["warnings"]) == (everything, [])
    assert payload["errors"] == []
    assert _ids(tried) == _ids(payload) == {kept.row["id"]}
    (message,) = _not_restored(payload)
    assert _not_restored(tried) == [message]
    assert f"{key} ({override.row['id']}) at job {fresh_job}" in message
    assert f"{key}_ALIAS ({alias.row['id']}) at job {fresh_job}" in message
    assert payload["warnings"][0]["path"] == ["secretId"]
    assert await shared_world.stored_value(target.row["id"]) == "of the project"
    deleted = await deleted_at(shared_world.graphql, fresh_job)
    assert {item["id"] for item in deleted} == {override.row["id"], alias.row["id"]}


@pytest.mark.rule("Y2")
async def test_a_repeated_restoration_repeats_the_warning(
    shared_world: World, fresh_job: str, key: str
) -> None:
    project = Scope.PROJECT, shared_world.demo.project_id
    target = await shared_world.rest.create(*project, key=key, value="")
    override = await shared_world.rest.override(
        Scope.JOB, fresh_job, target.row["id"], value="of the job"
    )
    await shared_world.rest.delete(*project, target.row["id"])
    await purge(shared_world.graphql, override.row["id"])

    first, second = [
        await restore(shared_world.graphql, target.row["id"], key=f"once-{key}") for _ in range(2)
    ]

    assert len(_not_restored(first)) == 1
    assert first == second


@pytest.mark.rule("Y2")
async def test_no_more_than_the_maximum_comes_back_at_once(
    shared_world: World,
    shared_face: Face,
    fresh_job: str,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others can be restored by their ids afterwards."""
    monkeypatch.setattr(restored_dependents, "MAX_DEPENDENTS", 2)
    project, job = (Scope.PROJECT, shared_world.demo.project_id), (Scope.JOB, fresh_job)
    target = await shared_face.create(*project, key=key, value="")
    first, second, third = [
        await shared_face.alias(*job, target.row["id"], key=f"{key}_{number}")
        for number in range(3)
    ]
    await shared_face.delete(*project, target.row["id"])

    payload = await restore(shared_world.graphql, target.row["id"])
    other = await restore(shared_world.graphql, third.row["id"])

    assert _ids(payload) == {first.row["id"], second.row["id"]}
    (message,) = _not_restored(payload)
    assert f"{key}_2 ({third.row['id']}) at job {fresh_job}" in message
    assert "at most 2" in message
    assert (other["secret"]["id"], other["warnings"]) == (third.row["id"], [])
    assert await deleted_at(shared_world.graphql, fresh_job) == []


@pytest.mark.rule("Y2")
async def test_as_many_as_the_maximum_come_back_without_a_warning(
    shared_world: World, fresh_job: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(restored_dependents, "MAX_DEPENDENTS", 1)
    project = Scope.PROJECT, shared_world.demo.project_id
    target = await shared_world.rest.create(*project, key=key, value="")
    alias = await shared_world.rest.alias(
        Scope.JOB, fresh_job, target.row["id"], key=f"{key}_ALIAS"
    )
    await shared_world.rest.delete(*project, target.row["id"])

    payload = await restore(shared_world.graphql, target.row["id"])

    assert (_ids(payload), payload["warnings"]) == ({alias.row["id"]}, [])


@pytest.mark.rule("Y2")
async def test_an_alias_comes_back_to_who_cannot_see_its_target(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    """The reference was there before; the answer shows nothing of its target, as before."""
    project, job = (Scope.PROJECT, shared_world.demo.project_id), (Scope.JOB, fresh_job)
    target = await shared_face.create(*project, key=key, value="")
    alias = await shared_face.alias(*job, target.row["id"], key=f"{key}_ALIAS")
    async with await shared_world.client_with(
        Role.EDITOR, on=HolderReference(Scope.JOB, fresh_job)
    ) as editor:
        face = GraphQLFace(editor)
        before = await face.ask(ALIASED, {"id": alias.row["id"]})
        await face.delete(*job, alias.row["id"])

        payload = await restore(face, alias.row["id"])
        after = await face.ask(ALIASED, {"id": alias.row["id"]})

    seen = await shared_world.graphql.ask(ALIASED, {"id": alias.row["id"]})
    assert payload["errors"] == []
    assert before == after
    assert after["secret"]["aliasedSecret"] is None
    assert seen["secret"]["aliasedSecret"] == {"id": target.row["id"]}


@pytest.mark.rule("Y2")
async def test_a_refusal_does_not_name_a_target_that_the_caller_cannot_see(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project, job = (Scope.PROJECT, shared_world.demo.project_id), (Scope.JOB, fresh_job)
    target = await shared_face.create(*project, key=key, value="")
    alias = await shared_face.alias(*job, target.row["id"], key=f"{key}_ALIAS")
    await shared_face.delete(*project, target.row["id"])

    async with await shared_world.client_with(
        Role.EDITOR, on=HolderReference(Scope.JOB, fresh_job)
    ) as editor:
        hidden = await restore(GraphQLFace(editor), alias.row["id"])
    seen = await restore(shared_world.graphql, alias.row["id"])

    assert codes(hidden) == ["CONFLICT"]
    assert target.row["id"] not in str(hidden)
    assert seen["errors"][0]["missingId"] == target.row["id"]
