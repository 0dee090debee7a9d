"""How many statements an import runs: a few, however many rows it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from sqlalchemy import event

from gateway.domain.scopes import Scope
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

FEW, MANY = 20, 200
# A statement may be run once for every so many rows.
ROWS_PER_STATEMENT = 50
Row = dict[str, Any]


@contextmanager
def _counting(world: World) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = world.runtime.database.writer.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _rows(key: str, count: int, scope: Scope) -> list[Row]:
    return [
        {"name": f"{key}_{number}", "value": "x", "scope": scope, "is_secret": True}
        for number in range(count)
    ]


async def _import(world: World, scope: Scope, rows: list[Row]) -> int:
    """Import at the holder of that kind; return how many statements that took."""
    path = f"/variable/import?service_id={world.holders[scope]}&service_type={scope}"
    with _counting(world) as statements:
        answer = await world.client.post(path, json={"overwrite": True, "vars": rows})
    assert answer.status_code == HTTPStatus.CREATED
    assert len(answer.json()["successful_imported_variables"]) == len(rows)
    return len(statements)


@pytest.mark.rule("V4")
@pytest.mark.parametrize(
    ("before", "scope"),
    [
        (None, Scope.JOB),
        (Scope.JOB, Scope.JOB),
        (Scope.CONTAINER, Scope.JOB),
        (Scope.PROJECT, Scope.JOB),
        (None, Scope.PROJECT),
    ],
    ids=["new", "overwritten", "a sibling has the keys", "overridden", "new at the project"],
)
async def test_more_rows_take_hardly_more_statements(
    shared_world: World, key: str, before: Scope | None, scope: Scope
) -> None:
    taken = []
    for count in (FEW, MANY):
        own = f"{key}_{count}"
        if before:
            await _import(shared_world, before, _rows(own, count, before))
        taken.append(await _import(shared_world, scope, _rows(own, count, scope)))

    assert taken[1] - taken[0] <= (MANY - FEW) // ROWS_PER_STATEMENT


async def test_statements_of_every_row_are_counted(shared_world: World, key: str) -> None:
    """The control of the test above."""
    with _counting(shared_world) as statements:
        for row in _rows(key, FEW, Scope.JOB):
            await shared_world.rest.create(Scope.JOB, shared_world.demo.job_id, key=row["name"])

    assert len(statements) > FEW
