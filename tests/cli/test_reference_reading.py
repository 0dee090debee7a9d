"""Values from before references were stored are read once, and what is stored is protected."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.config.settings import Settings
from gateway.domain.errors import IntegrityFault, Unavailable
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime
from gateway.services import writing
from gateway.services.context import ServiceContext
from gateway.services.demo import Demo
from gateway.services.operator import references as reading
from gateway.services.references import secrets_reached
from gateway.storage import secrets
from tests.cli.conftest import CommandLine
from tests.world import World, open_world

pytestmark = pytest.mark.rule("R4")

POSITION = "SELECT position FROM reference_reading"


async def _fill(world: World) -> tuple[str, str]:
    """Make a secret, another one that refers to it, and one with an escape; return two ids."""
    job = world.demo.job_id
    host = await world.rest.create(Scope.JOB, job, key="HOST", value="db")
    url = await world.rest.create(Scope.JOB, job, key="URL", value="pg://{{HOST}}/x")
    await world.rest.create(Scope.JOB, job, key="TEXT", value=r"\{{HOST}}")
    return str(host.row["id"]), str(url.row["id"])


async def _as_before(
    data_dir: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Leave the data folder as an older version does; return two ids as `_fill` does."""

    async def store_nothing(*_: object, **__: object) -> None:
        pass

    with monkeypatch.context() as patched:
        patched.setattr(writing, "store_references", store_nothing)
        async with open_world(data_dir, template[1]) as world:
            filled = await _fill(world)
    # What the migration leaves: the tables, and nothing in them.
    _rows(data_dir, "DELETE FROM reference_reading")
    return filled


async def _reached(runtime: Runtime, secret_id: str) -> set[str]:
    async with runtime.database.read() as unit:
        secret = await secrets.find(unit, secret_id)
        assert secret
        context = ServiceContext(runtime.database, runtime.vault)
        return await secrets_reached(context, unit, secret)


def _rows(data_dir: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        return connection.execute(statement).fetchall()


async def test_migrate_reads_older_values_and_lists_escapes(
    data_dir: Path,
    template: tuple[Path, Demo],
    line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, url = await _as_before(data_dir, template, monkeypatch)

    migrated = await asyncio.to_thread(line, "migrate")
    again = await asyncio.to_thread(line, "migrate")

    assert migrated.code == again.code == 0
    (listed,) = migrated.out.splitlines()
    assert "TEXT" in listed
    assert template[1].job_id in listed
    assert "HOST" not in listed
    assert again.out == ""
    async with open_world(data_dir, template[1]) as world:
        assert await _reached(world.runtime, host) == {url}
    assert (await asyncio.to_thread(line, "audit", "scan")).code == 0


async def test_reading_goes_on_where_it_was_stopped(
    data_dir: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, url = await _as_before(data_dir, template, monkeypatch)
    settings = Settings(data_dir=data_dir)
    monkeypatch.setattr(reading, "BATCH", 3)
    store, batches = reading._store, 0  # noqa: SLF001 - stopped on purpose

    async def stop_after_two(*arguments: Any) -> None:
        nonlocal batches
        batches += 1
        if batches > 2:
            raise Unavailable
        await store(*arguments)

    monkeypatch.setattr(reading, "_store", stop_after_two)
    async with Runtime.over(settings).running():
        ((position,),) = _rows(data_dir, POSITION)
    monkeypatch.setattr(reading, "_store", store)
    async with Runtime.over(settings).running() as runtime:
        assert await _reached(runtime, host) == {url}

    assert position is not None
    assert _rows(data_dir, POSITION) == [(None,)]


async def test_one_who_says_that_all_is_read_is_not_believed(
    data_dir: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, url = await _as_before(data_dir, template, monkeypatch)
    _rows(data_dir, "INSERT INTO reference_reading VALUES (1, NULL, zeroblob(32))")

    async with open_world(data_dir, template[1]) as world:
        assert await _reached(world.runtime, host) == {url}


ATTACKS = {
    "changed": "UPDATE value_reference SET names = zeroblob(16)",
    "moved": "UPDATE value_reference SET secret_id = (SELECT id FROM secret WHERE key = 'TEXT')",
    "of another value": "UPDATE value_reference SET value_version = 7",
}


@pytest.mark.parametrize("statement", ATTACKS.values(), ids=ATTACKS)
async def test_references_that_were_changed_past_the_gateway_are_refused(
    data_dir: Path, template: tuple[Path, Demo], statement: str
) -> None:
    async with open_world(data_dir, template[1]) as world:
        host, url = await _fill(world)
        assert await _reached(world.runtime, host) == {url}
        _rows(data_dir, statement)

        with pytest.raises(IntegrityFault):
            await _reached(world.runtime, host)


async def test_references_outlast_new_keys(data_dir: Path, template: tuple[Path, Demo]) -> None:
    async with open_world(data_dir, template[1]) as world:
        host, url = await _fill(world)
        keys = world.runtime.operator.keys
        await keys.rotate()
        await keys.renew()
        assert (await keys.rewrap()).failed == 0

        assert await _reached(world.runtime, host) == {url}
        operator = Principal.operator(world.demo.organization_id)
        async with world.runtime.database.read() as unit:
            found = await world.runtime.services.for_principal(operator, unit).effective.explain(
                service_id=world.demo.job_id, key="URL"
            )
        assert found
        assert [reference.key for reference in found.references] == ["HOST"]
