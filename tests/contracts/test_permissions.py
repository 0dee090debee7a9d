"""Deny by default: every mutation declares what it needs, and refuses whoever lacks it."""

from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.holders import new_id
from gateway.domain.permissions import ROLES, Permission, Role
from gateway.domain.scopes import LEGACY_SCOPES
from schema.root import Mutation
from tests.contracts.walking import call, mutations
from tests.world import World

DECLARED: Mapping[str, Any] = {
    field.name: field.metadata.get(Permission)
    for field in Mutation.__strawberry_definition__.fields  # type: ignore[attr-defined] # set by Strawberry
}
NAMES = sorted(mutations())
EVERY_MUTATION = pytest.mark.parametrize("name", NAMES)
WIDE = pytest.mark.asyncio(loop_scope="module")


def _python_name(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_every_mutation_declares_a_permission_that_viewers_lack() -> None:
    declared = {name: DECLARED[_python_name(name)] for name in NAMES}
    beyond_viewing = set(Permission) - ROLES[Role.VIEWER]

    assert {name: found for name, found in declared.items() if found not in beyond_viewing} == {}


def test_roles_have_all_permissions_and_no_others() -> None:
    assert frozenset().union(*(ROLES[role] for role in Role)) == set(Permission)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_secrets(shared_world: World) -> Mapping[str, str]:
    """A secret defined at each holder, by the name of the holder's argument."""
    return {
        scope.id_argument: (
            await shared_world.rest.create(scope, shared_world.holders[scope], key=f"OWN_{scope}")
        ).row["id"]
        for scope in LEGACY_SCOPES
    }


def _ids(world: World, name: str, own_secrets: Mapping[str, str]) -> Mapping[str, str]:
    holders = {scope.id_argument: value for scope, value in world.holders.items()}
    named = [value for argument, value in own_secrets.items() if argument in mutations()[name].args]
    secret_id = next(iter(named), world.demo.built_in_secret_id)
    nobody = {argument: new_id() for argument in ("tokenId", "userId", "grantId", "claimRuleId")}
    return holders | nobody | {"secretId": secret_id}


async def _codes(world: World, role: Role, name: str, own_secrets: Mapping[str, str]) -> list[str]:
    client = await world.client_with(role)
    document, variables = call(name, _ids(world, name, own_secrets))
    answer = await client.post("/graphql", json={"query": document, "variables": variables})
    return [error["extensions"]["code"] for error in answer.json().get("errors", [])]


@EVERY_MUTATION
@pytest.mark.parametrize("role", [Role.VIEWER, Role.RUNTIME])
@WIDE
async def test_every_mutation_refuses_one_who_lacks_the_permission(
    shared_world: World, own_secrets: Mapping[str, str], name: str, role: Role
) -> None:
    assert await _codes(shared_world, role, name, own_secrets) == ["FORBIDDEN"]


@EVERY_MUTATION
@WIDE
async def test_every_mutation_lets_an_operator_through(
    shared_world: World, own_secrets: Mapping[str, str], name: str
) -> None:
    """The control: the same call is refused for nothing but the permission."""
    assert await _codes(shared_world, Role.OPERATOR, name, own_secrets) == []
