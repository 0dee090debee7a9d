"""No route is left open by forgetting it."""

from http import HTTPStatus

import pytest
from starlette.routing import Route

from gateway.app import build_app
from gateway.config.settings import Settings
from gateway.runtime import Runtime
from tests.operations.callers import nobody
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = {"/livez", "/readyz", "/openapi.json", "/reference"}
OPEN = PAGES | {"/"}
ROUTES = [
    (method, route.path)
    for route in build_app(Runtime.over(Settings(graphiql=False))).routes
    if isinstance(route, Route)
    for method in sorted((route.methods or set()) - {"HEAD"})
]
CLOSED = [(method, path) for method, path in ROUTES if path not in OPEN]


@pytest.mark.rule("E2", "S1")
@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_a_route_answers_nobody(shared_world: World, method: str, path: str) -> None:
    """Whatever the path names."""
    async with nobody(shared_world) as client:
        refused = await client.request(method, path)

    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.rule("S1")
@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_it_is_the_credential_that_was_missing(
    shared_world: World, method: str, path: str
) -> None:
    """The control of the test above."""
    answered = await shared_world.client.request(method, path)

    assert answered.status_code != HTTPStatus.UNAUTHORIZED


@pytest.mark.rule("S1")
async def test_what_is_open_is_known_by_name(shared_world: World) -> None:
    async with nobody(shared_world) as client:
        answer = {path: (await client.get(path)).status_code for path in OPEN}

    assert answer == dict.fromkeys(PAGES, HTTPStatus.OK) | {"/": HTTPStatus.TEMPORARY_REDIRECT}
    assert {path for _, path in ROUTES} >= OPEN
    assert len(CLOSED) > len(OPEN)
