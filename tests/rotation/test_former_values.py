"""Former values follow their data key, so that a retired key can go."""

import pytest

from gateway.domain.scopes import Scope
from tests.operations.past import roll_back, versions_of
from tests.world import World


@pytest.mark.rule("S54")
async def test_a_former_value_is_sealed_again_and_the_retired_key_goes(world: World) -> None:
    at = Scope.JOB, world.demo.job_id
    made = await world.rest.create(*at, key="KEY", value="one")
    await world.rest.edit(*at, made.row["id"], key="KEY", value="two")
    keys = world.runtime.operator.keys
    await keys.renew(project_id=world.demo.project_id)
    both = [item.id for item in (await keys.status()).data_keys if item.project_id]

    await keys.rewrap()

    left = [item.id for item in (await keys.status()).data_keys if item.project_id]
    assert len(left) == len(both) - 1
    found = await versions_of(world.graphql, made.row["id"])
    assert [item["version"] for item in found] == [2, 1]
    assert (await roll_back(world.graphql, made.row["id"], 1))["errors"] == []
    assert await world.stored_value(made.row["id"]) == "one"


@pytest.mark.rule("S54")
async def test_a_key_that_seals_a_former_value_only_is_not_removed_before_it(
    world: World,
) -> None:
    at = Scope.JOB, world.demo.job_id
    made = await world.rest.create(*at, key="KEY", value="one")
    await world.rest.delete(*at, made.row["id"])
    keys = world.runtime.operator.keys

    status = await keys.status()

    sealed = sum(item.values for item in status.data_keys)
    await world.rest.create(*at, key="KEY", value="two")
    assert sum(item.values for item in (await keys.status()).data_keys) == sealed + 1
