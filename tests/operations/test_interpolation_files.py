"""References inside files: their paths, and what is put into their contents."""

from typing import Any

import pytest

from gateway.domain.scopes import Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

PROJECT = PLACES["the project"]
Json = dict[str, Any]
DOCUMENT = """query ($id: ID!) {
    runtimeSecrets(serviceId: $id) { key value file { mountPath content } } }"""


async def _delivered(world: World, job_id: str) -> dict[str, Json]:
    secrets = (await world.graphql.ask(DOCUMENT, {"id": job_id}))["runtimeSecrets"]
    return {secret["key"]: secret for secret in secrets}


async def _values(world: World, job_id: str, **values: str) -> dict[str, str]:
    """Make a secret for each value and return what is delivered for them."""
    for key, value in values.items():
        made = await world.rest.create(Scope.JOB, job_id, key=key, value=value)
        assert made.code is None
    delivered = await _delivered(world, job_id)
    return {key: delivered[key]["value"] for key in values}


@pytest.mark.rule("R2", "R3")
async def test_a_reference_to_a_file_is_its_path(shared_world: World, fresh_job: str) -> None:
    await shared_world.rest.create(
        Scope.JOB, fresh_job, key="FILE", value="content", mount_path="/etc/file"
    )

    values = await _values(shared_world, fresh_job, COMMAND="cat {{FILE}}")

    assert values["COMMAND"] == "cat /etc/file"


@pytest.mark.rule("R3")
@pytest.mark.parametrize(
    ("flag", "content"), [(True, "x-{{UNKNOWN}}"), (False, "{{NAME}}-{{UNKNOWN}}"), (None, None)]
)
async def test_in_files_references_are_replaced_with_the_flag_only(
    *, shared_world: World, fresh_job: str, flag: bool | None, content: str | None
) -> None:
    text = "{{NAME}}-{{UNKNOWN}}"
    flagged = {} if flag is None else {"enable_interpolation_in_file": flag}
    await shared_world.rest.create(
        Scope.JOB, fresh_job, key="FILE", value=text, mount_path="/etc/file", **flagged
    )
    await _values(shared_world, fresh_job, NAME="x")

    file = (await _delivered(shared_world, fresh_job))["FILE"]["file"]

    assert file == {"mountPath": "/etc/file", "content": content or text}


@pytest.mark.rule("O3", "R3")
@pytest.mark.parametrize(
    ("target_flag", "own_flag", "content"),
    [
        (True, None, "x"),
        (False, None, "{{NAME}}"),
        (True, False, "{{NAME}}"),
        (False, True, "x"),
    ],
)
async def test_an_overridden_file_takes_its_targets_flag_unless_it_has_one(
    *,
    shared_world: World,
    fresh_job: str,
    key: str,
    target_flag: bool,
    own_flag: bool | None,
    content: str,
) -> None:
    target = await shared_world.rest.create(
        *PROJECT(shared_world),
        key=key,
        mount_path=f"/etc/{key}",
        enable_interpolation_in_file=target_flag,
    )
    await shared_world.rest.override(
        Scope.JOB,
        fresh_job,
        target.row["id"],
        value="{{NAME}}",
        enable_interpolation_in_file=own_flag,
    )
    await _values(shared_world, fresh_job, NAME="x")

    file = (await _delivered(shared_world, fresh_job))[key]["file"]

    assert file["content"] == content


@pytest.mark.rule("R3")
async def test_in_files_what_leads_into_a_cycle_stays_too(
    shared_world: World, fresh_job: str
) -> None:
    """A file's content is no other text than a value."""
    text = "{{LOOP}}-{{PLAIN}}"
    await shared_world.rest.create(
        Scope.JOB,
        fresh_job,
        key="FILE",
        value=text,
        mount_path="/etc/file",
        enable_interpolation_in_file=True,
    )

    values = await _values(shared_world, fresh_job, LOOP="a{{LOOP}}", PLAIN="x", VALUE=text)

    file = (await _delivered(shared_world, fresh_job))["FILE"]["file"]
    assert file["content"] == values["VALUE"] == "{{LOOP}}-x"


@pytest.mark.rule("R2")
async def test_a_mount_path_is_no_text_to_replace_in(shared_world: World, fresh_job: str) -> None:
    """The variable holds the path at which the file is."""
    await shared_world.rest.create(
        Scope.JOB, fresh_job, key="FILE", value="content", mount_path="/etc/{{NAME}}"
    )
    await _values(shared_world, fresh_job, NAME="x")

    file = (await _delivered(shared_world, fresh_job))["FILE"]

    assert file["value"] == file["file"]["mountPath"] == "/etc/{{NAME}}"
