"""What the secrets of a holder were is deleted with the holder, in the same steps."""

import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.scopes import Scope
from gateway.services.deletions import MAX_ROWS
from tests.audit.audit_log import faults, row_faults
from tests.deletions.large import another, delete, large_project, stored
from tests.operations.past import restore
from tests.world import World

pytestmark = pytest.mark.unmeasured
COUNT = "SELECT count(*) FROM secret_version"


def _former_states(world: World) -> int:
    return int(stored(world, COUNT)[0][0])


async def _job(world: World) -> str:
    environment = HolderReference(Scope.ENVIRONMENT, world.demo.environment_id)
    return await another(world, Scope.JOB, environment)


async def test_a_small_holder_goes_with_its_former_states_at_once(world: World) -> None:
    job_id = await _job(world)
    made = await world.rest.create(Scope.JOB, job_id, key="KEY", value="one")
    await world.rest.edit(Scope.JOB, job_id, made.row["id"], key="KEY", value="two")
    before = _former_states(world)

    await delete(world, Scope.JOB, job_id)

    assert (before, _former_states(world)) == (1, 0)
    assert stored(world, "SELECT * FROM deletion") == []
    assert [*await row_faults(world), *await faults(world)] == []


async def test_many_former_states_of_one_secret_go_in_steps(world: World) -> None:
    job_id = await _job(world)
    made = await world.rest.create(Scope.JOB, job_id, key="KEY", value="one")
    for number in range(MAX_ROWS + 1):
        await world.rest.edit(Scope.JOB, job_id, made.row["id"], key="KEY", description=f"{number}")

    await delete(world, Scope.JOB, job_id)
    hidden = _former_states(world)
    await world.runtime.operator.deletions.finish()

    assert (hidden, _former_states(world)) == (MAX_ROWS + 1, 0)
    assert stored(world, "SELECT id FROM holder WHERE id = ?", job_id) == []
    assert [*await row_faults(world), *await faults(world)] == []


async def test_a_large_project_goes_with_its_former_states_and_keys(world: World) -> None:
    large = await large_project(world)
    secret_id = stored(
        world, "SELECT id FROM secret WHERE holder_id = ? LIMIT 1", large[Scope.JOB]
    )[0][0]
    await world.rest.delete(Scope.JOB, large[Scope.JOB], secret_id)
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])
    refused = await restore(world.graphql, secret_id)

    await world.runtime.operator.deletions.finish()

    assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]
    assert _former_states(world) == 0
    assert stored(world, "SELECT * FROM data_key WHERE project_id = ?", large[Scope.PROJECT]) == []
