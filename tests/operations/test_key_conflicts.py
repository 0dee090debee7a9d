"""One key, one secret along a chain."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from gateway.domain.drafts import HolderReference, OverrideDraft
from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.demo import BUILT_IN_KEY
from tests.faces import Face, Outcome, RestFace
from tests.operations.callers import Stranger
from tests.operations.places import PLACES, Place
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

RELATED = [
    ("the job", "the job"),
    ("the job", "the environment"),
    ("the job", "the project"),
    ("the environment", "the environment"),
    ("the environment", "the project"),
    ("the environment", "the job"),
    ("the environment", "a sibling container"),
    ("the project", "the project"),
    ("the project", "the environment"),
    ("the project", "the job"),
    ("the project", "another environment"),
]
UNRELATED = [
    ("the job", "a sibling job"),
    ("the job", "a sibling container"),
    ("the job", "another environment"),
    ("the job", "another project"),
    ("the environment", "another environment"),
    ("the project", "another project"),
    ("the project", "a job of another project"),
]

Make = Callable[[Face, str, Place], Awaitable[Outcome]]


async def _value(face: Face, key: str, at: Place) -> Outcome:
    return await face.create(*at, key=key, value="new")


async def _file(face: Face, key: str, at: Place) -> Outcome:
    return await face.create(*at, key=key, value="new", mount_path=f"/etc/{key}")


async def _alias(face: Face, key: str, at: Place) -> Outcome:
    target = await face.create(*at, key=f"TARGET_{new_id()[:8]}")
    return await face.alias(*at, target.row["id"], key=key)


EVERY_KIND = pytest.mark.parametrize("make", [_value, _file, _alias])


@pytest.mark.rule("C3")
@EVERY_KIND
@pytest.mark.parametrize(("new", "existing"), RELATED)
async def test_a_key_that_is_taken_along_the_chain_or_below_is_refused(
    *, shared_world: World, shared_face: Face, key: str, make: Make, new: str, existing: str
) -> None:
    there = await shared_face.create(*PLACES[existing](shared_world), key=key, value="old")

    refused = await make(shared_face, key, PLACES[new](shared_world))

    assert (refused.status, refused.code) == (HTTPStatus.CONFLICT, ErrorCode.CONFLICT)
    assert refused.existing
    assert refused.existing["id"] == there.row["id"]
    assert await shared_world.stored_value(there.row["id"]) == "old"


@pytest.mark.rule("C3")
@EVERY_KIND
@pytest.mark.parametrize(("new", "existing"), UNRELATED)
async def test_holders_that_do_not_see_each_other_may_share_a_key(
    *, shared_world: World, shared_face: Face, key: str, make: Make, new: str, existing: str
) -> None:
    await shared_face.create(*PLACES[existing](shared_world), key=key, value="old")

    made = await make(shared_face, key, PLACES[new](shared_world))

    assert made.code is None


@pytest.mark.rule("C3")
@EVERY_KIND
@pytest.mark.parametrize(("new", "existing"), [("the project", "the job"), ("the job", "the job")])
async def test_an_aliass_key_is_taken_like_any_other(
    *, shared_world: World, shared_face: Face, key: str, make: Make, new: str, existing: str
) -> None:
    there = await _alias(shared_face, key, PLACES[existing](shared_world))

    refused = await make(shared_face, key, PLACES[new](shared_world))

    assert refused.code is ErrorCode.CONFLICT
    assert refused.existing
    assert refused.existing["id"] == there.row["id"]


@pytest.mark.rule("C3")
async def test_the_key_of_a_target_is_not_free_for_its_alias(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """Only an override has its target's key."""
    at = PLACES["the job"](shared_world)
    target = await shared_face.create(*PLACES["the project"](shared_world), key=key)

    refused = await shared_face.alias(*at, target.row["id"], key=key)

    assert refused.code is ErrorCode.CONFLICT


@pytest.mark.rule("C3", "E3")
async def test_an_overridden_key_is_reported_as_the_widest_secrets(
    shared_world: World, shared_face: Face, key: str
) -> None:
    demo = shared_world.demo
    target = await shared_face.create(Scope.PROJECT, demo.project_id, key=key)
    await shared_world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).overrides.create(
        holder_reference=HolderReference(Scope.JOB, demo.job_id),
        target_id=target.row["id"],
        draft=OverrideDraft(value="narrow"),
    )

    refused = await shared_face.create(Scope.JOB, demo.job_id, key=key)

    assert refused.existing
    assert refused.existing["id"] == target.row["id"]


@pytest.mark.rule("E3")
async def test_a_secret_of_a_service_is_reported_completely(
    shared_world: World, shared_face: Face, key: str
) -> None:
    demo = shared_world.demo
    there = await shared_face.create(Scope.JOB, demo.job_id, key=key)

    refused = await shared_face.create(Scope.PROJECT, demo.project_id, key=key)

    assert refused.existing == {
        "id": there.row["id"],
        "key": key,
        "scope": "JOB",
        "organization_id": demo.organization_id,
        "project_id": demo.project_id,
        "environment_id": demo.environment_id,
        "service_id": demo.job_id,
    }


@pytest.mark.rule("E3")
async def test_a_secret_of_a_wider_scope_is_reported_with_what_it_has(
    shared_world: World, shared_face: Face, key: str
) -> None:
    demo = shared_world.demo
    there = await shared_face.create(Scope.PROJECT, demo.project_id, key=key)

    refused = await shared_face.create(Scope.JOB, demo.job_id, key=key)

    assert refused.existing == {
        "id": there.row["id"],
        "key": key,
        "scope": "PROJECT",
        "organization_id": demo.organization_id,
        "project_id": demo.project_id,
        "environment_id": None,
        "service_id": None,
    }


@pytest.mark.rule("E1", "E3")
async def test_a_conflict_names_the_secret_and_its_scope_only(
    shared_world: World, shared_face: Face, key: str
) -> None:
    there = await shared_face.create(
        *PLACES["the project"](shared_world), key=key, value="old-value"
    )

    refused = await shared_face.create(*PLACES["the job"](shared_world), key=key, value="new-value")

    taken_by = f"secret {there.row['id']} of scope PROJECT"
    assert refused.detail == f"The key {key} is taken by {taken_by}."


@pytest.mark.rule("E3", "O4")
async def test_a_rename_and_a_second_override_name_the_key(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """A console reads `existing_variable` of each of these conflicts."""
    job, project = PLACES["the job"](shared_world), PLACES["the project"](shared_world)
    target = await shared_face.create(*project, key=key)
    other = await shared_face.create(*job, key=f"{key}_OTHER")
    override = await shared_face.override(*job, target.row["id"], value="narrow")

    renamed = await shared_face.edit(*job, other.row["id"], key=key)
    again = await shared_face.override(*job, target.row["id"], value="narrow")

    conflicts = [(renamed.status, key in renamed.detail), (again.status, key in again.detail)]
    assert conflicts == [(HTTPStatus.CONFLICT, True)] * 2
    assert renamed.existing
    assert again.existing
    assert renamed.existing["id"] == target.row["id"]
    assert again.existing["id"] == override.row["id"]


@pytest.mark.rule("C2", "C3")
async def test_the_key_of_a_built_in_cannot_be_asked_for_at_all(
    shared_world: World, shared_face: Face
) -> None:
    """It begins with the reserved prefix."""
    refused = await shared_face.create(*PLACES["the job"](shared_world), key=BUILT_IN_KEY)

    assert refused.status is HTTPStatus.BAD_REQUEST
    assert refused.existing is None


@pytest.mark.rule("C3", "E3")
@pytest.mark.asyncio(loop_scope="function")
async def test_nothing_is_reported_of_a_key_of_another_organization(
    world: World, face: Face, stranger: Stranger
) -> None:
    theirs = await RestFace(stranger.client).visible(Scope.JOB, stranger.job_id)

    made = await face.create(*PLACES["the job"](world), key=theirs[0]["key"])

    assert made.code is None
