"""Files that no service could have together are refused when they are written."""

from http import HTTPStatus

import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.errors import ErrorCode
from gateway.domain.permissions import Role
from tests.faces import Face
from tests.operations.callers import spoken_by
from tests.operations.delivering import delivered
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("R5")]

CONFLICT = (HTTPStatus.CONFLICT, ErrorCode.CONFLICT)
CREATE = """mutation ($holder: SecretHolderRef!, $input: SecretInput!) {
    createSecret(holder: $holder, input: $input) {
        errors { code path ... on MountPathConflictError { existing { id } } } } }"""
IMPORT = """mutation ($holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!) {
    importSecrets(holder: $holder, secrets: $secrets, overwrite: true) {
        rows { action } errors { code path } } }"""


@pytest.mark.parametrize(
    ("first", "path", "second", "other_path"),
    [
        ("the job", "", "the job", ""),
        ("the environment", "", "the job", ""),
        ("the job", "", "the project", ""),
        ("the job", "", "the job", "/inside"),
        ("the environment", "/deep/inside", "the job", "/deep"),
        ("the job", "/inside", "the project", ""),
    ],
)
async def test_two_files_that_some_service_would_get_are_refused(
    *,
    shared_world: World,
    shared_face: Face,
    key: str,
    first: str,
    path: str,
    second: str,
    other_path: str,
) -> None:
    """One path, or a file where another needs a folder."""
    await shared_face.create(*PLACES[first](shared_world), key=key, mount_path=f"/{key}{path}")

    refused = await shared_face.create(
        *PLACES[second](shared_world), key=f"{key}_B", mount_path=f"/{key}{other_path}"
    )

    assert (refused.status, refused.code) == CONFLICT
    assert await delivered(shared_world, shared_world.demo.job_id)


@pytest.mark.parametrize(
    ("second", "other_path"),
    [
        ("a sibling job", ""),
        ("a sibling container", "/inside"),
        ("another environment", ""),
        ("the job", "_beside"),
        ("the environment", "/../"),
    ],
)
async def test_files_apart_are_allowed(
    shared_world: World, shared_face: Face, key: str, second: str, other_path: str
) -> None:
    """The control of the test above: nobody gets both, or they are beside each other."""
    await shared_face.create(*PLACES["the job"](shared_world), key=key, mount_path=f"/{key}/it")
    path = f"/{key}/it{other_path}".replace("/it/../", "/other")

    made = await shared_face.create(*PLACES[second](shared_world), key=f"{key}_B", mount_path=path)

    assert made.code is None


@pytest.mark.rule("R1")
@pytest.mark.parametrize("is_alias_first", [True, False])
async def test_an_alias_of_a_file_is_not_beside_an_override_of_it(
    *, shared_world: World, shared_face: Face, key: str, is_alias_first: bool
) -> None:
    """The alias gives the file that it refers to; the key, at the same path, the override's."""
    file = await shared_face.create(
        *PLACES["the project"](shared_world), key=key, mount_path=f"/{key}"
    )
    alias = shared_face.alias(*PLACES["the job"](shared_world), file.row["id"], key=f"{key}_ALIAS")
    override = shared_face.override(
        *PLACES["the environment"](shared_world), file.row["id"], value="other"
    )

    first, second = (alias, override) if is_alias_first else (override, alias)
    made, refused = await first, await second

    assert made.code is None
    assert (refused.status, refused.code) == CONFLICT


async def test_aliases_of_what_a_service_gets_are_allowed(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """The control of the test above: of a file that nothing overrides there, or of the override."""
    file = await shared_face.create(
        *PLACES["the environment"](shared_world), key=key, mount_path=f"/{key}"
    )
    override = await shared_face.override(
        *PLACES["the job"](shared_world), file.row["id"], value="other"
    )

    of_override = await shared_face.alias(
        *PLACES["the job"](shared_world), override.row["id"], key=f"{key}_A"
    )
    of_file = await shared_face.alias(
        *PLACES["a sibling job"](shared_world), file.row["id"], key=f"{key}_B"
    )

    assert (of_override.code, of_file.code) == (None, None)


async def test_what_the_caller_cannot_see_is_not_named(
    shared_world: World, shared_face: Face, key: str
) -> None:
    there = await shared_world.rest.create(
        *PLACES["the project"](shared_world), key=key, mount_path=f"/{key}"
    )
    scope, job_id = PLACES["the job"](shared_world)
    client = await shared_world.client_with(Role.EDITOR, on=HolderReference(scope, job_id))

    refused = await spoken_by(client, shared_face).create(
        scope, job_id, key=f"{key}_B", mount_path=f"/{key}"
    )

    assert (refused.status, refused.code) == CONFLICT
    assert there.row["id"] not in refused.detail


async def test_the_typed_error_has_the_other_file(shared_world: World, key: str) -> None:
    scope, job_id = PLACES["the job"](shared_world)
    there = await shared_world.rest.create(scope, job_id, key=key, mount_path=f"/{key}")
    variables = {
        "holder": {"jobId": job_id},
        "input": {"key": f"{key}_B", "value": "", "mountPath": f"/{key}"},
    }

    payload = (await shared_world.graphql.ask(CREATE, variables))["createSecret"]

    existing = {"id": there.row["id"]}
    path = ["input", "mountPath"]
    assert payload["errors"] == [{"code": "CONFLICT", "path": path, "existing": existing}]


@pytest.mark.rule("V4")
async def test_a_row_of_an_import_fails_alone(shared_world: World, key: str) -> None:
    """Also for a file of a row before it."""
    secrets = [
        {"key": f"{key}_{number}", "value": "", "mountPath": path}
        for number, path in enumerate([f"/{key}", f"/{key}/inside", f"/{key}_beside"])
    ]
    variables = {"holder": {"jobId": shared_world.demo.job_id}, "secrets": secrets}

    payload = (await shared_world.graphql.ask(IMPORT, variables))["importSecrets"]

    assert [row["action"] for row in payload["rows"]] == ["CREATED", "FAILED", "CREATED"]
    assert payload["errors"] == [{"code": "CONFLICT", "path": ["secrets", "1", "mountPath"]}]
