"""What a start reads: not more in a large database, and a few values to see that they open."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from gateway.app import build_app
from gateway.config.types import LogFormat
from gateway.domain.content import SealedValue, ValueIdentity
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime
from gateway.services.operator import container
from gateway.storage import values
from gateway.storage.unit_of_work import ReadUnit
from tests.operations.canaries import all_logs
from tests.patience import patient_settings
from tests.world import World

# With each secret, these have more rows.
GROWING: Final = ("secret", "sealed_value", "value_reference", "row_record", "delivered_set")


@asynccontextmanager
async def _started(data_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(Runtime.over(patient_settings(data_dir)))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def note(*context: Any) -> None:
        found.append((context[2], context[3]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _scanned(data_dir: Path, statements: list[tuple[str, Any]]) -> set[str]:
    """Return the growing tables that the statements read from beginning to end."""
    scanned = set[str]()
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        for statement, parameters in statements:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            scanned |= {step[3].split()[1] for step in plan if step[3].startswith("SCAN ")}
    return scanned & set(GROWING)


async def test_a_start_scans_no_table_that_grows_with_the_secrets(data_dir: Path) -> None:
    with _statements() as made:
        async with _started(data_dir):
            pass

    assert len(made) > len(GROWING)
    assert _scanned(data_dir, made) == set()


async def test_a_scan_of_a_table_is_found(world: World, data_dir: Path) -> None:
    """The control of the test above."""
    with _statements() as made:
        async with world.runtime.database.read() as unit:
            await values.newest_time(unit)

    assert _scanned(data_dir, made) == {"secret"}


def _spoil(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute("UPDATE sealed_value SET ciphertext = zeroblob(length(ciphertext))")


async def test_a_start_raises_an_alarm_for_a_value_that_does_not_open_and_serves_the_rest(
    data_dir: Path,
) -> None:
    """The control is a start whose values open."""
    with all_logs(LogFormat.JSON) as before:
        async with _started(data_dir):
            pass
    _spoil(data_dir)
    with all_logs(LogFormat.JSON) as after:
        async with _started(data_dir) as client:
            ready = await client.get("/readyz")

    assert "integrity_fault" not in before.getvalue()
    assert '"table":"sealed_value"' in after.getvalue().replace(" ", "")
    assert ready.is_success


async def test_a_command_opens_no_value_for_its_start(data_dir: Path) -> None:
    """Each can cost a call of the key provider."""
    _spoil(data_dir)

    with all_logs(LogFormat.JSON) as logs:
        async with Runtime.over(patient_settings(data_dir)).running():
            pass

    assert "integrity_fault" not in logs.getvalue()


async def _tried(world: World, patch: pytest.MonkeyPatch, *, after: str) -> set[str]:
    """Return the projects of the values that are opened if the random id is this one."""
    opened = set[str]()

    async def note(_: ReadUnit, __: SealedValue, identity: ValueIdentity) -> str:
        opened.add(identity.project_id)
        return ""

    patch.setattr(world.runtime.vault, "open", note)
    patch.setattr(container, "new_id", lambda: after)
    await world.runtime.operator.check_up.try_some_values()
    return opened


@pytest.mark.parametrize("after", ["", "~"], ids=["before all keys", "after all keys"])
async def test_values_of_all_projects_are_tried_where_there_are_few(
    world: World, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    demo = world.demo
    await world.rest.create(Scope.JOB, demo.foreign_job_id, key="FOREIGN", value="foreign")

    tried = await _tried(world, monkeypatch, after=after)

    assert tried == {demo.project_id, demo.other_project_id}


async def test_values_of_a_few_projects_are_tried_where_there_are_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is lower here, to be quick."""
    monkeypatch.setattr(container, "MAX_TRIED", 1)
    await world.rest.create(Scope.JOB, world.demo.foreign_job_id, key="FOREIGN", value="foreign")

    assert len(await _tried(world, monkeypatch, after="")) == 1
