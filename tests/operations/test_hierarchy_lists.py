"""The lists of the hierarchy, from which clients that know names take ids."""

import json
import re
from collections import defaultdict
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.rest.openapi.hierarchy import NEUTRAL, SERVICE_ROWS
from tests.operations.callers import Stranger
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("T1")]

# More than one page of the documents behind the lists.
MANY: Final = 101
PAGE: Final = (Path(__file__).parents[2] / "docs" / "divergences.md").read_text()


async def _rows(world: World, path: str, client: Any = None) -> list[dict[str, Any]]:
    response = await (client or world.client).get(path)
    assert response.status_code == HTTPStatus.OK, response.text
    rows: list[dict[str, Any]] = response.json()["results"]
    return rows


async def test_the_organization_is_that_of_the_credential(
    shared_world: World, shared_stranger: Stranger
) -> None:
    own = await _rows(shared_world, "/organization")
    theirs = await _rows(shared_world, "/organization", shared_stranger.client)

    assert [row["id"] for row in own] == [shared_world.demo.organization_id]
    assert [row["id"] for row in theirs] == [shared_stranger.organization_id]


async def test_a_project_has_the_number_of_its_environments(shared_world: World) -> None:
    demo = shared_world.demo

    rows = await _rows(shared_world, f"/organization/{demo.organization_id}/project")

    (shop,) = (row for row in rows if row["id"] == demo.project_id)
    assert shop == {
        "id": demo.project_id,
        "name": "shop",
        "organization": {"id": demo.organization_id},
        "associated_environments_count": 2,
        **NEUTRAL["Project"],
    }


async def test_an_environment_refers_to_what_is_above_it(shared_world: World) -> None:
    demo = shared_world.demo

    rows = await _rows(shared_world, f"/project/{demo.project_id}/environment")

    (production,) = (row for row in rows if row["id"] == demo.environment_id)
    assert production == {
        "id": demo.environment_id,
        "name": "production",
        "organization": {"id": demo.organization_id},
        "project": {"id": demo.project_id},
        **NEUTRAL["Environment"],
    }


@pytest.mark.parametrize("scope", SERVICE_SCOPES)
async def test_services_are_listed_by_kind(shared_world: World, scope: Scope) -> None:
    path = f"/environment/{shared_world.demo.environment_id}/{scope.field_name}"

    rows = await _rows(shared_world, path)

    (found,) = (row for row in rows if row["id"] == shared_world.holders[scope])
    known = {"environment": {"id": shared_world.demo.environment_id}, "service_type": scope}
    assert found == {
        "id": found["id"],
        "name": found["name"],
        **known,
        **NEUTRAL[SERVICE_ROWS[scope]],
    }
    assert {row["service_type"] for row in rows} == {scope}


async def test_there_are_no_databases(shared_world: World) -> None:
    path = f"/environment/{shared_world.demo.environment_id}/database"

    assert await _rows(shared_world, path) == []


async def test_a_list_has_all_rows_by_name(shared_world: World) -> None:
    demo = shared_world.demo
    administration = shared_world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).administration
    at = HolderReference(Scope.ENVIRONMENT, demo.other_environment_id)
    names = [f"queue {number:03}" for number in range(MANY)]
    for name in reversed(names):
        await administration.create_holder(kind=Scope.CONTAINER, name=name, parent=at)

    rows = await _rows(shared_world, f"/environment/{demo.other_environment_id}/container")

    assert [row["name"] for row in rows] == names


async def test_a_list_has_what_the_caller_can_see(shared_world: World) -> None:
    demo = shared_world.demo
    client = await shared_world.client_with(Role.VIEWER, on=HolderReference(Scope.JOB, demo.job_id))

    projects = await _rows(shared_world, f"/organization/{demo.organization_id}/project", client)
    jobs = await _rows(shared_world, f"/environment/{demo.environment_id}/job", client)
    helms = await _rows(shared_world, f"/environment/{demo.environment_id}/helm", client)

    assert [row["id"] for row in projects] == [demo.project_id]
    assert [row["id"] for row in jobs] == [demo.job_id]
    assert helms == []


async def test_the_holder_in_the_path_must_be_of_its_kind(shared_world: World) -> None:
    response = await shared_world.client.get(f"/environment/{shared_world.demo.project_id}/job")

    assert response.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.VIEWER])
async def test_a_holder_that_nobody_sees_is_404_also_without_a_permission_on_secrets(
    shared_world: World, role: Role
) -> None:
    demo = shared_world.demo
    client = await shared_world.client_with(role, on=HolderReference(Scope.JOB, demo.job_id))
    unseen = (new_id(), "not-a-uuid", demo.other_project_id, demo.job_id)

    answers = [await client.get(f"/project/{each}/environment") for each in unseen]
    answers += [await client.get(f"/environment/{each}/job") for each in unseen]

    assert [answer.status_code for answer in answers] == [404] * 8
    assert await _rows(shared_world, f"/environment/{demo.environment_id}/job", client)


async def test_another_organization_is_like_one_that_is_not_there(
    shared_world: World, shared_stranger: Stranger
) -> None:
    answers = [
        (await shared_world.client.get(f"/organization/{each}/project")).json()
        for each in (shared_stranger.organization_id, new_id(), "not-a-uuid")
    ]

    assert {(each["status"], each["code"]) for each in answers} == {(404, "NOT_FOUND")}
    assert len({each["detail"].rsplit(" ", 1)[0] for each in answers}) == 1


async def test_a_list_that_has_not_changed_is_not_sent_again(shared_world: World) -> None:
    path = f"/project/{shared_world.demo.project_id}/environment"
    first = await shared_world.client.get(path)

    second = await shared_world.client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert second.status_code == HTTPStatus.NOT_MODIFIED
    assert first.headers["Cache-Control"] == "private, no-cache"


def _listed_on_the_page() -> dict[str, dict[str, Any]]:
    rows = re.findall(r"^\| `(\w+)` \| `(.+)` \| (all|`.+`) \|$", PAGE, re.MULTILINE)
    listed: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value, lists in rows:
        for row in NEUTRAL if lists == "all" else re.findall(r"`(\w+)`", lists):
            listed[row][name] = json.loads(value)
    return dict(listed)


async def test_neutral_values_are_those_of_the_page() -> None:
    assert _listed_on_the_page() == {row: dict(fields) for row, fields in NEUTRAL.items()}
