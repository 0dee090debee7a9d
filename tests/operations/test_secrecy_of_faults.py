"""What goes wrong inside is told to nobody but the log, and values not even to that."""

import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest

from gateway.config.types import LogFormat
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.operations.canaries import all_logs, is_traced, new_canary, stored_bytes
from tests.world import World

FORMATS = pytest.mark.parametrize("log_format", LogFormat)


def _damage(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute(statement)


@pytest.mark.rule("E1", "E2", "S48")
@FORMATS
async def test_an_unexpected_fault_is_logged_without_the_value(
    world: World, face: Face, data_dir: Path, log_format: LogFormat
) -> None:
    """The project's key is gone, of which nobody outside is told anything."""
    canary = new_canary()
    _damage(data_dir, "DELETE FROM data_key WHERE project_id IS NOT NULL")

    with all_logs(log_format) as logs:
        refused = await face.create(Scope.JOB, world.demo.job_id, key="KEY", value=canary)

    assert refused.status is HTTPStatus.INTERNAL_SERVER_ERROR
    assert refused.detail == "Internal error."
    assert "MissingDataKey" in logs.getvalue()
    assert not is_traced(canary, logs.getvalue().encode())
    assert not is_traced(canary, stored_bytes(data_dir))


@pytest.mark.rule("E2")
@FORMATS
async def test_a_fault_of_the_database_is_logged_without_the_value(
    world: World, face: Face, data_dir: Path, log_format: LogFormat
) -> None:
    canary = new_canary()
    _damage(data_dir, "ALTER TABLE sealed_value RENAME TO gone")

    with all_logs(log_format) as logs:
        refused = await face.create(Scope.JOB, world.demo.job_id, key="KEY", value=canary)

    assert refused.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert "sealed_value" not in refused.detail
    assert not is_traced(canary, logs.getvalue().encode())


@pytest.mark.rule("E2")
async def test_a_database_that_does_not_answer_is_reported_with_when_to_come_back(
    world: World, data_dir: Path
) -> None:
    _damage(data_dir, "ALTER TABLE holder RENAME TO gone")

    response = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response.headers["retry-after"] == "1"
    assert response.json()["code"] == "UNAVAILABLE"


@pytest.mark.rule("E2")
async def test_what_cannot_be_written_leaves_nothing(
    world: World, face: Face, data_dir: Path
) -> None:
    """The row and its value are one transaction."""
    at = Scope.JOB, world.demo.job_id
    before = await face.visible(*at)
    _damage(data_dir, "ALTER TABLE sealed_value RENAME TO gone")

    await face.create(*at, key="KEY", value="value")

    assert await face.visible(*at) == before
