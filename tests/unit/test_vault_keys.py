"""Data keys in use: which one seals, which ones open, and what an outage of their keeper does."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.crypto.key_providers import KeysInFile
from gateway.crypto.keyfile import KeyFile
from gateway.crypto.keyring import KeyRing, Wrapped
from gateway.domain.content import SealedValue, ValueIdentity
from gateway.domain.cryptographic_keys import MAX_SEALS
from gateway.domain.drafts import HolderReference
from gateway.domain.errors import IntegrityFault, KeysUnavailable
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.context import ServiceContext
from gateway.services.data_key_cache import DataKeyCache
from gateway.services.operator.keys import Keys
from gateway.services.vault import SEALS_AT_ONCE, Vault
from gateway.storage import secrets
from gateway.storage.checked_view import UnsealedDatabase
from gateway.storage.database import Database
from gateway.storage.tables import HolderRow
from gateway.storage.unit_of_work import ReadUnit
from tests.unit.test_data_key_cache import Clock
from tests.world import World

SECONDS = 600
FUTURE = datetime(2999, 12, 31, tzinfo=UTC)
COUNT = "SELECT state, seal_count FROM data_key WHERE project_id = ? ORDER BY created_at"


class Switchable(KeysInFile):
    """A keeper that can be out of reach. It stands in for a network."""

    is_out = False
    calls = 0

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Answer, or not."""
        self.calls += 1
        if self.is_out:
            raise KeysUnavailable
        return await super().unwrap(wrapped, *identity)


class Process:
    """A second process over the same database: a vault of its own."""

    def __init__(self, world: World, data_dir: Path) -> None:
        path = data_dir / "keys.json"
        self.clock = Clock()
        self.keeper = Switchable(path, KeyFile.load(path))
        self.vault = Vault(DataKeyCache(seconds=SECONDS, clock=self.clock), now=lambda: FUTURE)
        self.database = Database(f"sqlite+aiosqlite:///{data_dir / 'secrets.db'}")
        self.demo = world.demo

    async def unlock(self) -> None:
        await self.vault.unlock(KeyRing(self.keeper), self.database, at=datetime.now(UTC))

    def identity(self, version: int = 1) -> ValueIdentity:
        return ValueIdentity(
            organization_id=self.demo.organization_id,
            project_id=self.demo.project_id,
            secret_id="0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10",
            value_version=version,
        )

    async def sealed(self, value: str = "value") -> SealedValue:
        async with self.database.write() as unit:
            return await self.vault.seal(unit, value, self.identity())

    async def opened(self, sealed: SealedValue) -> str:
        async with self.database.read() as unit:
            return await self.vault.open(unit, sealed, self.identity())


@pytest.fixture
async def process(world: World, data_dir: Path) -> AsyncIterator[Process]:
    made = Process(world, data_dir)
    async with made.database:
        await made.unlock()
        yield made


def _keys(world: World) -> Keys:
    return Keys(ServiceContext(world.runtime.database, world.runtime.vault))


def _rows(data_dir: Path, project_id: str) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        return connection.execute(COUNT, (project_id,)).fetchall()


@pytest.mark.rule("S54")
async def test_a_new_data_key_seals_at_once_in_every_process(
    world: World, process: Process
) -> None:
    """An old key is refused for new writes, though another process made the new one."""
    before = await process.sealed()

    await _keys(world).renew(project_id=world.demo.project_id)
    after = await process.sealed()

    assert before.data_key_id != after.data_key_id
    assert await process.opened(before) == "value"
    assert await process.opened(after) == "value"
    async with world.runtime.database.read() as unit:
        assert await world.runtime.vault.open(unit, after, process.identity()) == "value"


@pytest.mark.rule("S59")
async def test_an_outage_is_bridged_until_the_key_is_too_old(process: Process) -> None:
    """From the copy for its time, then 503, then again when the keeper is back."""
    sealed = await process.sealed()
    process.keeper.is_out = True

    process.clock.now += SECONDS - 1
    assert await process.opened(sealed) == "value"
    process.clock.now += 1
    with pytest.raises(KeysUnavailable):
        await process.opened(sealed)
    with pytest.raises(KeysUnavailable):
        await process.sealed()
    process.keeper.is_out = False
    assert await process.opened(sealed) == "value"


async def test_the_keeper_is_asked_once_for_many_values(process: Process) -> None:
    sealed = await process.sealed()
    before = process.keeper.calls

    for _ in range(20):
        await process.opened(sealed)

    assert process.keeper.calls == before


async def test_a_deleted_projects_values_open_nowhere_once_copies_of_its_key_are_old(
    world: World, process: Process
) -> None:
    """Crypto-shredding: what a backup of the values alone holds stays sealed."""
    kept = await process.sealed()
    await world.runtime.services.for_principal(
        Principal.operator(world.demo.organization_id)
    ).administration.delete_holder(
        holder_reference=HolderReference(Scope.PROJECT, world.demo.project_id), with_content=True
    )

    # The control: this process has its copy for its time.
    assert await process.opened(kept) == "value"
    process.clock.now += SECONDS
    with pytest.raises(IntegrityFault):
        await process.opened(kept)
    async with world.runtime.database.read() as unit:
        with pytest.raises(IntegrityFault):
            await world.runtime.vault.open(unit, kept, process.identity())


@pytest.mark.rule("S53")
async def test_seals_are_counted_in_blocks(process: Process, data_dir: Path) -> None:
    for _ in range(3):
        await process.sealed()
    first = _rows(data_dir, process.demo.project_id)[-1][1]

    async with process.database.write() as unit:
        for _ in range(SEALS_AT_ONCE):
            await process.vault.seal(unit, "value", process.identity())

    assert _rows(data_dir, process.demo.project_id)[-1][1] - first == SEALS_AT_ONCE


@pytest.mark.rule("S53")
async def test_a_block_whose_reservation_was_rolled_back_is_reserved_again(
    process: Process, data_dir: Path
) -> None:
    """Or a rehearsal would give seals that nobody counts."""
    async with process.database.write(dry_run=True) as unit:
        await process.vault.seal(unit, "value", process.identity())
    before = _rows(data_dir, process.demo.project_id)[-1][1]

    await process.sealed()

    assert _rows(data_dir, process.demo.project_id)[-1][1] == before + SEALS_AT_ONCE


@pytest.mark.rule("S53")
@pytest.mark.unmeasured
async def test_a_worn_data_key_is_followed_by_another(process: Process, data_dir: Path) -> None:
    """Before 2^31 seals, by itself."""
    first = await process.sealed()
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        nearly = (MAX_SEALS - SEALS_AT_ONCE, process.demo.project_id)
        connection.execute("UPDATE data_key SET seal_count = ? WHERE project_id = ?", nearly)
    async with process.database.write() as unit:
        for _ in range(SEALS_AT_ONCE * 2):
            await process.vault.seal(unit, "value", process.identity())
    last = await process.sealed()

    assert last.data_key_id != first.data_key_id
    assert await process.opened(first) == await process.opened(last) == "value"
    retiring, active = _rows(data_dir, process.demo.project_id)
    assert retiring[0] == "RETIRING"
    assert retiring[1] <= MAX_SEALS
    assert active[0] == "ACTIVE"
    assert active[1] <= 2 * SEALS_AT_ONCE


async def test_the_key_that_follows_is_made_at_the_time_of_the_clock(
    process: Process, data_dir: Path
) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        worn = (MAX_SEALS, process.demo.project_id)
        connection.execute("UPDATE data_key SET seal_count = ? WHERE project_id = ?", worn)
    await process.sealed()
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        made = connection.execute(
            "SELECT created_at FROM data_key WHERE project_id = ? AND state = 'ACTIVE'",
            (process.demo.project_id,),
        ).fetchone()

    assert made[0].startswith("2999-12-31")


async def test_fingerprints_say_equal_values_of_one_project(world: World, process: Process) -> None:
    """In every process alike; not those of two projects, and nothing without the key."""
    own, other = world.demo.project_id, world.demo.other_project_id
    here, there = world.runtime.vault, process.vault
    of_value = here.fingerprints_of_values(own)

    assert of_value("value") == there.fingerprints_of_values(own)("value")
    assert of_value("value") != of_value("values")
    assert of_value("value") != here.fingerprints_of_values(other)("value")
    assert of_value("value") != here.fingerprints_of_sets(own)("value")
    assert len(of_value("value")) == 32


@pytest.mark.rule("S55")
async def test_rows_are_not_read_before_their_macs_can_be_checked(data_dir: Path) -> None:
    """Forgetting the key is a fault, not a way around the check."""
    url = f"sqlite+aiosqlite:///{data_dir / 'secrets.db'}"
    async with Database(url) as database, database.read() as unit:
        with pytest.raises(UnsealedDatabase):
            await secrets.by_ids(unit, await secrets.ids_at(unit, await _all_holders(unit)))


async def _all_holders(unit: ReadUnit) -> list[str]:
    return [row.id for row in await unit.rows(select(HolderRow.__table__.c.id))]
