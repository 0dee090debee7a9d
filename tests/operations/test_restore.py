"""A deleted secret comes back as it was, with what went with it."""

import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.faces import Face, GraphQLFace
from tests.operations.callers import Stranger
from tests.operations.past import (
    codes,
    deleted_at,
    events_of_secret,
    restore,
    roll_back,
    versions_of,
)
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERED = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"


async def _values(world: World, service_id: str) -> dict[str, str]:
    answer = await world.graphql.ask(DELIVERED, {"id": service_id})
    return {item["key"]: item["value"] for item in answer["runtimeSecrets"]}


@pytest.mark.rule("Y2")
async def test_a_secret_comes_back_with_its_id_and_value_and_goes_on_counting(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_face.create(*at, key=key, value="one", description="as made")
    await shared_face.edit(*at, made.row["id"], key=key, value="two")
    before = await shared_face.visible(*at)
    await shared_face.delete(*at, made.row["id"])

    payload = await restore(shared_world.graphql, made.row["id"])

    assert payload["errors"] == []
    assert (payload["secret"]["id"], payload["secret"]["version"]) == (made.row["id"], 3)
    assert payload["holder"] == {"id": fresh_job}
    assert await shared_world.stored_value(made.row["id"]) == "two"
    assert await deleted_at(shared_world.graphql, fresh_job) == []
    after = await shared_face.visible(*at)
    assert [{**row, "updated_at": ""} for row in after] == [
        {**row, "updated_at": ""} for row in before
    ]


@pytest.mark.rule("Y2")
async def test_aliases_and_overrides_come_back_with_their_target(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project, job = (Scope.PROJECT, shared_world.demo.project_id), (Scope.JOB, fresh_job)
    target = await shared_face.create(*project, key=key, value="of the project")
    override = await shared_face.override(*job, target.row["id"], value="of the job")
    alias = await shared_face.alias(*job, override.row["id"], key=f"{key}_ALIAS")
    before = await _values(shared_world, fresh_job)
    await shared_face.delete(*project, target.row["id"])
    without = await _values(shared_world, fresh_job)

    payload = await restore(shared_world.graphql, target.row["id"])

    assert payload["errors"] == []
    assert {item["id"] for item in payload["alsoRestored"]} == {
        override.row["id"],
        alias.row["id"],
    }
    assert key not in without
    assert await _values(shared_world, fresh_job) == before


@pytest.mark.rule("Y2")
async def test_what_was_deleted_before_its_target_stays_deleted(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project = Scope.PROJECT, shared_world.demo.project_id
    target = await shared_face.create(*project, key=key, value="")
    alias = await shared_face.alias(Scope.JOB, fresh_job, target.row["id"], key=f"{key}_ALIAS")
    await shared_face.delete(Scope.JOB, fresh_job, alias.row["id"])
    await shared_face.delete(*project, target.row["id"])

    payload = await restore(shared_world.graphql, target.row["id"])

    assert payload["alsoRestored"] == []
    assert [item["id"] for item in await deleted_at(shared_world.graphql, fresh_job)] == [
        alias.row["id"]
    ]


@pytest.mark.rule("Y2")
async def test_an_alias_cannot_come_back_without_its_target(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project = Scope.PROJECT, shared_world.demo.project_id
    target = await shared_face.create(*project, key=key, value="")
    alias = await shared_face.alias(Scope.JOB, fresh_job, target.row["id"], key=f"{key}_ALIAS")
    await shared_face.delete(*project, target.row["id"])

    refused = await restore(shared_world.graphql, alias.row["id"])
    with_its_target = await restore(shared_world.graphql, target.row["id"])

    assert codes(refused) == ["NOT_FOUND"]
    assert refused["errors"][0]["missingId"] == target.row["id"]
    assert with_its_target["errors"] == []


@pytest.mark.rule("Y2")
async def test_a_key_that_was_taken_meanwhile_is_a_conflict(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_face.create(*at, key=key, value="one")
    await shared_face.delete(*at, made.row["id"])
    taking = await shared_face.create(
        Scope.PROJECT, shared_world.demo.project_id, key=key, value=""
    )

    payload = await restore(shared_world.graphql, made.row["id"])

    assert payload["errors"][0]["__typename"] == "SecretKeyConflictError"
    assert payload["errors"][0]["existing"] == {"id": taking.row["id"]}
    assert len(await deleted_at(shared_world.graphql, fresh_job)) == 1


@pytest.mark.rule("Y2")
async def test_a_dependents_conflict_brings_nothing_back(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project = Scope.PROJECT, shared_world.demo.project_id
    target = await shared_face.create(*project, key=key, value="")
    await shared_face.alias(Scope.JOB, fresh_job, target.row["id"], key=f"{key}_ALIAS")
    await shared_face.delete(*project, target.row["id"])
    await shared_face.create(Scope.JOB, fresh_job, key=f"{key}_ALIAS", value="")

    payload = await restore(shared_world.graphql, target.row["id"])

    assert codes(payload) == ["CONFLICT"]
    assert key not in await _values(shared_world, fresh_job)


@pytest.mark.rule("Y2")
async def test_an_override_that_another_one_replaced_is_a_conflict(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project, job = (Scope.PROJECT, shared_world.demo.project_id), (Scope.JOB, fresh_job)
    target = await shared_face.create(*project, key=key, value="")
    former = await shared_face.override(*job, target.row["id"], value="former")
    await shared_face.delete(*job, former.row["id"])
    await shared_face.override(*job, target.row["id"], value="present")

    payload = await restore(shared_world.graphql, former.row["id"])

    assert codes(payload) == ["CONFLICT"]
    assert (await _values(shared_world, fresh_job))[key] == "present"


@pytest.mark.rule("Y2")
async def test_an_override_comes_back_with_the_present_key_of_its_target(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project, job = (Scope.PROJECT, shared_world.demo.project_id), (Scope.JOB, fresh_job)
    target = await shared_face.create(*project, key=key, value="")
    override = await shared_face.override(*job, target.row["id"], value="of the job")
    await shared_face.delete(*job, override.row["id"])
    await shared_face.edit(*project, target.row["id"], key=f"{key}_2")

    payload = await restore(shared_world.graphql, override.row["id"])

    assert payload["secret"]["key"] == f"{key}_2"
    assert (await _values(shared_world, fresh_job))[f"{key}_2"] == "of the job"


@pytest.mark.rule("Y2")
async def test_a_file_whose_path_was_taken_is_a_conflict(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    path = f"/etc/{key.lower()}"
    made = await shared_world.graphql.create(*at, key=key, value="one", mount_path=path)
    await shared_world.graphql.delete(*at, made.row["id"])
    await shared_world.graphql.create(*at, key=f"{key}_2", value="two", mount_path=path)

    payload = await restore(shared_world.graphql, made.row["id"])

    assert [error["__typename"] for error in payload["errors"]] == ["MountPathConflictError"]


@pytest.mark.rule("Y2")
async def test_a_secret_can_be_deleted_and_come_back_again_and_again(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_face.create(*at, key=key, value="one")
    for _ in range(3):
        await shared_face.delete(*at, made.row["id"])
        assert len(await deleted_at(shared_world.graphql, fresh_job)) == 1
        assert (await restore(shared_world.graphql, made.row["id"]))["errors"] == []

    found = await versions_of(shared_world.graphql, made.row["id"])

    assert [(item["version"], item["endedHow"]) for item in found] == [
        (4, None),
        (3, "DELETED"),
        (2, "DELETED"),
        (1, "DELETED"),
    ]
    assert [item["isNewValue"] for item in found] == [False, False, False, True]
    assert await shared_world.stored_value(made.row["id"]) == "one"


@pytest.mark.rule("Y2")
async def test_who_restored_a_secret_is_the_author_of_that_version(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])
    async with await shared_world.client_with(Role.EDITOR) as editor:
        await restore(GraphQLFace(editor), made.row["id"])

    restored, first = await versions_of(shared_world.graphql, made.row["id"])

    assert (restored["by"]["name"], restored["face"]) == ("a editor", "GRAPHQL")
    assert first["face"] == "REST"


@pytest.mark.rule("Y2")
async def test_a_version_from_before_the_deletion_comes_back_after_it(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_face.create(*at, key=key, value="one")
    await shared_face.edit(*at, made.row["id"], key=key, value="two")
    await shared_face.delete(*at, made.row["id"])
    await restore(shared_world.graphql, made.row["id"])

    payload = await roll_back(shared_world.graphql, made.row["id"], 1)

    assert payload["errors"] == []
    assert await shared_world.stored_value(made.row["id"]) == "one"


@pytest.mark.rule("Y2")
async def test_a_dry_run_of_a_restoration_writes_nothing(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])

    payload = await restore(shared_world.graphql, made.row["id"], dry=True)

    assert payload["secret"]["version"] == 2
    assert len(await deleted_at(shared_world.graphql, fresh_job)) == 1


@pytest.mark.rule("Y2")
async def test_a_repeated_restoration_takes_effect_once(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])

    first, second = [
        await restore(shared_world.graphql, made.row["id"], key=f"once-{key}") for _ in range(2)
    ]
    again = await restore(shared_world.graphql, made.row["id"])

    assert first == second
    assert codes(again) == ["CONFLICT"]


@pytest.mark.rule("Y2")
async def test_another_version_than_expected_is_not_restored(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])

    assert codes(await restore(shared_world.graphql, made.row["id"], expected=2)) == [
        ErrorCode.VERSION_CONFLICT
    ]
    assert codes(await restore(shared_world.graphql, made.row["id"], expected=1)) == []


@pytest.mark.rule("Y2")
@pytest.mark.parametrize(
    "secret_id", [new_id(), "no id", "é\u0000"], ids=["unknown", "no id", "no text"]
)
async def test_what_never_was_cannot_come_back(shared_world: World, secret_id: str) -> None:
    assert codes(await restore(shared_world.graphql, secret_id)) == ["NOT_FOUND"]


@pytest.mark.rule("Y2")
async def test_strangers_cannot_bring_back_what_they_cannot_see(
    shared_world: World, shared_stranger: Stranger, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])

    foreign = await restore(GraphQLFace(shared_stranger.client), made.row["id"])

    assert codes(foreign) == ["NOT_FOUND"]
    assert len(await deleted_at(shared_world.graphql, fresh_job)) == 1


@pytest.mark.rule("Y2")
async def test_the_audit_log_says_that_a_secret_was_restored(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])

    await restore(shared_world.graphql, made.row["id"])

    created, _, restored = await events_of_secret(shared_world, made.row["id"])
    assert restored["action"] == "SECRET_CREATED"
    assert restored["details"]["is_restored"] is True
    assert restored["details"]["version"] == 2
    assert "is_restored" not in created["details"]


@pytest.mark.rule("Y2")
async def test_the_first_author_is_still_the_creator_after_a_restoration(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    async with await shared_world.client_with(Role.EDITOR) as editor:
        made = await GraphQLFace(editor).create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])
    await restore(shared_world.graphql, made.row["id"])

    answer = await shared_world.graphql.ask(
        "query ($id: ID!) { secret(id: $id) { createdBy { ... on ApiToken { name } } } }",
        {"id": made.row["id"]},
    )

    assert answer["secret"]["createdBy"] == {"name": "a editor"}


@pytest.mark.rule("Y2")
async def test_what_a_deleted_holder_had_is_gone_with_it(shared_world: World, key: str) -> None:
    operator = Principal.operator(shared_world.demo.organization_id)
    administration = shared_world.runtime.services.for_principal(operator).administration
    job = await administration.create_holder(
        kind=Scope.JOB,
        name=f"job {new_id()}",
        parent=HolderReference(Scope.ENVIRONMENT, shared_world.demo.environment_id),
    )
    made = await shared_world.rest.create(Scope.JOB, job.id, key=key, value="one")
    await shared_world.rest.delete(Scope.JOB, job.id, made.row["id"])

    await administration.delete_holder(
        holder_reference=HolderReference(Scope.JOB, job.id), with_content=True
    )

    assert codes(await restore(shared_world.graphql, made.row["id"])) == ["NOT_FOUND"]
