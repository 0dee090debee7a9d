"""The drawing of a service: for who may see it, and like that of a random id for all others."""

import shutil
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope
from gateway.services.demo import Demo
from tests.access.territories import Territory
from tests.access.test_matrix import ExecutionResult, answer
from tests.operations.callers import nobody
from tests.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway that serves its pages, for all tests of this module."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("map") / "data")
    async with open_world(copied, demo, graphiql=True) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def insider(shared_world: World, inside: Territory) -> httpx.AsyncClient:
    """The administrator of one project."""
    return await inside.client(shared_world, Role.ADMIN)


async def _asked(client: httpx.AsyncClient, chosen: str) -> ExecutionResult:
    return answer(await client.get(f"/map/{chosen}/drawing.svg"), chosen)


@pytest.mark.rule("S13", "S14")
async def test_no_unseen_id_is_distinguished_from_a_random_one(
    insider: httpx.AsyncClient, inside: Territory, outside: Territory, foreign: Territory
) -> None:
    """To the byte; what is there and no service, the same."""
    unknown = await _asked(insider, new_id())
    services = [
        territory.ids[scope.id_argument]
        for territory in (outside, foreign)
        for scope in SERVICE_SCOPES
    ]
    others = [inside.ids[item] for item in ("projectId", "environmentId", "secretId", "tokenId")]

    assert unknown[0] == HTTPStatus.NOT_FOUND
    for chosen in (*services, *others):
        assert await _asked(insider, chosen) == unknown


@pytest.mark.parametrize("scope", SERVICE_SCOPES)
async def test_the_own_service_is_drawn(
    insider: httpx.AsyncClient, inside: Territory, scope: Scope
) -> None:
    """The control: with an id of the caller's own, the same request is answered otherwise."""
    status, headers, text = await _asked(insider, inside.ids[scope.id_argument])

    assert status == HTTPStatus.OK
    assert headers["content-type"].startswith("image/svg+xml")
    assert f"TERRITORY_INSIDE_{scope}" in text
    assert "TERRITORY_INSIDE_PROJECT" in text


@pytest.mark.rule("S15")
async def test_nothing_of_another_territory_is_in_a_drawing(
    insider: httpx.AsyncClient, inside: Territory
) -> None:
    _, _, text = await _asked(insider, inside.ids["jobId"])

    assert "OUTSIDE" not in text
    assert "FOREIGN" not in text


@pytest.mark.rule("A3", "S16")
async def test_who_sees_one_service_is_reported_no_secret_above_it(
    shared_world: World, inside: Territory
) -> None:
    """Of what is above, the names that lead to the service."""
    viewer = await inside.client(shared_world, Role.VIEWER, on=Scope.JOB)

    _, _, text = await _asked(viewer, inside.ids["jobId"])

    assert "TERRITORY_INSIDE_JOB" in text
    assert "ALIAS_INSIDE" in text
    for scope in HOLDER_SCOPES:
        assert scope is Scope.JOB or f"TERRITORY_INSIDE_{scope}" not in text
    assert inside.secrets[Scope.PROJECT] not in text


@pytest.mark.rule("S14")
async def test_who_may_see_nothing_of_secrets_is_refused_whatever_the_id(
    shared_world: World, inside: Territory
) -> None:
    runtime = await inside.client(shared_world, Role.RUNTIME)

    answers = [await _asked(runtime, item) for item in (inside.ids["jobId"], new_id())]

    assert answers[0] == answers[1]
    assert answers[0][0] == HTTPStatus.FORBIDDEN


@pytest.mark.rule("E2", "S1")
@pytest.mark.parametrize("path", ["drawing.svg", "drawing.svg?unfold=JOB:"])
async def test_nobody_gets_a_drawing(shared_world: World, path: str) -> None:
    """Whether the service is there or not."""
    async with nobody(shared_world) as client:
        for chosen in (shared_world.demo.job_id, new_id()):
            refused = await client.get(f"/map/{chosen}/{path}")

            assert refused.status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.rule("S1")
@pytest.mark.parametrize("path", ["/map/x/", "/map/assets/map.js", "/map//", "/map/a/b", "/mapx"])
async def test_only_the_page_and_its_script_are_open(shared_world: World, path: str) -> None:
    async with nobody(shared_world) as client:
        assert (await client.get(path)).status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.rule("S13")
async def test_the_page_is_the_same_whatever_the_id_names(shared_world: World) -> None:
    """It says nothing of the service, and needs no token."""
    async with nobody(shared_world) as client:
        pages = [await client.get(f"/map/{item}") for item in (shared_world.demo.job_id, new_id())]

    result = [page.text.replace(_nonce(page), "NONCE") for page in pages]
    assert result[0] == result[1]
    assert pages[0].status_code == HTTPStatus.OK
    assert shared_world.demo.job_id not in pages[0].text


@pytest.mark.rule("S31")
async def test_the_policy_of_the_page_lets_no_inline_script_run(shared_world: World) -> None:
    policy = (await shared_world.client.get("/map/x")).headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


async def test_the_script_is_kept_and_asked_after(shared_world: World) -> None:
    first = await shared_world.client.get("/assets/map.js")
    again = await shared_world.client.get(
        "/assets/map.js", headers={"If-None-Match": first.headers["etag"]}
    )

    assert first.headers["content-type"].startswith("text/javascript")
    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")


async def test_without_pages_there_is_no_map(template: tuple[Path, Demo], data_dir: Path) -> None:
    async with open_world(data_dir, template[1], graphiql=False) as world:
        for path in ("/map/x", "/assets/map.js", f"/map/{world.demo.job_id}/drawing.svg"):
            assert (await world.client.get(path)).status_code == HTTPStatus.NOT_FOUND


async def test_a_drawing_costs_its_caller_what_it_takes(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    async with open_world(
        data_dir, template[1], graphiql=True, rate_per_minute=60, rate_burst=600
    ) as world:
        path = f"/map/{world.demo.job_id}/drawing.svg"
        statuses = [(await world.client.get(path)).status_code for _ in range(2)]

    assert statuses == [HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS]


async def test_folds_that_are_not_there_change_nothing(shared_world: World) -> None:
    path = f"/map/{shared_world.demo.job_id}/drawing.svg"

    plain = await shared_world.client.get(path)
    asked = await shared_world.client.get(path, params={"unfold": ["<script>", "JOB:NOTHING_"]})

    assert asked.text == plain.text


def _nonce(page: httpx.Response) -> str:
    return page.headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
