"""Keys that an operator denies are refused on every way to a key."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from tests.faces import Face
from tests.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS: Final = "does not allow the key LD_PRELOAD here"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def denying_world(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway that denies keys in the demo's organization, which had one of them before."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("denying") / "data")
    async with open_world(copied, demo) as before:
        for scope, key in ((Scope.PROJECT, "LD_BEFORE"), (Scope.CONTAINER, "LD_GOES")):
            made = await before.rest.create(scope, before.holders[scope], key=key, value="old")
            assert made.code is None
    denied = (f"{demo.organization_id}:LD_*",)
    async with open_world(copied, demo, denied_keys=denied) as opened:
        yield opened


@pytest.fixture(params=["graphql", "rest"])
def denying_face(request: pytest.FixtureRequest, denying_world: World) -> Face:
    """Each of the two faces of it in turn."""
    return denying_world.graphql if request.param == "graphql" else denying_world.rest


async def _row_with(face: Face, world: World, key: str) -> str:
    rows = await face.visible(Scope.CONTAINER, world.demo.container_id)
    return next(str(row["id"]) for row in rows if row["key"] == key)


@pytest.mark.rule("S78")
async def test_creation_alias_and_rename_are_refused(
    denying_face: Face, denying_world: World, key: str
) -> None:
    """And another key is taken, which is the control."""
    job = (Scope.JOB, denying_world.demo.job_id)
    made = await denying_face.create(*job, key=key, value="x")

    outcomes = [
        await denying_face.create(*job, key="LD_PRELOAD", value="x"),
        await denying_face.alias(*job, made.row["id"], key="LD_PRELOAD"),
        await denying_face.edit(*job, made.row["id"], key="LD_PRELOAD"),
    ]

    assert made.code is None
    assert [outcome.code for outcome in outcomes] == [ErrorCode.BAD_USER_INPUT] * 3
    assert all(WORDS in outcome.detail for outcome in outcomes)


@pytest.mark.rule("S78")
async def test_what_has_the_key_takes_no_new_value_and_no_override(
    denying_face: Face, denying_world: World
) -> None:
    """It is described as before."""
    world = denying_world
    there = await _row_with(denying_face, world, "LD_BEFORE")
    project = (Scope.PROJECT, world.demo.project_id)

    override = await denying_face.override(
        Scope.JOB, world.demo.job_id, there, value="/srv/evil.so"
    )
    new_value = await denying_face.edit(*project, there, key="LD_BEFORE", value="/srv/evil.so")
    described = await denying_face.edit(*project, there, key="LD_BEFORE", description="old")

    assert [override.code, new_value.code] == [ErrorCode.BAD_USER_INPUT] * 2
    assert described.code is None
    assert await world.stored_value(there) == "old"


@pytest.mark.rule("S78")
async def test_an_import_fails_its_row_alone(denying_world: World, key: str) -> None:
    rows = [
        {"name": name, "value": "x", "scope": "JOB", "is_secret": True}
        for name in ("LD_PRELOAD", "LD_BEFORE", key)
    ]

    imported = await denying_world.client.post(
        "/variable/import",
        params={"service_id": denying_world.demo.job_id, "service_type": "JOB"},
        json={"overwrite": True, "vars": rows},
    )

    report = imported.json()
    assert [
        successful_imported_variable["name"]
        for successful_imported_variable in report["successful_imported_variables"]
    ] == [key]


@pytest.mark.rule("S78")
async def test_it_is_delivered_and_can_be_deleted(denying_world: World) -> None:
    """A setting does not break what runs."""
    container_id = denying_world.demo.container_id
    document = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"

    delivered = await denying_world.graphql.ask(document, {"id": container_id})
    there = await _row_with(denying_world.rest, denying_world, "LD_GOES")
    gone = await denying_world.rest.delete(Scope.CONTAINER, container_id, there)

    assert {"key": "LD_GOES", "value": "old"} in delivered["runtimeSecrets"]
    assert gone.code is None


@pytest.mark.rule("S78")
async def test_without_the_setting_such_a_key_is_taken(
    shared_face: Face, shared_world: World, fresh_job: str
) -> None:
    """The control; it is off by default."""
    made = await shared_face.create(Scope.JOB, fresh_job, key="LD_PRELOAD", value="x")

    assert made.code is None
    assert await shared_world.stored_value(made.row["id"]) == "x"


async def test_a_provided_secret_has_no_such_key_either(denying_world: World) -> None:
    """Whoever administers an organization can provide secrets, so these are no way around."""
    answer = await denying_world.graphql.ask(
        """mutation ($id: ID!) { payload: registerProvidedSecret(
            holder: {containerId: $id}, input: {key: "LD_PRELOAD", value: "/x.so"}
        ) { secret { id } errors { code message } } }""",
        {"id": denying_world.demo.container_id},
    )

    assert answer["payload"]["secret"] is None
    assert WORDS in answer["payload"]["errors"][0]["message"]
