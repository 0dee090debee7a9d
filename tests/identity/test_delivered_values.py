"""Values of a service for a user with an issuer's access token."""

import shutil
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.services.demo import Demo
from tests.identity.local_issuer import LocalIssuer
from tests.identity.users import let_in
from tests.operations.callers import settle
from tests.world import World, open_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("R7")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    template: tuple[Path, Demo],
    issuing_process: LocalIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """A gateway that trusts the issuer, for all tests of this module."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("delivered") / "data")
    issuing_process.behave()
    async with open_world(copied, demo, issuers=[issuing_process.trusted()]) as opened:
        yield opened


async def _delivered(world: World, issuer: LocalIssuer, *roles: Role) -> httpx.Response:
    subject = new_id()
    for role in roles:
        await let_in(world.runtime, world.demo.organization_id, issuer.url, subject, role)
    async with world.client_for(issuer.token(sub=subject)) as client:
        return await client.get(f"/runtime/{world.demo.job_id}/SMTP_PASSWORD")


async def test_a_user_with_the_role_gets_a_value(world: World, issuer: LocalIssuer) -> None:
    answer = await _delivered(world, issuer, Role.RUNTIME)

    assert (answer.status_code, answer.text) == (HTTPStatus.OK, "demo-bulk-smtp")


@pytest.mark.parametrize(
    ("roles", "status"),
    [([Role.EDITOR], HTTPStatus.FORBIDDEN), ([], HTTPStatus.UNAUTHORIZED)],
    ids=["another role", "nobody"],
)
async def test_others_get_none(
    world: World, issuer: LocalIssuer, roles: list[Role], status: HTTPStatus
) -> None:
    answer = await _delivered(world, issuer, *roles)

    assert answer.status_code == status
    assert "demo-" not in answer.text


async def test_a_user_of_two_organizations_must_name_one(world: World, issuer: LocalIssuer) -> None:
    subject, stranger = new_id(), await settle(world)
    for organization_id in (world.demo.organization_id, stranger.organization_id):
        await let_in(world.runtime, organization_id, issuer.url, subject, Role.RUNTIME)
    path = f"/runtime/{stranger.job_id}/THEIRS"

    async with world.client_for(issuer.token(sub=subject)) as client:
        unnamed = await client.get(path)
        named = await client.get(path, headers={"X-Organization-Id": stranger.organization_id})

    assert unnamed.json()["code"] == "ORGANIZATION_REQUIRED"
    assert named.text == "theirs"
