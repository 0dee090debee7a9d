"""Several holders of one chain take one key at once: never more than one has it."""

from collections import Counter
from http import HTTPStatus

import pytest

from gateway.domain.scopes import Scope
from tests.faces import Outcome
from tests.races.arena import Arena, LooseArena, new_key, race, statuses

ROUNDS = 25
ONE_WINS = Counter({HTTPStatus.CREATED: 1, HTTPStatus.CONFLICT: 2})


async def _chain(arena: Arena, key: str) -> list[Outcome]:
    demo = arena.demo
    return await race(
        [
            arena.rest.create(Scope.PROJECT, demo.project_id, key=key),
            arena.rest.create(Scope.ENVIRONMENT, demo.environment_id, key=key),
            arena.rest.create(Scope.JOB, demo.job_id, key=key),
        ]
    )


async def _to_rename(arena: Arena, key: str) -> str:
    made = await arena.rest.create(Scope.PROJECT, arena.demo.project_id, key=f"{key}_OLD")
    return str(made.row["id"])


async def _rename(arena: Arena, secret_id: str, key: str) -> list[Outcome]:
    """Give a project's secret the key that a job's secret is made with."""
    demo = arena.demo
    return await race(
        [
            arena.rest.edit(Scope.PROJECT, demo.project_id, secret_id, key=key),
            arena.rest.create(Scope.JOB, demo.job_id, key=key),
        ]
    )


@pytest.mark.rule("C3")
async def test_one_holder_of_a_chain_gets_the_key(arena: Arena) -> None:
    keys = [new_key() for _ in range(ROUNDS)]

    rounds = await race(_chain(arena, key) for key in keys)

    assert [statuses(outcomes) for outcomes in rounds] == [ONE_WINS] * ROUNDS
    assert [arena.with_key(key) for key in keys] == [1] * ROUNDS


@pytest.mark.rule("C3")
async def test_a_rename_and_a_creation_do_not_both_get_the_key(arena: Arena) -> None:
    keys = [new_key() for _ in range(ROUNDS)]
    named = [(await _to_rename(arena, key), key) for key in keys]

    rounds = await race(_rename(arena, secret_id, key) for secret_id, key in named)

    refused = [statuses(outcomes)[HTTPStatus.CONFLICT] for outcomes in rounds]
    assert refused == [1] * ROUNDS
    assert [arena.with_key(key) for key in keys] == [1] * ROUNDS


@pytest.mark.rule("C3")
async def test_siblings_do_not_stand_in_each_others_way(arena: Arena) -> None:
    """Neither loses, and neither meets a fault."""
    demo, keys = arena.demo, [new_key() for _ in range(ROUNDS)]

    outcomes = await race(
        arena.rest.create(Scope.JOB, job_id, key=key)
        for key in keys
        for job_id in (demo.job_id, demo.other_job_id)
    )

    assert statuses(outcomes) == Counter({HTTPStatus.CREATED: 2 * ROUNDS})


async def test_without_guards_several_holders_of_a_chain_get_the_key(
    loose_arena: LooseArena,
) -> None:
    """The control of the tests above."""
    key = new_key()

    with loose_arena.meeting.of(3):
        outcomes = await _chain(loose_arena, key)

    assert statuses(outcomes) == Counter({HTTPStatus.CREATED: 3})
    assert loose_arena.with_key(key) == 3
    assert loose_arena.flaws()["doubles"] > 0


async def test_without_guards_a_rename_and_a_creation_both_get_the_key(
    loose_arena: LooseArena,
) -> None:
    """The control of the tests above."""
    key = new_key()
    secret_id = await _to_rename(loose_arena, key)

    with loose_arena.meeting.of(2):
        await _rename(loose_arena, secret_id, key)

    assert loose_arena.with_key(key) == 2
