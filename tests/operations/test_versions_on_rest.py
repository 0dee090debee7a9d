"""The versions of a secret have a path on REST, with the pages that other lists there lack."""

from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from tests.operations.past import versions_of
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.rule("Y1")
async def test_the_path_lists_what_graphql_lists(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one", description="first")
    await shared_world.rest.edit(*at, made.row["id"], key=f"{key}_2", value="two")
    await shared_world.rest.delete(*at, made.row["id"])

    response = await shared_world.client.get(f"/variable/{made.row['id']}/versions")

    assert response.status_code == HTTPStatus.OK
    found, same = response.json(), await versions_of(shared_world.graphql, made.row["id"])
    assert found["next"] is None
    assert [(row["version"], row["key"], row.get("ended_how")) for row in found["results"]] == [
        (item["version"], item["key"], item["endedHow"]) for item in same
    ]
    assert found["results"][1]["description"] == "first"


@pytest.mark.rule("Y1")
async def test_pages_follow_each_other(shared_world: World, fresh_job: str, key: str) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="")
    for number in range(101):
        await shared_world.rest.edit(*at, made.row["id"], key=key, description=f"{number}")
    path = f"/variable/{made.row['id']}/versions"

    first = (await shared_world.client.get(path)).json()
    second = (await shared_world.client.get(path, params={"after": first["next"]})).json()

    numbers = [row["version"] for page in (first, second) for row in page["results"]]
    assert (len(first["results"]), second["next"]) == (100, None)
    assert numbers == list(range(102, 0, -1))


@pytest.mark.rule("Y1")
@pytest.mark.parametrize("after", ["", "x", "WyJrZXkiXQ", "WyJ2ZXJzaW9ucyIsMV0x"])
async def test_a_cursor_of_nothing_is_refused(
    shared_world: World, fresh_job: str, key: str, after: str
) -> None:
    made = await shared_world.rest.create(Scope.JOB, fresh_job, key=key, value="")

    response = await shared_world.client.get(
        f"/variable/{made.row['id']}/versions", params={"after": after}
    )

    assert (response.status_code, response.json()["code"]) == (
        HTTPStatus.BAD_REQUEST,
        ErrorCode.BAD_USER_INPUT,
    )


@pytest.mark.rule("H1")
async def test_an_unchanged_history_is_not_sent_again(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="")
    path = f"/variable/{made.row['id']}/versions"
    tag = (await shared_world.client.get(path)).headers["ETag"]

    same = await shared_world.client.get(path, headers={"If-None-Match": tag})
    await shared_world.rest.edit(*at, made.row["id"], key=key, description="other")
    other = await shared_world.client.get(path, headers={"If-None-Match": tag})

    assert (same.status_code, other.status_code) == (HTTPStatus.NOT_MODIFIED, HTTPStatus.OK)


@pytest.mark.parametrize("secret_id", [new_id(), "no-id"], ids=["unknown", "no id"])
async def test_an_unknown_secret_has_no_versions(shared_world: World, secret_id: str) -> None:
    response = await shared_world.client.get(f"/variable/{secret_id}/versions")

    assert (response.status_code, response.json()["code"]) == (
        HTTPStatus.NOT_FOUND,
        ErrorCode.NOT_FOUND,
    )
