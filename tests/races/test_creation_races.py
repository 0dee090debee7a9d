"""Many at once create the same: one wins, and the others are told what did."""

from collections import Counter
from http import HTTPStatus

import pytest

from gateway.domain.scopes import Scope
from tests.faces import Outcome
from tests.races.arena import Arena, LooseArena, new_key, race, statuses

RACERS = 100
FEW = 8
ONE_WINS = Counter({HTTPStatus.CREATED: 1, HTTPStatus.CONFLICT: RACERS - 1})


async def _aliases(arena: Arena, key: str, racers: int = RACERS) -> list[Outcome]:
    demo = arena.demo
    return await race(
        arena.rest.alias(Scope.JOB, demo.job_id, demo.built_in_secret_id, key=key)
        for _ in range(racers)
    )


async def _to_override(arena: Arena, key: str) -> str:
    target = await arena.rest.create(Scope.PROJECT, arena.demo.project_id, key=key)
    return str(target.row["id"])


async def _overrides(arena: Arena, target_id: str, racers: int = RACERS) -> list[Outcome]:
    return await race(
        arena.rest.override(Scope.JOB, arena.demo.job_id, target_id, value=f"{number}")
        for number in range(racers)
    )


async def _creations(arena: Arena, key: str) -> list[Outcome]:
    return await race(
        arena.rest.create(Scope.JOB, arena.demo.job_id, key=key, value=f"{number}")
        for number in range(RACERS)
    )


def _winner(outcomes: list[Outcome]) -> str:
    (winner,) = (outcome.row["id"] for outcome in outcomes if outcome.code is None)
    return str(winner)


def _reported(outcomes: list[Outcome]) -> set[str]:
    return {outcome.existing["id"] for outcome in outcomes if outcome.existing}


@pytest.mark.rule("A1", "C3", "E3")
async def test_one_of_many_makes_the_alias(arena: Arena) -> None:
    """Every other is told which secret has the key."""
    key = new_key()

    outcomes = await _aliases(arena, key)

    assert statuses(outcomes) == ONE_WINS
    assert arena.with_key(key) == 1
    assert _reported(outcomes) == {_winner(outcomes)}


@pytest.mark.rule("E3", "O4")
async def test_one_of_many_makes_the_override(arena: Arena) -> None:
    key = new_key()
    target_id = await _to_override(arena, key)

    outcomes = await _overrides(arena, target_id)

    assert statuses(outcomes) == ONE_WINS
    assert arena.with_key(key) == 2
    assert _reported(outcomes) == {_winner(outcomes)}


@pytest.mark.rule("C3", "E3")
async def test_one_of_many_makes_the_secret(arena: Arena) -> None:
    key = new_key()

    outcomes = await _creations(arena, key)

    assert statuses(outcomes) == ONE_WINS
    assert arena.with_key(key) == 1
    assert _reported(outcomes) == {_winner(outcomes)}


async def test_without_guards_many_make_the_alias(loose_arena: LooseArena) -> None:
    """The control of the tests above."""
    key = new_key()

    with loose_arena.meeting.of(FEW):
        await _aliases(loose_arena, key, FEW)

    assert loose_arena.with_key(key) == FEW


async def test_without_guards_many_make_the_override(loose_arena: LooseArena) -> None:
    """The control of the tests above."""
    key = new_key()
    target_id = await _to_override(loose_arena, key)

    with loose_arena.meeting.of(FEW):
        await _overrides(loose_arena, target_id, FEW)

    assert loose_arena.with_key(key) == 1 + FEW


async def test_with_late_writers_racers_meet_faults(deferred_arena: LooseArena) -> None:
    """The control of there being none above: the database refuses who read too early."""
    with deferred_arena.meeting.of(FEW):
        outcomes = await _aliases(deferred_arena, new_key(), FEW)

    assert statuses(outcomes)[HTTPStatus.SERVICE_UNAVAILABLE] > 0
