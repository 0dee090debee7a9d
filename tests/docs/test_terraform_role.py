"""The role that docs/rest.md gives Terraform is never answered 403, which it reads as "gone"."""

from http import HTTPStatus

import httpx
import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.world import World


async def _statuses(client: httpx.AsyncClient, world: World, key: str) -> list[int]:
    """List, create, edit and alias across the job's secrets, and delete what was made."""
    job = f"/job/{world.demo.job_id}/secret"
    listed = await client.get(job)
    made = await client.post(job, json={"key": key, "value": "a"})
    own = f"{job}/{made.json().get('id')}"
    edited = await client.put(own, json={"key": key, "value": "b"})
    alias = await client.post(
        f"{job}/{world.demo.built_in_secret_id}/alias", json={"key": f"{key}_A"}
    )
    gone = await client.delete(own)
    return [item.status_code for item in (listed, made, edited, alias, gone)]


async def test_an_editor_of_the_project_is_never_refused(world: World) -> None:
    at = HolderReference(Scope.PROJECT, world.demo.project_id)
    client = await world.client_with(Role.EDITOR, on=at)

    assert await _statuses(client, world, "TF") == [200, 201, 200, 201, 204]


@pytest.mark.parametrize(
    ("role", "scope", "first_four"),
    [
        (Role.VIEWER, Scope.PROJECT, [200, 403, None, 403]),
        (Role.RUNTIME, Scope.PROJECT, [403, None, None, None]),
        (Role.AUDITOR, Scope.PROJECT, [403, None, None, None]),
        (Role.EDITOR, Scope.JOB, [200, 201, 200, 404]),
    ],
)
async def test_control_other_roles_are(
    world: World, role: Role, scope: Scope, first_four: list[int | None]
) -> None:
    """None: whatever; a resource of the provider is gone by then."""
    at = HolderReference(scope, world.holders[scope])
    client = await world.client_with(role, on=at)

    found = await _statuses(client, world, "TF")

    answer = [want or item for want, item in zip(first_four, found[:4], strict=True)]
    assert found[:4] == answer
    assert {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} & set(found[:4])
