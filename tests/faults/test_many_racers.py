"""The races of tests/races with many more racers: a thousand at one key, ten thousand deletions."""

import os
from collections import Counter
from http import HTTPStatus
from typing import Final

import pytest

from gateway.domain.scopes import Scope
from tests.faces import Outcome
from tests.races.arena import Arena, new_key, race, statuses

RACERS: Final = 1_000
ROUNDS: Final = int(os.environ.get("FAULT_ROUNDS", "5"))
DELETIONS: Final = int(os.environ.get("FAULT_DELETIONS", "10000"))
DEFAULT_WRITE_OPTIONS: Final = 100

pytestmark = pytest.mark.timeout(3_600)


async def _deletion(arena: Arena, place: tuple[Scope, str]) -> tuple[Outcome, Outcome]:
    demo, key = arena.demo, new_key()
    at = (Scope.PROJECT, demo.project_id)
    target = await arena.rest.create(*at, key=key)
    deleted, aliased = await race(
        [
            arena.rest.delete(*at, target.row["id"]),
            arena.rest.alias(*place, target.row["id"], key=f"{key}_ALIAS"),
        ]
    )
    return deleted, aliased


@pytest.mark.rule("C3", "E3")
@pytest.mark.parametrize("contest", range(ROUNDS))
async def test_one_of_a_thousand_makes_the_alias(arena: Arena, contest: int) -> None:
    """The others are told, and nobody meets a fault."""
    demo, key = arena.demo, f"{new_key()}_{contest}"

    outcomes = await race(
        arena.rest.alias(Scope.JOB, demo.job_id, demo.built_in_secret_id, key=key)
        for _ in range(RACERS)
    )

    expected = Counter({HTTPStatus.CREATED: 1, HTTPStatus.CONFLICT: RACERS - 1})
    assert statuses(outcomes) == expected
    assert arena.with_key(key) == 1


@pytest.mark.rule("A7")
async def test_no_alias_of_ten_thousand_is_left_without_its_target(arena: Arena) -> None:
    place = (Scope.JOB, arena.demo.job_id)
    deletions: Counter[HTTPStatus] = Counter()
    aliases: Counter[HTTPStatus] = Counter()

    for _ in range(DELETIONS // DEFAULT_WRITE_OPTIONS):
        rounds = await race(_deletion(arena, place) for _ in range(DEFAULT_WRITE_OPTIONS))
        deletions += statuses(deleted for deleted, _ in rounds)
        aliases += statuses(aliased for _, aliased in rounds)

    assert deletions == Counter({HTTPStatus.NO_CONTENT: DELETIONS})
    assert set(aliases) == {HTTPStatus.CREATED, HTTPStatus.NOT_FOUND}
    assert arena.flaws() == {}
