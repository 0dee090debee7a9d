"""An import that the database does not store as it is meant is refused, and the row is named."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import httpx
import pytest
from sqlalchemy import Column

from gateway.config.types import LogFormat
from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from gateway.storage import rows
from gateway.storage.unit_of_work import WriteUnit
from tests.audit import foreign
from tests.audit.audit_log import database_of, row_faults, run_by_force
from tests.operations.canaries import all_logs
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What somebody else's trigger does to one row of many.
TRIGGERS = {
    "a changed secret is left as it was": """BEFORE UPDATE OF version ON secret
        WHEN OLD.id = '{id}' BEGIN SELECT RAISE(IGNORE); END""",
    "a value is left as it was": """BEFORE UPDATE OF ciphertext ON sealed_value
        WHEN OLD.secret_id = '{id}' BEGIN SELECT RAISE(IGNORE); END""",
}
PUT_BACK = """AFTER UPDATE OF ciphertext ON sealed_value WHEN OLD.secret_id = '{id}'
    BEGIN UPDATE sealed_value SET ciphertext = OLD.ciphertext
        WHERE secret_id = OLD.secret_id; END"""


@contextmanager
def _trigger(world: World, text: str) -> Iterator[None]:
    run_by_force(database_of(world), f"CREATE TRIGGER theirs {text}")
    try:
        yield
    finally:
        foreign.drop(world, "TRIGGER", "theirs")


async def _import(world: World, key: str, value: str) -> httpx.Response:
    rows = [
        {"name": f"{key}_{number}", "value": value, "scope": Scope.JOB, "is_secret": True}
        for number in range(5)
    ]
    path = f"/job/{world.demo.job_id}/environmentVariable/import"
    return await world.client.post(path, json={"overwrite": True, "vars": rows})


async def _ids(world: World, key: str) -> Mapping[str, str]:
    rows = await world.rest.visible(Scope.JOB, world.demo.job_id)
    return {row["key"]: row["id"] for row in rows if row["key"].startswith(key)}


@pytest.mark.parametrize("text", TRIGGERS.values(), ids=TRIGGERS)
async def test_a_row_that_is_not_stored_refuses_the_import(
    shared_world: World, key: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody looks at the catalog; the other rows are not stored either."""
    await _import(shared_world, key, "old")
    ids = await _ids(shared_world, key)
    met = ids[f"{key}_3"]
    foreign.look_away(monkeypatch)

    with _trigger(shared_world, text.format(id=met)), all_logs(LogFormat.JSON) as logs:
        refused = await _import(shared_world, key, "new")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert met in logs.getvalue()
    assert not any(other in logs.getvalue() for other in ids.values() if other != met)
    assert {await shared_world.stored_value(id_) for id_ in ids.values()} == {"old"}


async def test_a_new_row_that_is_not_stored_refuses_the_import(
    shared_world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above."""
    foreign.look_away(monkeypatch)
    ignore = f"BEFORE INSERT ON secret WHEN NEW.key = '{key}_3' BEGIN SELECT RAISE(IGNORE); END"

    with _trigger(shared_world, ignore):
        refused = await _import(shared_world, key, "new")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert await _ids(shared_world, key) == {}


async def test_a_value_that_is_put_back_is_refused_at_use(
    world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above; it was stored as it was meant, and is not any more."""
    await _import(world, key, "old")
    met = (await _ids(world, key))[f"{key}_3"]
    foreign.look_away(monkeypatch)

    with _trigger(world, PUT_BACK.format(id=met)):
        await _import(world, key, "new")
    delivered = await foreign.asked(world, foreign.DELIVER, {"id": world.demo.job_id})

    assert foreign.codes(delivered) == [ErrorCode.UNAVAILABLE]
    assert ("CHANGED", "sealed_value") in await row_faults(world)


async def test_without_guards_such_an_import_is_taken_for_done(
    shared_world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the tests above."""

    async def believe(_u: WriteUnit, _c: Column[bytes], _m: Mapping[str, bytes], _n: int) -> None:
        """Take all for written."""

    await _import(shared_world, key, "old")
    ids = await _ids(shared_world, key)
    met = ids[f"{key}_3"]
    foreign.look_away(monkeypatch)
    monkeypatch.setattr(rows, "ensure_all_written", believe)

    with _trigger(shared_world, TRIGGERS["a changed secret is left as it was"].format(id=met)):
        answer = await _import(shared_world, key, "new")

    assert len(answer.json()["successful_imported_variables"]) == len(ids)
