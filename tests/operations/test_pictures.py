"""What a service sees as a picture: who wins, who is hidden, what refers to what, and for whom."""

from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference
from gateway.domain.effective import Picture, PictureRow
from gateway.domain.errors import Forbidden
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from gateway.drawing.flowcharts import dot, mermaid
from gateway.drawing.plan import fold
from gateway.drawing.svg import svg
from gateway.services import effective
from tests.operations.callers import Stranger
from tests.operations.places import PLACES
from tests.world import World, token_principal

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]
JOB = PLACES["the job"]


async def _picture(world: World, principal: Principal | None = None) -> Picture:
    async with world.runtime.database.read() as unit:
        return await world.runtime.services.for_principal(
            principal or Principal.operator(world.demo.organization_id), unit
        ).pictures.of_service(service_id=world.demo.job_id)


def _with_key(picture: Picture, key: str) -> Mapping[Scope, PictureRow]:
    return {
        column.scope: row
        for column in picture.columns
        for row in column.rows
        if row.secret.key == key
    }


async def _speaking(world: World, role: Role, on: HolderReference) -> Principal:
    client = await world.client_with(role, on=on)
    token = client.headers["authorization"].split()[1]
    return await token_principal(world.runtime, token)


@pytest.mark.rule("R1")
async def test_columns_are_the_scopes_of_the_chain_the_widest_first(shared_world: World) -> None:
    picture = await _picture(shared_world)

    assert [(column.scope, column.holder and column.holder.name) for column in picture.columns] == [
        (Scope.BUILT_IN, None),
        (Scope.PROJECT, "shop"),
        (Scope.ENVIRONMENT, "production"),
        (Scope.JOB, "nightly-invoices"),
    ]
    assert picture.service.id == shared_world.demo.job_id


@pytest.mark.rule("O1", "R1")
async def test_the_nearest_wins_and_hides_the_others(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    middle = await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])
    nearest = await shared_world.rest.override(*JOB(shared_world), target.row["id"])

    picture = await _picture(shared_world)

    rows = _with_key(picture, key)
    assert rows[Scope.JOB].is_winner
    for hidden in (rows[Scope.PROJECT], rows[Scope.ENVIRONMENT]):
        assert hidden.hidden_by
        assert hidden.hidden_by.id == nearest.row["id"]
    answer = {
        (reference.kind, reference.source_id, reference.target_id)
        for reference in picture.references
    }
    assert {
        (SecretType.OVERRIDE, middle.row["id"], target.row["id"]),
        (SecretType.OVERRIDE, nearest.row["id"], target.row["id"]),
    } <= answer


@pytest.mark.rule("A2", "A3")
@pytest.mark.parametrize("place", ["the job", "the environment", "the project"])
async def test_an_alias_is_a_reference_to_its_target(
    shared_world: World, key: str, place: str
) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    at = PLACES[place](shared_world)
    alias = await shared_world.rest.alias(*at, target.row["id"], key=f"{key}_ALIAS")

    picture = await _picture(shared_world)

    answer = {
        (reference.kind, reference.source_id, reference.target_id)
        for reference in picture.references
    }
    assert (SecretType.ALIAS, alias.row["id"], target.row["id"]) in answer
    assert _with_key(picture, key)[Scope.PROJECT].is_winner


@pytest.mark.rule("L1")
async def test_built_in_secrets_have_a_column_of_their_own(shared_world: World) -> None:
    picture = await _picture(shared_world)

    built_in = picture.columns[0]
    assert [row.secret.id for row in built_in.rows] == [shared_world.demo.built_in_secret_id]


@pytest.mark.rule("L1")
@pytest.mark.parametrize("place", ["a sibling job", "another environment", "another project"])
async def test_what_the_service_does_not_see_is_not_in_it(
    shared_world: World, key: str, place: str
) -> None:
    await shared_world.rest.create(*PLACES[place](shared_world), key=key)

    picture = await _picture(shared_world)

    assert _with_key(picture, key) == {}


@pytest.mark.rule("A3", "S15")
async def test_who_sees_the_service_alone_gets_its_own_rows_and_no_target(
    shared_world: World, key: str
) -> None:
    """The columns above have their names, which lead to the service, and nothing else."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key="LINK_OF_THE_JOB")
    job = HolderReference(Scope.JOB, shared_world.demo.job_id)
    principal = await _speaking(shared_world, Role.VIEWER, job)

    picture = await _picture(shared_world, principal)

    assert [bool(column.rows) for column in picture.columns] == [False, False, False, True]
    row = _with_key(picture, "LINK_OF_THE_JOB")[Scope.JOB]
    assert row.secret.target is None
    assert picture.references == ()
    for drawn in (svg, dot, mermaid):
        text = drawn(fold(picture, is_whole=True))
        assert "LINK_OF_THE_JOB" in text
        assert key not in text
        assert target.row["id"] not in text


@pytest.mark.rule("A3")
async def test_control_who_sees_the_project_gets_the_target(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")
    project = HolderReference(Scope.PROJECT, shared_world.demo.project_id)
    principal = await _speaking(shared_world, Role.VIEWER, project)

    picture = await _picture(shared_world, principal)

    answer = _with_key(picture, f"{key}_ALIAS")[Scope.JOB].secret.target
    assert answer
    assert answer.id == target.row["id"]
    assert key in svg(fold(picture, is_whole=True))


@pytest.mark.rule("S13")
@pytest.mark.parametrize(
    "service_id",
    [
        lambda _world, _stranger: new_id(),
        lambda _world, _stranger: "no-uuid",
        lambda world, _stranger: world.demo.project_id,
        lambda world, _stranger: world.demo.environment_id,
        lambda world, _stranger: world.demo.built_in_secret_id,
        lambda _world, stranger: stranger.job_id,
    ],
    ids=["unknown", "malformed", "a project", "an environment", "a secret", "a stranger's job"],
)
async def test_what_is_no_service_visible_is_not_found(
    shared_world: World, shared_stranger: Stranger, service_id: Any
) -> None:
    principal = Principal.operator(shared_world.demo.organization_id)
    wanted = service_id(shared_world, shared_stranger)

    async with shared_world.runtime.database.read() as unit:
        services = shared_world.runtime.services.for_principal(principal, unit)
        with pytest.raises(HolderNotFound, match=r"^No holder has th"):
            await services.pictures.of_service(service_id=wanted)


@pytest.mark.rule("S14")
async def test_who_cannot_read_secrets_is_refused(shared_world: World) -> None:
    job = HolderReference(Scope.JOB, shared_world.demo.job_id)
    principal = await _speaking(shared_world, Role.RUNTIME, job)

    with pytest.raises(Forbidden):
        await _picture(shared_world, principal)


async def test_more_than_a_picture_takes_is_cut_and_said(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await _picture(shared_world)
    monkeypatch.setattr(effective, "MAX_ROWS", 3)

    cut = await _picture(shared_world)

    assert not whole.is_cut
    assert cut.is_cut
    assert len(cut.rows) == 3


@pytest_asyncio.fixture(loop_scope="module")
async def marked(shared_world: World, key: str) -> str:
    """A value that is nowhere else, on the project and in an override of it."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="canary-5e1f7a")
    await shared_world.rest.override(*JOB(shared_world), target.row["id"], value="canary-5e1f7a")
    return "canary-5e1f7a"


@pytest.mark.rule("W3")
async def test_no_drawing_holds_a_value(shared_world: World, marked: str) -> None:
    picture = await _picture(shared_world)

    assert marked not in repr(picture)
    for drawn in (svg, dot, mermaid):
        assert marked not in drawn(fold(picture, is_whole=True))
