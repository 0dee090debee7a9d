"""Through which paths a secret can be changed and deleted, on both faces."""

from http import HTTPStatus

import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference, ProvidedDraft
from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import HOLDER_SCOPES, LEGACY_SCOPES, Scope, ServiceType
from gateway.domain.secrets import ServiceReference
from tests.faces import Face, Outcome
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

READ_ONLY = (HTTPStatus.FORBIDDEN, ErrorCode.READ_ONLY)
NOT_FOUND = (HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND)
LEGACY_SERVICES = [scope for scope in LEGACY_SCOPES if scope.is_service]
# Through the second's path, what hangs on the first.
ELSEWHERE = [
    *((Scope.PROJECT, scope) for scope in LEGACY_SCOPES if scope is not Scope.PROJECT),
    *((Scope.ENVIRONMENT, scope) for scope in LEGACY_SCOPES if scope is not Scope.ENVIRONMENT),
    *((Scope.JOB, scope) for scope in LEGACY_SCOPES if scope is not Scope.JOB),
    (Scope.HELM, Scope.JOB),
    (Scope.TERRAFORM, Scope.ENVIRONMENT),
]


@pytest_asyncio.fixture(loop_scope="module")
async def built_in(shared_world: World, key: str) -> str:
    """The id of a secret of the platform that the whole project sees."""
    demo = shared_world.demo
    made = await shared_world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).administration.register(
        holder_reference=HolderReference(Scope.PROJECT, demo.project_id),
        draft=ProvidedDraft(
            key=key,
            value="platform",
            source=ServiceReference(id=new_id(), name="db", type=ServiceType.DATABASE),
        ),
    )
    return made.id


def _reported(outcome: Outcome, secret_id: str) -> tuple[HTTPStatus, ErrorCode | None, str]:
    return outcome.status, outcome.code, outcome.detail.replace(secret_id, "ID")


@pytest.mark.rule("C6")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_built_in_cannot_be_changed_through_the_path_of_one_that_sees_it(
    *, shared_world: World, shared_face: Face, built_in: str, key: str, scope: Scope
) -> None:
    holder_id = shared_world.holders[scope]

    refused = await shared_face.edit(scope, holder_id, built_in, key=key, value="mine")

    assert (refused.status, refused.code) == READ_ONLY
    assert await shared_world.stored_value(built_in) == "platform"


@pytest.mark.rule("C6")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_built_in_cannot_be_deleted_through_the_path_of_one_that_sees_it(
    shared_world: World, shared_face: Face, built_in: str, scope: Scope
) -> None:
    refused = await shared_face.delete(scope, shared_world.holders[scope], built_in)

    assert (refused.status, refused.code) == READ_ONLY
    assert await shared_world.stored_value(built_in) == "platform"


@pytest.mark.rule("C6", "C7")
@pytest.mark.parametrize(
    "place", ["the project", "another environment", "another project", "a job of another project"]
)
async def test_a_built_in_is_not_there_for_a_holder_that_does_not_see_it(
    shared_world: World, shared_face: Face, place: str
) -> None:
    """The demo's hangs on the environment."""
    at, secret_id = PLACES[place](shared_world), shared_world.demo.built_in_secret_id

    edited = await shared_face.edit(*at, secret_id, key="KEY")
    deleted = await shared_face.delete(*at, secret_id)

    assert (edited.status, edited.code) == NOT_FOUND
    assert (deleted.status, deleted.code) == NOT_FOUND


@pytest.mark.rule("C7")
@pytest.mark.parametrize(("hangs_on", "path"), ELSEWHERE)
async def test_what_hangs_elsewhere_is_not_there_to_be_changed(
    *, shared_world: World, shared_face: Face, key: str, hangs_on: Scope, path: Scope
) -> None:
    """Answered as an id that does not exist; inherited, of a sibling, or from below alike."""
    made = await shared_face.create(hangs_on, shared_world.holders[hangs_on], key=key, value="old")
    secret_id, unknown_id, at = made.row["id"], new_id(), shared_world.holders[path]

    refused = await shared_face.edit(path, at, secret_id, key=key, value="new")

    unknown = await shared_face.edit(path, at, unknown_id, key=key, value="new")
    assert (refused.status, refused.code) == NOT_FOUND
    assert _reported(refused, secret_id) == _reported(unknown, unknown_id)
    assert await shared_world.stored_value(secret_id) == "old"


@pytest.mark.rule("C7")
@pytest.mark.parametrize(("hangs_on", "path"), ELSEWHERE)
async def test_what_hangs_elsewhere_is_not_there_to_be_deleted(
    *, shared_world: World, shared_face: Face, key: str, hangs_on: Scope, path: Scope
) -> None:
    made = await shared_face.create(hangs_on, shared_world.holders[hangs_on], key=key, value="old")
    secret_id, unknown_id, at = made.row["id"], new_id(), shared_world.holders[path]

    refused = await shared_face.delete(path, at, secret_id)

    unknown = await shared_face.delete(path, at, unknown_id)
    assert (refused.status, refused.code) == NOT_FOUND
    assert _reported(refused, secret_id) == _reported(unknown, unknown_id)
    assert await shared_world.stored_value(secret_id) == "old"


@pytest.mark.rule("C7")
@pytest.mark.parametrize("scope", LEGACY_SERVICES)
async def test_an_alias_or_override_above_is_not_there_either(
    shared_world: World, shared_face: Face, key: str, scope: Scope
) -> None:
    above, at = PLACES["the environment"](shared_world), (scope, shared_world.holders[scope])
    target = await shared_face.create(*PLACES["the project"](shared_world), key=key)
    alias = await shared_face.alias(*above, target.row["id"], key=f"{key}_ALIAS")
    override = await shared_face.override(*above, target.row["id"], value="x")

    refused = [
        await shared_face.delete(*at, alias.row["id"]),
        await shared_face.delete(*at, override.row["id"]),
        await shared_face.edit(*at, alias.row["id"], key=f"{key}_ALIAS"),
        await shared_face.edit(*at, override.row["id"], key=key),
    ]

    assert [(outcome.status, outcome.code) for outcome in refused] == [NOT_FOUND] * 4


@pytest.mark.rule("C7")
async def test_a_path_of_the_wrong_kind_reaches_nothing(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """The id is the job's, the path a container's."""
    made = await shared_face.create(*PLACES["the job"](shared_world), key=key)

    refused = await shared_face.delete(Scope.CONTAINER, shared_world.demo.job_id, made.row["id"])

    assert (refused.status, refused.code) == NOT_FOUND
