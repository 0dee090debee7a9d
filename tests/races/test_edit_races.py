"""Many at once change the same: nobody's change is lost unseen."""

from typing import Any

import pytest

from gateway.domain.scopes import Scope
from gateway.storage import rows
from tests.races.arena import Arena, LooseArena, new_key, race

RACERS = 40
FEW = 8
Json = dict[str, Any]
EDIT = """mutation ($id: ID!, $key: String!, $text: String!, $version: Int) {
    payload: editSecret(
        secretId: $id, input: { key: $key, description: $text }, expectedVersion: $version
    ) { secret { version description } errors { code } } }"""
READ = "query ($id: ID!) { secret(id: $id) { version description } }"
CREATE = """mutation ($id: ID!, $key: String!, $once: String!) {
    payload: createJobSecret(jobId: $id, input: { key: $key }, idempotencyKey: $once) {
        secret { id } errors { code } } }"""


async def _to_edit(arena: Arena) -> str:
    made = await arena.rest.create(Scope.JOB, arena.demo.job_id, key=new_key())
    return str(made.row["id"])


async def _edits(
    arena: Arena, secret_id: str, *, expected: int | None, racers: int = RACERS
) -> list[Json]:
    key = new_key()
    answers = await race(
        arena.graphql.ask(
            EDIT, {"id": secret_id, "key": key, "text": f"by {number}", "version": expected}
        )
        for number in range(racers)
    )
    return [answer["payload"] for answer in answers]


async def _creations(arena: Arena, key: str, racers: int = RACERS) -> list[Json]:
    variables = {"id": arena.demo.job_id, "key": key, "once": f"once-{key}"}
    answers = await race(arena.graphql.ask(CREATE, variables) for _ in range(racers))
    return [answer["payload"] for answer in answers]


async def test_one_of_many_changes_the_version_they_all_saw(arena: Arena) -> None:
    secret_id = await _to_edit(arena)

    payloads = await _edits(arena, secret_id, expected=1)

    (winner,) = (payload["secret"] for payload in payloads if payload["secret"])
    lost = [payload["errors"] for payload in payloads if not payload["secret"]]
    assert lost == [[{"code": "VERSION_CONFLICT"}]] * (RACERS - 1)
    stored = await arena.graphql.ask(READ, {"id": secret_id})
    assert stored["secret"] == winner == {"version": 2, "description": winner["description"]}


async def test_those_who_expect_no_version_all_make_one(arena: Arena) -> None:
    secret_id = await _to_edit(arena)

    payloads = await _edits(arena, secret_id, expected=None)

    versions = sorted(payload["secret"]["version"] for payload in payloads)
    assert versions == list(range(2, RACERS + 2))
    stored = await arena.graphql.ask(READ, {"id": secret_id})
    last = max((payload["secret"] for payload in payloads), key=lambda item: int(item["version"]))
    assert stored["secret"] == last


async def test_the_same_request_many_times_at_once_has_one_effect(arena: Arena) -> None:
    """Each is answered as the first, whichever process it reached."""
    key = new_key()

    payloads = await _creations(arena, key)

    assert [payload["errors"] for payload in payloads] == [[]] * RACERS
    assert len({payload["secret"]["id"] for payload in payloads}) == 1
    assert arena.with_key(key) == 1


async def test_without_guards_many_change_the_version_they_all_saw(
    loose_arena: LooseArena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the tests above. A row that another has changed is found by its MAC, too."""

    async def believe(*_: object) -> None:
        """Take all for written."""

    monkeypatch.setattr(rows, "ensure_all_written", believe)
    secret_id = await _to_edit(loose_arena)

    with loose_arena.meeting.of(FEW):
        payloads = await _edits(loose_arena, secret_id, expected=1, racers=FEW)

    versions = [payload["secret"]["version"] for payload in payloads if payload["secret"]]
    assert versions == [2] * FEW


async def test_without_guards_the_same_request_has_many_effects(loose_arena: LooseArena) -> None:
    """The control of the tests above."""
    key = new_key()

    with loose_arena.meeting.of(FEW):
        await _creations(loose_arena, key, FEW)

    assert loose_arena.with_key(key) == FEW
