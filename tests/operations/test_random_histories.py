"""Random edits, renames, deletions and restorations: each version is what was recorded then."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

import pytest

from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.operations.past import restore, roll_back, versions_of
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

STEPS = 25


@dataclass(frozen=True)
class State:
    """What a secret is: what a version shows, and the value, which none shows."""

    key: str
    value: str
    description: str


@dataclass
class Recorded:
    """A secret as the test knows it: its states by version, and whether it is deleted."""

    secret_id: str
    states: dict[int, State] = field(default_factory=dict)
    is_deleted: bool = False

    @property
    def newest(self) -> int:
        return max(self.states)

    def add(self, state: State) -> None:
        self.states[max(self.states, default=0) + 1] = state


def _one_of(random: Random, *faces: Face) -> Face:
    return random.choice(faces)


async def _step(world: World, job_id: str, recorded: Recorded, random: Random, key: str) -> None:
    at, secret_id = (Scope.JOB, job_id), recorded.secret_id
    now = recorded.states[recorded.newest]
    if recorded.is_deleted:
        assert (await restore(world.graphql, secret_id))["errors"] == []
        recorded.is_deleted = False
        recorded.add(now)
        return
    text = f"{random.getrandbits(32):x}"
    face = _one_of(random, world.rest, world.graphql)
    match random.choice(["value", "value", "key", "description", "delete", "rollback"]):
        case "value":
            await face.edit(*at, secret_id, key=now.key, value=text)
            recorded.add(replace(now, value=text))
        case "key":
            await face.edit(*at, secret_id, key=f"{key}_{text}")
            recorded.add(replace(now, key=f"{key}_{text}"))
        case "description":
            await face.edit(*at, secret_id, key=now.key, description=text)
            recorded.add(replace(now, description=text))
        case "delete":
            await face.delete(*at, secret_id)
            recorded.is_deleted = True
        case "rollback" if recorded.newest > 1:
            to = random.randrange(1, recorded.newest)
            assert (await roll_back(world.graphql, secret_id, to))["errors"] == []
            recorded.add(recorded.states[to])


def _shown(recorded: Recorded) -> Sequence[tuple[int, str, str]]:
    newest_first = sorted(recorded.states.items(), reverse=True)
    return [(version, state.key, state.description) for version, state in newest_first]


@pytest.mark.rule("Y1")
@pytest.mark.parametrize("seed", range(2))
async def test_each_version_is_what_was_recorded_then_and_can_come_back(
    shared_world: World, fresh_job: str, key: str, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - the same at each run
    first = State(key, "first", "as made")
    made = await shared_world.rest.create(
        Scope.JOB, fresh_job, key=key, value="first", description="as made"
    )
    recorded = Recorded(made.row["id"], {1: first})
    for _ in range(STEPS):
        await _step(shared_world, fresh_job, recorded, random, key)
    if recorded.is_deleted:
        await restore(shared_world.graphql, recorded.secret_id)
        recorded.add(recorded.states[recorded.newest])

    found = await versions_of(shared_world.graphql, recorded.secret_id)

    assert [(item["version"], item["key"], item["description"]) for item in found] == _shown(
        recorded
    )
    ends = [(item["at"], item["endedAt"] or "9") for item in reversed(found)]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(ends))
    for version, state in list(recorded.states.items())[:-1]:
        await roll_back(shared_world.graphql, recorded.secret_id, version)
        assert await shared_world.stored_value(recorded.secret_id) == state.value
