"""Sealed values bound to their place: what is moved in the database does not open."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.content import SealedValue, ValueIdentity
from gateway.domain.errors import IntegrityFault
from gateway.domain.scopes import Scope
from gateway.services.context import utc_now
from gateway.services.vault import LockedVault, MissingDataKey, Vault
from tests.world import World

VALUE = "correct horse — battery staple"
SWAP = """
UPDATE sealed_value SET ciphertext = swapped.ciphertext
FROM (SELECT secret_id, ciphertext FROM sealed_value) AS swapped
WHERE sealed_value.secret_id IN (:one, :other)
  AND swapped.secret_id IN (:one, :other)
  AND swapped.secret_id <> sealed_value.secret_id
"""


@pytest.fixture
def identity(world: World) -> ValueIdentity:
    return ValueIdentity(
        organization_id=world.demo.organization_id,
        project_id=world.demo.project_id,
        secret_id="0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10",
        value_version=1,
    )


async def _sealed(world: World, identity: ValueIdentity) -> SealedValue:
    async with world.runtime.database.write() as unit:
        return await world.runtime.vault.seal(unit, VALUE, identity)


async def _opened(world: World, sealed: SealedValue, identity: ValueIdentity) -> str:
    async with world.runtime.database.read() as unit:
        return await world.runtime.vault.open(unit, sealed, identity)


async def test_a_sealed_value_opens_at_its_place(world: World, identity: ValueIdentity) -> None:
    sealed = await _sealed(world, identity)

    assert await _opened(world, sealed, identity) == VALUE


ELSEWHERE: dict[str, Callable[[World, ValueIdentity], ValueIdentity]] = {
    "another organization": lambda _, item: replace(item, organization_id="another"),
    "another project": lambda world, item: replace(item, project_id=world.demo.other_project_id),
    "another secret": lambda world, item: replace(item, secret_id=world.demo.built_in_secret_id),
    "an older version": lambda _, item: replace(item, value_version=0),
    "a newer version": lambda _, item: replace(item, value_version=2),
}


@pytest.mark.parametrize("move", ELSEWHERE.values(), ids=ELSEWHERE.keys())
async def test_a_sealed_value_does_not_open_elsewhere(
    world: World,
    identity: ValueIdentity,
    move: Callable[[World, ValueIdentity], ValueIdentity],
) -> None:
    sealed = await _sealed(world, identity)

    with pytest.raises(IntegrityFault):
        await _opened(world, sealed, move(world, identity))


async def test_a_sealed_value_does_not_open_under_another_data_key(
    world: World, identity: ValueIdentity
) -> None:
    sealed = await _sealed(world, identity)
    abroad = replace(identity, project_id=world.demo.other_project_id)
    other_key = (await _sealed(world, abroad)).data_key_id

    assert other_key != sealed.data_key_id
    with pytest.raises(IntegrityFault):
        await _opened(world, replace(sealed, data_key_id=other_key), identity)


async def test_a_project_without_its_data_key_is_reported_as_damaged(
    world: World, identity: ValueIdentity
) -> None:
    with pytest.raises(MissingDataKey):
        await _sealed(world, replace(identity, project_id="unknown"))


def test_a_vault_without_keys_gives_nothing() -> None:
    with pytest.raises(LockedVault):
        _ = Vault(now=utc_now).keys


async def test_two_values_swapped_in_the_database_do_not_open(world: World, data_dir: Path) -> None:
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="the job's")
    other = await world.rest.create(
        Scope.PROJECT, world.demo.project_id, key="OTHER", value="the project's"
    )
    one_id, other_id = made.row["id"], other.row["id"]
    # The control: both open where they are.
    assert await world.stored_value(one_id) == "the job's"
    assert await world.stored_value(other_id) == "the project's"

    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute(SWAP, {"one": one_id, "other": other_id})

    with pytest.raises(IntegrityFault):
        await world.stored_value(one_id)
    with pytest.raises(IntegrityFault):
        await world.stored_value(other_id)
