"""An import as a whole: rows fail alone, and all that succeed are one transaction."""

from typing import Any

import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services.imports import MAX_ROWS
from tests.faces import GraphQLFace
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """mutation ($holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!, $over: Boolean!
) {
    importSecrets(holder: $holder, secrets: $secrets, overwrite: $over) {
        totalCount
        holder { id }
        rows { key action secret { id description mountPath variableType } }
        errors { code message path }
    } }"""
Json = dict[str, Any]
JOB = PLACES["the job"]
BROKEN: dict[str, tuple[Json, str]] = {
    "no key": ({"key": ""}, "key"),
    "a key that no process could have": ({"key": "1KEY"}, "key"),
    "a key with a newline": ({"key": "KEY\n"}, "key"),
    "a reserved key": ({"key": "QOVERY_KEY"}, "key"),
    "a NUL": ({"key": "KEY", "value": "a\0b"}, "value"),
    "a value that is too long": ({"key": "KEY", "value": "x" * (64 * 1024 + 1)}, "value"),
    "a path out of its place": ({"key": "KEY", "mountPath": "/etc/../proc/x"}, "mountPath"),
    "a description that is too long": ({"key": "KEY", "description": "x" * 256}, "description"),
}


async def _imported(
    world: World, *rows: Json, over: bool = False, face: GraphQLFace | None = None
) -> Json:
    scope, holder_id = JOB(world)
    variables = {"holder": {scope.id_argument: holder_id}, "secrets": rows, "over": over}
    answer = await (face or world.graphql).ask(DOCUMENT, variables)
    payload: Json = answer["importSecrets"]
    return payload


@pytest.mark.rule("V4")
@pytest.mark.parametrize(("broken", "argument"), BROKEN.values(), ids=BROKEN)
async def test_a_row_against_the_rules_fails_and_the_others_go_through(
    shared_world: World, key: str, broken: Json, argument: str
) -> None:
    """The error says which row, and which part of it."""
    payload = await _imported(
        shared_world, {"key": f"{key}_1"}, broken, {"key": f"{key}_2", "value": "x"}
    )

    actions = [row["action"] for row in payload["rows"]]
    assert actions == ["CREATED", "FAILED", "CREATED"]
    assert [row["key"] for row in payload["rows"]] == [f"{key}_1", broken["key"], f"{key}_2"]
    assert payload["totalCount"] == 3
    assert [error["path"] for error in payload["errors"]] == [["secrets", "1", argument]]
    assert payload["errors"][0]["code"] == "BAD_USER_INPUT"


@pytest.mark.rule("E1")
async def test_no_error_repeats_a_value(shared_world: World) -> None:
    payload = await _imported(shared_world, {"key": "1KEY", "value": "sesame-77aa"})

    assert "sesame-77aa" not in str(payload)


@pytest.mark.rule("V4")
async def test_rows_are_reported_in_the_order_they_were_sent(shared_world: World, key: str) -> None:
    keys = [f"{key}_{number}" for number in (3, 1, 2)]

    payload = await _imported(shared_world, *({"key": name} for name in keys))

    assert [row["key"] for row in payload["rows"]] == keys


@pytest.mark.rule("V4")
@pytest.mark.parametrize(("over", "second"), [(True, "UPDATED"), (False, "SKIPPED")])
async def test_a_key_that_is_sent_twice_is_there_for_the_second_row(
    *, shared_world: World, key: str, over: bool, second: str
) -> None:
    payload = await _imported(
        shared_world, {"key": key, "value": "one"}, {"key": key, "value": "two"}, over=over
    )

    assert [row["action"] for row in payload["rows"]] == ["CREATED", second]
    stored = await shared_world.stored_value(payload["rows"][0]["secret"]["id"])
    assert stored == ("two" if over else "one")


@pytest.mark.rule("C1", "V4")
async def test_a_row_can_be_a_file_with_a_description(shared_world: World, key: str) -> None:
    row = {"key": key, "value": "text", "mountPath": "/etc/file", "description": "Text"}

    payload = await _imported(shared_world, row)

    result = payload["rows"][0]["secret"]
    assert (result["variableType"], result["mountPath"]) == ("FILE", "/etc/file")
    assert result["description"] == "Text"


@pytest.mark.rule("V4")
async def test_an_updated_row_takes_the_description_that_is_sent(
    shared_world: World, key: str
) -> None:
    """Nothing that a row says is dropped in silence."""
    await shared_world.rest.create(*JOB(shared_world), key=key, description="Old")

    payload = await _imported(
        shared_world, {"key": key, "value": "x", "description": "New"}, over=True
    )

    assert payload["rows"][0]["action"] == "UPDATED"
    assert payload["rows"][0]["secret"]["description"] == "New"


@pytest.mark.rule("V4")
async def test_an_updated_row_without_a_description_keeps_the_one_that_is_there(
    shared_world: World, key: str
) -> None:
    await shared_world.rest.create(*JOB(shared_world), key=key, description="Old")

    payload = await _imported(shared_world, {"key": key, "value": "x"}, over=True)

    assert payload["rows"][0]["secret"]["description"] == "Old"


@pytest.mark.rule("V4")
async def test_an_import_of_nothing_does_nothing(shared_world: World) -> None:
    payload = await _imported(shared_world)

    assert payload == {
        "totalCount": 0,
        "holder": {"id": shared_world.demo.job_id},
        "rows": [],
        "errors": [],
    }


@pytest.mark.rule("V4")
async def test_more_rows_than_are_taken_at_once_are_refused(shared_world: World, key: str) -> None:
    """All of them, before any is looked at."""
    rows = [{"key": f"{key}_{number}"} for number in range(MAX_ROWS + 1)]

    payload = await _imported(shared_world, *rows)

    assert payload["rows"] == []
    assert payload["holder"] is None
    assert payload["errors"][0]["path"] == ["secrets"]
    seen = await shared_world.rest.visible(*JOB(shared_world))
    assert not [row for row in seen if row["key"].startswith(key)]


@pytest.mark.rule("E2", "V4")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.RUNTIME])
async def test_one_who_cannot_write_imports_nothing(
    shared_world: World, key: str, role: Role
) -> None:
    client = await shared_world.client_with(role)
    variables = {"holder": {"jobId": shared_world.demo.job_id}, "secrets": [{"key": key}]}

    response = await client.post(
        "/graphql", json={"query": DOCUMENT, "variables": variables | {"over": True}}
    )

    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.rule("V4")
async def test_a_holder_that_is_not_there_is_reported_as_such(
    shared_world: World, key: str
) -> None:
    variables = {"holder": {"jobId": shared_world.demo.container_id}, "secrets": [{"key": key}]}

    answer = await shared_world.graphql.ask(DOCUMENT, variables | {"over": True})

    payload = answer["importSecrets"]
    assert payload["holder"] is None
    assert [error["code"] for error in payload["errors"]] == ["NOT_FOUND"]


@pytest.mark.rule("V4")
async def test_an_editor_imports(shared_world: World, key: str) -> None:
    """The control of the tests above."""
    face = GraphQLFace(await shared_world.client_with(Role.EDITOR))

    payload = await _imported(shared_world, {"key": key, "scope": Scope.PROJECT}, face=face)

    assert payload["rows"][0]["action"] == "CREATED"
