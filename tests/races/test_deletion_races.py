"""What is deleted while others refer to it: nothing is left that refers to nothing."""

from http import HTTPStatus

import pytest

from gateway.domain.scopes import Scope
from tests.faces import Outcome
from tests.races.arena import Arena, LooseArena, new_key, race

ROUNDS = 25
CREATE_JOB = """mutation ($id: ID!, $name: String!) {
    createService(environmentId: $id, type: JOB, name: $name) { holder { id } } }"""
DELETE_JOB = """mutation ($id: ID!) { deleteHolder(holder: { jobId: $id }, withContent: true) {
    deletedHolderIds errors { code } } }"""


async def _target(arena: Arena) -> str:
    made = await arena.rest.create(Scope.PROJECT, arena.demo.project_id, key=new_key())
    return str(made.row["id"])


async def _job(arena: Arena) -> str:
    variables = {"id": arena.demo.environment_id, "name": new_key()}
    made = await arena.graphql.ask(CREATE_JOB, variables)
    return str(made["createService"]["holder"]["id"])


async def _against_an_alias(arena: Arena, target_id: str) -> tuple[Outcome, Outcome]:
    """Delete a target of the project while a job makes an alias of it."""
    demo = arena.demo
    deleted, aliased = await race(
        [
            arena.rest.delete(Scope.PROJECT, demo.project_id, target_id),
            arena.rest.alias(Scope.JOB, demo.job_id, target_id, key=new_key()),
        ]
    )
    return deleted, aliased


async def _against_an_override(arena: Arena, target_id: str) -> tuple[Outcome, Outcome]:
    """Delete a target of the project while a job overrides it."""
    demo = arena.demo
    deleted, overridden = await race(
        [
            arena.rest.delete(Scope.PROJECT, demo.project_id, target_id),
            arena.rest.override(Scope.JOB, demo.job_id, target_id, value="x"),
        ]
    )
    return deleted, overridden


async def _against_a_secret(arena: Arena, job_id: str) -> Outcome:
    """Delete a job while a secret is made at it."""
    deleted, created = await race(
        [
            arena.graphql.ask(DELETE_JOB, {"id": job_id}),
            arena.rest.create(Scope.JOB, job_id, key=new_key()),
        ]
    )
    assert isinstance(deleted, dict)
    assert isinstance(created, Outcome)
    assert deleted["deleteHolder"]["deletedHolderIds"] == [job_id]
    return created


async def _is_gone(arena: Arena, outcome: Outcome) -> bool:
    found = arena.count("SELECT count(*) FROM secret WHERE id = ?", outcome.row["id"])
    return found == 0


@pytest.mark.rule("A7")
async def test_an_alias_goes_with_its_target_or_is_never_made(arena: Arena) -> None:
    """The loser finds no target; the winner's alias went after all."""
    target_ids = [await _target(arena) for _ in range(ROUNDS)]

    rounds = await race(_against_an_alias(arena, target_id) for target_id in target_ids)

    assert {deleted.status for deleted, _ in rounds} == {HTTPStatus.NO_CONTENT}
    made = [aliased for _, aliased in rounds if aliased.code is None]
    lost = [aliased.status for _, aliased in rounds if aliased.code is not None]
    assert set(lost) <= {HTTPStatus.NOT_FOUND}
    assert all([await _is_gone(arena, aliased) for aliased in made])


@pytest.mark.rule("A7")
async def test_an_override_goes_with_its_target_or_is_never_made(arena: Arena) -> None:
    target_ids = [await _target(arena) for _ in range(ROUNDS)]

    rounds = await race(_against_an_override(arena, target_id) for target_id in target_ids)

    assert {deleted.status for deleted, _ in rounds} == {HTTPStatus.NO_CONTENT}
    made = [overridden for _, overridden in rounds if overridden.code is None]
    lost = [overridden.status for _, overridden in rounds if overridden.code is not None]
    assert set(lost) <= {HTTPStatus.NOT_FOUND}
    assert all([await _is_gone(arena, overridden) for overridden in made])


async def test_a_secret_goes_with_its_holder_or_is_never_made(arena: Arena) -> None:
    """No secret is left that hangs on nothing."""
    job_ids = [await _job(arena) for _ in range(ROUNDS)]

    created = await race(_against_a_secret(arena, job_id) for job_id in job_ids)

    made = [outcome for outcome in created if outcome.code is None]
    lost = {outcome.status for outcome in created if outcome.code is not None}
    assert lost <= {HTTPStatus.NOT_FOUND}
    assert all([await _is_gone(arena, outcome) for outcome in made])


@pytest.mark.rule("C7")
async def test_one_of_many_deletes(arena: Arena) -> None:
    """The others find nothing."""
    at = (Scope.JOB, arena.demo.job_id)
    made = await arena.rest.create(*at, key=new_key())

    outcomes = await race(arena.rest.delete(*at, made.row["id"]) for _ in range(ROUNDS))

    answer = sorted(outcome.status for outcome in outcomes)
    assert answer == [HTTPStatus.NO_CONTENT, *[HTTPStatus.NOT_FOUND] * (ROUNDS - 1)]


async def test_without_guards_aliases_are_left_without_a_target(loose_arena: LooseArena) -> None:
    """The control of the tests above."""
    target_id = await _target(loose_arena)

    with loose_arena.meeting.of(2):
        await _against_an_alias(loose_arena, target_id)

    assert loose_arena.flaws()["orphans"] == 1


async def test_without_guards_secrets_are_left_without_a_holder(loose_arena: LooseArena) -> None:
    """The control of the tests above: the secret comes after the holder's have gone."""
    job_ids = [await _job(loose_arena) for _ in range(ROUNDS)]

    for job_id in job_ids:
        with loose_arena.meeting.of(2):
            await _against_a_secret(loose_arena, job_id)

    assert loose_arena.flaws()["rootless"] > 0
