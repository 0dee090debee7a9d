"""What an alias is, on both faces."""

from http import HTTPStatus

import pytest

from gateway.domain.drafts import HolderReference, OverrideDraft
from gateway.domain.errors import ErrorCode
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.world import World

DESCRIBED = {"description": "Read by the invoices", "enable_interpolation_in_file": True}


@pytest.mark.rule("A1")
async def test_alias_has_an_id_a_key_and_the_scope_of_its_own(world: World, face: Face) -> None:
    target = await face.create(Scope.PROJECT, world.demo.project_id, key="TARGET", value="secret")

    made = await face.alias(Scope.JOB, world.demo.job_id, target.row["id"], key="ALIAS")

    assert made.code is None
    assert made.row["id"] != target.row["id"]
    assert made.row["key"] == "ALIAS"
    assert made.row["scope"] == "JOB"
    assert made.row["variable_type"] == "ALIAS"


@pytest.mark.rule("A1")
async def test_alias_says_all_facts_of_its_target(world: World, face: Face) -> None:
    target = await face.create(
        Scope.PROJECT, world.demo.project_id, key="TARGET", mount_path="/etc/target", **DESCRIBED
    )

    made = await face.alias(Scope.JOB, world.demo.job_id, target.row["id"], key="ALIAS")

    assert made.row["aliased_secret"] == {
        "id": target.row["id"],
        "key": "TARGET",
        "mount_path": "/etc/target",
        "scope": "PROJECT",
        "variable_type": "FILE",
        **DESCRIBED,
    }
    assert "overridden_secret" not in made.row


@pytest.mark.rule("A1")
async def test_alias_has_a_description_of_its_own(world: World, face: Face) -> None:
    target = await face.create(Scope.PROJECT, world.demo.project_id, key="TARGET")

    made = await face.alias(
        Scope.JOB, world.demo.job_id, target.row["id"], key="ALIAS", **DESCRIBED
    )

    assert made.row["description"] == DESCRIBED["description"]
    assert made.row["enable_interpolation_in_file"] is True
    assert "description" not in made.row["aliased_secret"]


@pytest.mark.rule("A1", "W2")
async def test_alias_belongs_to_the_service_it_hangs_on(world: World, face: Face) -> None:
    """Not to the service that a built-in target comes from."""
    demo = world.demo

    made = await face.alias(Scope.JOB, demo.job_id, demo.built_in_secret_id, key="ALIAS")

    assert made.row["service_id"] == demo.job_id
    assert made.row["service_type"] == "JOB"


@pytest.mark.rule("A1")
@pytest.mark.parametrize(
    "scope", [Scope.PROJECT, Scope.ENVIRONMENT, Scope.APPLICATION, Scope.CONTAINER, Scope.JOB]
)
async def test_alias_can_be_made_at_every_scope(world: World, face: Face, scope: Scope) -> None:
    target = await face.create(Scope.PROJECT, world.demo.project_id, key="TARGET")

    made = await face.alias(scope, world.holders[scope], target.row["id"], key="ALIAS")

    assert made.code is None
    assert made.row["scope"] == scope
    assert made.row in await face.visible(scope, world.holders[scope])


@pytest.mark.rule("A1", "A2")
async def test_alias_has_no_value_of_its_own(world: World, face: Face) -> None:
    """It is a reference; there is nothing stored that could grow stale."""
    target = await face.create(Scope.JOB, world.demo.job_id, key="TARGET", value="secret")

    made = await face.alias(Scope.JOB, world.demo.job_id, target.row["id"], key="ALIAS")

    assert await world.stored_value(target.row["id"]) == "secret"
    with pytest.raises(AssertionError, match="no value of its own"):
        await world.stored_value(made.row["id"])


@pytest.mark.rule("A1", "A4")
async def test_alias_of_a_built_in_says_what_it_refers_to(world: World, face: Face) -> None:
    demo = world.demo

    made = await face.alias(Scope.JOB, demo.job_id, demo.built_in_secret_id, key="DATABASE_URL")

    assert made.code is None
    assert made.row["variable_type"] == "ALIAS"
    assert made.row["aliased_secret"]["id"] == demo.built_in_secret_id
    assert made.row["aliased_secret"]["scope"] == "BUILT_IN"
    assert made.row["aliased_secret"]["variable_type"] == "BUILT_IN"


@pytest.mark.rule("A4")
async def test_alias_of_an_alias_is_refused(world: World, face: Face) -> None:
    demo = world.demo
    first = await face.alias(Scope.JOB, demo.job_id, demo.built_in_secret_id, key="FIRST")

    second = await face.alias(Scope.JOB, demo.job_id, first.row["id"], key="SECOND")

    assert (second.status, second.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.ALIAS_OF_ALIAS)
    assert [row["key"] for row in await face.visible(Scope.JOB, demo.job_id)].count("SECOND") == 0


@pytest.mark.rule("A4")
async def test_an_alias_of_a_wider_scope_cannot_be_aliased_either(world: World, face: Face) -> None:
    demo = world.demo
    first = await face.alias(
        Scope.ENVIRONMENT, demo.environment_id, demo.built_in_secret_id, key="FIRST"
    )

    second = await face.alias(Scope.JOB, demo.job_id, first.row["id"], key="SECOND")

    assert second.code is ErrorCode.ALIAS_OF_ALIAS


@pytest.mark.rule("A4")
async def test_alias_of_a_file_is_no_file(world: World, face: Face) -> None:
    """The path is told of the target only."""
    demo = world.demo
    target = await face.create(
        Scope.PROJECT, demo.project_id, key="TARGET", value="content", mount_path="/etc/target"
    )

    made = await face.alias(Scope.JOB, demo.job_id, target.row["id"], key="ALIAS")

    assert made.row["variable_type"] == "ALIAS"
    assert "mount_path" not in made.row
    assert made.row["aliased_secret"]["mount_path"] == "/etc/target"


@pytest.mark.rule("A4")
async def test_alias_of_an_override_is_allowed(world: World, face: Face) -> None:
    demo = world.demo
    target = await face.create(Scope.PROJECT, demo.project_id, key="TARGET", value="wide")
    override = await world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).overrides.create(
        holder_reference=HolderReference(Scope.ENVIRONMENT, demo.environment_id),
        target_id=target.row["id"],
        draft=OverrideDraft(value="narrow"),
    )

    made = await face.alias(Scope.JOB, demo.job_id, override.id, key="ALIAS")

    assert made.code is None
    assert made.row["aliased_secret"]["id"] == override.id
    assert made.row["aliased_secret"]["key"] == "TARGET"
    assert made.row["aliased_secret"]["variable_type"] == "OVERRIDE"


@pytest.mark.rule("A1")
async def test_one_secret_can_have_many_aliases(world: World, face: Face) -> None:
    demo = world.demo
    target = await face.create(Scope.PROJECT, demo.project_id, key="TARGET")

    made = [
        await face.alias(scope, world.holders[scope], target.row["id"], key=key)
        for scope, key in ((Scope.JOB, "ONE"), (Scope.JOB, "TWO"), (Scope.CONTAINER, "ONE"))
    ]

    assert [alias.code for alias in made] == [None] * 3
    assert len({alias.row["id"] for alias in made}) == 3
