"""What a holder sees, and in which order."""

import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.services.demo import BUILT_IN_KEY
from tests.faces import Face, RestFace, Row
from tests.operations.callers import spoken_by
from tests.operations.places import PLACES, fill
from tests.world import World

pytestmark = pytest.mark.unmeasured

Entry = tuple[str, str, str]
BUILT_IN: list[Entry] = [("BUILT_IN", "BUILT_IN", BUILT_IN_KEY)]
PROJECT: list[Entry] = [
    ("PROJECT", "VALUE", "ERROR_REPORT_DSN"),
    ("PROJECT", "VALUE", "PAYMENT_API_KEY"),
]
ENVIRONMENT: list[Entry] = [
    ("ENVIRONMENT", "VALUE", "SMTP_PASSWORD"),
    ("ENVIRONMENT", "FILE", "TLS_CERTIFICATE"),
    ("ENVIRONMENT", "EXTERNAL_SECRET", "TRACING_API_KEY"),
    ("ENVIRONMENT", "OVERRIDE", "PAYMENT_API_KEY"),
    ("ENVIRONMENT", "ALIAS", "BILLING_API_KEY"),
]
JOB: list[Entry] = [
    ("JOB", "VALUE", "INVOICE_SIGNING_KEY"),
    ("JOB", "OVERRIDE", "SMTP_PASSWORD"),
]
APPLICATION: list[Entry] = [("APPLICATION", "ALIAS", "DATABASE_PASSWORD")]


def _entries(rows: list[Row]) -> list[Entry]:
    return [(row["scope"], row["variable_type"], row["key"]) for row in rows]


@pytest.mark.rule("L1", "L2")
@pytest.mark.parametrize(
    ("scope", "visible"),
    [
        (Scope.PROJECT, PROJECT),
        (Scope.ENVIRONMENT, BUILT_IN + PROJECT + ENVIRONMENT),
        (Scope.JOB, BUILT_IN + PROJECT + ENVIRONMENT + JOB),
        (Scope.APPLICATION, BUILT_IN + PROJECT + ENVIRONMENT + APPLICATION),
        (Scope.CONTAINER, BUILT_IN + PROJECT + ENVIRONMENT),
        (Scope.HELM, BUILT_IN + PROJECT + ENVIRONMENT),
        (Scope.TERRAFORM, BUILT_IN + PROJECT + ENVIRONMENT),
        (Scope.AGENTIC_WORKFLOW, BUILT_IN + PROJECT + ENVIRONMENT),
    ],
)
async def test_a_holder_sees_its_own_its_chains_and_the_built_in_secrets(
    world: World, face: Face, scope: Scope, visible: list[Entry]
) -> None:
    """Nothing of lower scopes or siblings, the widest first, targets before references."""
    is_legacy = isinstance(face, RestFace) and scope in LEGACY_SCOPES
    # X2: the legacy paths' enums do not know the type.
    shown = [entry for entry in visible if not (is_legacy and entry[1] == "EXTERNAL_SECRET")]

    assert _entries(await face.visible(scope, world.holders[scope])) == shown


@pytest.mark.rule("L1")
@pytest.mark.parametrize("place", ["another project", "a job of another project"])
async def test_nothing_is_seen_of_another_project(world: World, face: Face, place: str) -> None:
    assert await face.visible(*PLACES[place](world)) == []


@pytest.mark.rule("L1")
async def test_another_environment_sees_the_project_only(world: World, face: Face) -> None:
    assert _entries(await face.visible(*PLACES["another environment"](world))) == PROJECT


@pytest.mark.rule("L1")
async def test_an_overridden_secret_and_its_override_stand_side_by_side(
    world: World, face: Face
) -> None:
    """A client that makes an override anew looks its target up in this list."""
    rows = await face.visible(Scope.JOB, world.demo.job_id)

    target, override = (row for row in rows if row["key"] == "SMTP_PASSWORD")
    assert target["scope"] == "ENVIRONMENT"
    assert override["overridden_secret"]["id"] == target["id"]


@pytest.mark.rule("L2")
async def test_keys_of_one_scope_and_kind_are_in_the_order_of_their_characters(
    world: World, face: Face
) -> None:
    """By code points, so capitals come before the underscore, and that before small letters."""
    at = PLACES["a job of another project"](world)
    for key in ("b", "a_B", "Z", "aB", "a", "A_", "A1", "AA", "A"):
        await face.create(*at, key=key)

    keys = [row["key"] for row in await face.visible(*at)]

    assert keys == ["A", "A1", "AA", "A_", "Z", "a", "aB", "a_B", "b"]


@pytest.mark.rule("L2")
async def test_every_target_comes_before_all_that_refers_to_it(world: World, face: Face) -> None:
    """Though every alias here has a key that comes before its target's."""
    at = PLACES["the job"](world)
    value = await face.create(*PLACES["the project"](world), key="Z_VALUE")
    file = await face.create(*at, key="Z_FILE", mount_path="/etc/z")
    override = await face.override(*at, value.row["id"], value="override")
    for number, target in enumerate((value, file, override)):
        await face.alias(*at, target.row["id"], key=f"A_{number}")

    rows = await face.visible(*at)

    places = {row["id"]: place for place, row in enumerate(rows)}
    references = [
        (row["id"], row[field]["id"])
        for field in ("aliased_secret", "overridden_secret")
        for row in rows
        if field in row
    ]
    assert len(references) == 7
    assert all(places[target_id] < places[row_id] for row_id, target_id in references)


@pytest.mark.rule("L1", "L2")
async def test_a_list_of_more_than_a_page_is_complete_and_in_order(world: World) -> None:
    """REST has no pages, and puts those of GraphQL together without a seam."""
    scope, holder_id = PLACES["another project"](world)
    keys = [f"KEY_{number:03}" for number in range(205)]
    await fill(world, scope, holder_id, keys[::-1])

    rows = await world.rest.visible(scope, holder_id)

    assert [row["key"] for row in rows] == keys


@pytest.mark.rule("L1", "L2")
async def test_both_faces_list_the_same(world: World) -> None:
    """Of a kind whose REST paths know every type."""
    at = (Scope.HELM, world.demo.helm_id)

    assert await world.rest.visible(*at) == await world.graphql.visible(*at)


@pytest.mark.rule("L1")
async def test_one_who_may_only_look_sees_the_same(world: World, face: Face) -> None:
    at = PLACES["the job"](world)
    viewer = spoken_by(await world.client_with(Role.VIEWER), face)

    assert await viewer.visible(*at) == await face.visible(*at)
