"""A secret gets a former version back by a change like any other."""

from collections.abc import Sequence

import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.faces import Face, GraphQLFace
from tests.operations.past import codes, events_of_secret, restore, roll_back, versions_of
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _edited(face: Face, holder_id: str, key: str, values: Sequence[str]) -> str:
    """Make a secret of a job with these values, one after the other; return its id."""
    first, *others = values
    made = await face.create(Scope.JOB, holder_id, key=key, value=first, description="as made")
    for value in others:
        await face.edit(Scope.JOB, holder_id, made.row["id"], key=key, value=value)
    secret_id: str = made.row["id"]
    return secret_id


@pytest.mark.rule("Y2")
async def test_a_rollback_gives_key_value_and_description_back(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_face, fresh_job, key, ["one"])
    await shared_face.edit(
        Scope.JOB, fresh_job, secret_id, key=f"{key}_2", value="two", description="edited"
    )

    payload = await roll_back(shared_world.graphql, secret_id, 1)

    assert payload["errors"] == []
    assert payload["secret"] | {"updatedAt": ""} == {
        "id": secret_id,
        "key": key,
        "description": "as made",
        "version": 3,
        "updatedAt": "",
    }
    assert await shared_world.stored_value(secret_id) == "one"


@pytest.mark.rule("Y2")
async def test_a_rollback_can_be_rolled_back(shared_world: World, fresh_job: str, key: str) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one", "two", "three"])

    await roll_back(shared_world.graphql, secret_id, 1)
    await roll_back(shared_world.graphql, secret_id, 3)

    assert await shared_world.stored_value(secret_id) == "three"
    assert (await versions_of(shared_world.graphql, secret_id))[0]["version"] == 5


@pytest.mark.rule("Y2")
async def test_the_value_of_a_version_is_found_where_it_ended_later(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """Versions 1 to 3 have one value, which is stored once."""
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one"])
    for text in ("b", "c"):
        await shared_world.rest.edit(Scope.JOB, fresh_job, secret_id, key=key, description=text)
    await shared_world.rest.edit(Scope.JOB, fresh_job, secret_id, key=key, value="two")

    payload = await roll_back(shared_world.graphql, secret_id, 2)

    assert payload["secret"]["description"] == "b"
    assert await shared_world.stored_value(secret_id) == "one"


@pytest.mark.rule("Y2")
async def test_a_dry_run_of_a_rollback_writes_nothing(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one", "two"])

    payload = await roll_back(shared_world.graphql, secret_id, 1, dry=True)

    assert payload["secret"]["version"] == 3
    assert await shared_world.stored_value(secret_id) == "two"


@pytest.mark.rule("Y2")
async def test_a_repeated_rollback_takes_effect_once(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one", "two"])

    first, second = [
        await roll_back(shared_world.graphql, secret_id, 1, key=f"once-{key}") for _ in range(2)
    ]

    assert first["secret"]["version"] == second["secret"]["version"] == 3
    assert len(await versions_of(shared_world.graphql, secret_id)) == 3


@pytest.mark.rule("Y2")
async def test_a_rollback_to_a_key_that_is_taken_is_a_conflict(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one"])
    await shared_world.rest.edit(Scope.JOB, fresh_job, secret_id, key=f"{key}_2")
    taking = await shared_world.rest.create(Scope.JOB, fresh_job, key=key, value="")

    payload = await roll_back(shared_world.graphql, secret_id, 1)

    assert payload["secret"] is None
    (error,) = payload["errors"]
    assert error["__typename"] == "SecretKeyConflictError"
    assert error["existing"] == {"id": taking.row["id"]}


@pytest.mark.rule("Y2")
@pytest.mark.parametrize("version", [0, -1, 4, 2**31 - 1])
async def test_a_version_that_never_was_is_refused(
    shared_world: World, fresh_job: str, key: str, version: int
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one", "two"])

    payload = await roll_back(shared_world.graphql, secret_id, version)

    assert codes(payload) == ["VERSION_NOT_KEPT"]
    assert payload["errors"][0]["path"] == ["toVersion"]


@pytest.mark.rule("Y2")
async def test_the_present_version_is_refused(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one"])

    assert codes(await roll_back(shared_world.graphql, secret_id, 1)) == ["CONFLICT"]


@pytest.mark.rule("Y2")
async def test_a_rollback_of_another_version_than_expected_is_refused(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one", "two", "three"])

    refused = await roll_back(shared_world.graphql, secret_id, 1, expected=2)

    assert codes(refused) == ["VERSION_CONFLICT"]
    assert await shared_world.stored_value(secret_id) == "three"


@pytest.mark.rule("Y2")
async def test_an_override_keeps_its_targets_key(
    shared_world: World, fresh_job: str, key: str
) -> None:
    rest = shared_world.rest
    project = Scope.PROJECT, shared_world.demo.project_id
    target = await rest.create(*project, key=key, value="")
    override = await rest.override(Scope.JOB, fresh_job, target.row["id"], value="one")
    await rest.edit(Scope.JOB, fresh_job, override.row["id"], key=key, value="two")
    await rest.edit(*project, target.row["id"], key=f"{key}_2")

    payload = await roll_back(shared_world.graphql, override.row["id"], 1)

    assert payload["secret"]["key"] == f"{key}_2"
    assert await shared_world.stored_value(override.row["id"]) == "one"


@pytest.mark.rule("Y2")
async def test_references_are_those_of_the_former_value(
    shared_world: World, fresh_job: str, key: str
) -> None:
    await shared_world.rest.create(Scope.JOB, fresh_job, key=f"{key}_HOST", value="db")
    referring = f"at {{{{{key}_HOST}}}}"
    secret_id = await _edited(shared_world.rest, fresh_job, key, [referring, "plain"])
    delivered = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"

    await roll_back(shared_world.graphql, secret_id, 1)

    found = await shared_world.graphql.ask(delivered, {"id": fresh_job})
    assert {"key": key, "value": "at db"} in found["runtimeSecrets"]
    dependents = await shared_world.graphql.ask(
        """query ($id: ID!) { node(id: $id) { ... on Job { secrets { nodes {
            key dependents { nodes { key } } } } } } }""",
        {"id": fresh_job},
    )
    by_key = {item["key"]: item for item in dependents["node"]["secrets"]["nodes"]}
    assert [item["key"] for item in by_key[f"{key}_HOST"]["dependents"]["nodes"]] == [key]


@pytest.mark.rule("Y2")
async def test_an_external_secret_that_was_restored_gets_its_former_description_back(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """Its value is the one that it had, under another version of the value."""
    registered = await shared_world.graphql.ask(
        """mutation ($id: ID!, $key: String!) { registerProvidedSecret(
            holder: { jobId: $id }, input: { key: $key, value: "external" }) { secret { id } } }""",
        {"id": fresh_job, "key": key},
    )
    secret_id = registered["registerProvidedSecret"]["secret"]["id"]
    at = Scope.JOB, fresh_job
    await shared_world.graphql.edit(*at, secret_id, key=key, description="edited")
    await shared_world.graphql.delete(*at, secret_id)
    await restore(shared_world.graphql, secret_id)

    payload = await roll_back(shared_world.graphql, secret_id, 1)

    assert payload["errors"] == []
    assert payload["secret"]["description"] is None
    found = await versions_of(shared_world.graphql, secret_id)
    assert [item["description"] for item in found] == [None, "edited", "edited", None]
    assert [item["isNewValue"] for item in found] == [False, False, False, True]


@pytest.mark.rule("Y2")
async def test_an_external_secret_does_not_get_another_value_back(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """The control of the test above."""
    document = """mutation ($id: ID!, $key: String!) { registerProvidedSecret(
        holder: { jobId: $id }, input: { key: $key, value: "external" }) { secret { id } } }"""
    registered = await shared_world.graphql.ask(document, {"id": fresh_job, "key": key})
    secret_id = registered["registerProvidedSecret"]["secret"]["id"]
    await shared_world.graphql.ask(
        """mutation ($id: ID!) { rotateProvidedSecret(secretId: $id, value: "another") {
            secret { id } } }""",
        {"id": secret_id},
    )
    await shared_world.graphql.delete(Scope.JOB, fresh_job, secret_id)
    await restore(shared_world.graphql, secret_id)

    payload = await roll_back(shared_world.graphql, secret_id, 1)

    assert codes(payload) == ["BAD_USER_INPUT"]


@pytest.mark.rule("Y2")
async def test_a_restored_secrets_rollback_to_the_same_value_brings_no_new_one(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_face, fresh_job, key, ["one"])
    at = Scope.JOB, fresh_job
    await shared_face.edit(*at, secret_id, key=key, description="edited")
    await shared_face.delete(*at, secret_id)
    await restore(shared_world.graphql, secret_id)

    await roll_back(shared_world.graphql, secret_id, 1)

    newest, *_ = await versions_of(shared_world.graphql, secret_id)
    assert (newest["description"], newest["isNewValue"]) == ("as made", False)
    assert await shared_world.stored_value(secret_id) == "one"


@pytest.mark.rule("Y2")
async def test_the_audit_log_says_that_a_change_was_a_rollback(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one", "two"])

    await roll_back(shared_world.graphql, secret_id, 1)

    *_, edit, rollback = await events_of_secret(shared_world, secret_id)
    assert rollback["action"] == "SECRET_CHANGED"
    assert rollback["details"]["rolled_back_to"] == 1
    assert "rolled_back_to" not in edit["details"]


@pytest.mark.rule("Y2")
async def test_a_rollback_needs_the_permission_to_write(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world.rest, fresh_job, key, ["one", "two"])

    async with await shared_world.client_with(Role.VIEWER) as viewer:
        response = await viewer.post(
            "/graphql",
            json={
                "query": "mutation ($id: ID!) { rollbackSecret(secretId: $id, toVersion: 1) "
                "{ secret { id } errors { code } } }",
                "variables": {"id": secret_id},
            },
        )
    async with await shared_world.client_with(Role.EDITOR) as editor:
        allowed = await roll_back(GraphQLFace(editor), secret_id, 1)

    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert allowed["errors"] == []
