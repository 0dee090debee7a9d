"""`deleteSecret` refuses to delete what others refer to, unless that is confirmed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.scopes import Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.unmeasured,
    pytest.mark.rule("H3"),
]

Json = dict[str, Any]
PROJECT, JOB = PLACES["the project"], PLACES["the job"]
ANSWER = """deletedSecretIds errors { __typename code path
    ... on SecretInUseError { dependents { id } } }"""
DELETE = f"""mutation ($id: ID!, $confirm: Boolean, $dry: Boolean) {{
    payload: deleteSecret(secretId: $id, withDependents: $confirm, dryRun: $dry) {{
        {ANSWER} }} }}"""
LEGACY = f"""mutation ($project: ID!, $id: ID!) {{
    payload: deleteProjectSecret(projectId: $project, secretId: $id) {{ {ANSWER} }} }}"""


@dataclass(frozen=True, slots=True)
class Family:
    """A secret of the project, and the ids of its override, of that one's alias, and its alias."""

    target_id: str
    dependents: frozenset[str]

    @property
    def ids(self) -> set[str]:
        """All of them."""
        return {self.target_id, *self.dependents}


async def _family(world: World, key: str) -> Family:
    rest = world.rest
    target = await rest.create(*PROJECT(world), key=key)
    override = await rest.override(*JOB(world), target.row["id"], value="narrow")
    aliases = [
        await rest.alias(*JOB(world), aliased.row["id"], key=f"{key}_{number}")
        for number, aliased in enumerate((target, override))
    ]
    return Family(target.row["id"], frozenset(made.row["id"] for made in (override, *aliases)))


async def _delete(world: World, secret_id: str, **options: object) -> Json:
    payload: Json = (await world.graphql.ask(DELETE, {"id": secret_id, **options}))["payload"]
    return payload


async def _left(world: World, family: Family) -> set[str]:
    rows = await world.rest.visible(Scope.JOB, world.demo.job_id)
    return {row["id"] for row in rows} & family.ids


@pytest.mark.parametrize("options", [{}, {"confirm": False}, {"dry": True}], ids=str)
async def test_a_secret_in_use_is_not_deleted(shared_world: World, key: str, options: Json) -> None:
    family = await _family(shared_world, key)

    refused = await _delete(shared_world, family.target_id, **options)

    (error,) = refused["errors"]
    listed = {row["id"] for row in error.pop("dependents")}
    assert error == {
        "__typename": "SecretInUseError",
        "code": "SECRET_IN_USE",
        "path": ["secretId"],
    }
    assert listed == family.dependents
    assert refused["deletedSecretIds"] == []
    assert await _left(shared_world, family) == family.ids


async def _confirmed(world: World, family: Family) -> None:
    deleted = await _delete(world, family.target_id, confirm=True)
    assert deleted["errors"] == []
    assert set(deleted["deletedSecretIds"]) == family.ids


async def _by_name(world: World, family: Family) -> None:
    sent = {"project": world.demo.project_id, "id": family.target_id}
    deleted = (await world.graphql.ask(LEGACY, sent))["payload"]
    assert set(deleted["deletedSecretIds"]) == family.ids


async def _over_rest(world: World, family: Family) -> None:
    path = f"/project/{world.demo.project_id}/secret/{family.target_id}"
    assert (await world.client.delete(path)).status_code == HTTPStatus.NO_CONTENT


async def _as_a_variable(world: World, family: Family) -> None:
    answer = await world.client.delete(f"/variable/{family.target_id}")
    assert answer.status_code == HTTPStatus.NO_CONTENT


@pytest.mark.rule("A7")
@pytest.mark.parametrize("delete", [_confirmed, _by_name, _over_rest, _as_a_variable])
async def test_dependents_go_where_that_is_confirmed_or_the_original_does_it(
    shared_world: World, key: str, delete: Callable[[World, Family], Awaitable[None]]
) -> None:
    """The control of the test above."""
    family = await _family(shared_world, key)

    await delete(shared_world, family)

    assert await _left(shared_world, family) == set()


@pytest.mark.rule("R4")
async def test_a_value_that_refers_to_the_secret_is_a_dependent(
    shared_world: World, key: str
) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="db")
    referring = await shared_world.rest.create(
        *JOB(shared_world), key=f"{key}_URL", value=f"pg://{{{{{key}}}}}/x"
    )

    refused = await _delete(shared_world, target.row["id"])

    assert refused["errors"][0]["dependents"] == [{"id": referring.row["id"]}]


async def test_a_secret_that_nothing_refers_to_needs_no_confirmation(
    shared_world: World, key: str
) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key)

    deleted = await _delete(shared_world, made.row["id"])

    assert deleted == {"deletedSecretIds": [made.row["id"]], "errors": []}
