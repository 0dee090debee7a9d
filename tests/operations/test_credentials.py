"""Who is let in."""

import base64
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import httpx
import pytest

from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.tokens import new_token_text
from tests.operations.answers import comparable
from tests.operations.callers import nobody
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Headers = list[tuple[str, str]]
PATHS: dict[str, Callable[[World], str]] = {
    "rest": lambda world: f"/job/{world.demo.job_id}/secret",
    "graphql": lambda _: "/graphql",
    "unknown path": lambda _: "/unknown",
}
EVERY_PATH = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
Path = Callable[[World], str]


async def _post(world: World, path: str, headers: Headers) -> httpx.Response:
    async with nobody(world) as client:
        return await client.post(path, json={"query": "{ __typename }"}, headers=headers)


def _bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]


REFUSED: dict[str, Callable[[str], Headers]] = {
    "none": lambda _: [],
    "empty": lambda _: [("Authorization", "")],
    "a scheme only": lambda _: [("Authorization", "Bearer")],
    "a scheme and a space": lambda _: [("Authorization", "Bearer ")],
    "a token only": lambda token: [("Authorization", token)],
    "Basic": lambda token: [("Authorization", f"Basic {token}")],
    "Basic, encoded": lambda token: [
        ("Authorization", f"Basic {base64.b64encode(f'token:{token}'.encode()).decode()}")
    ],
    "Digest": lambda token: [("Authorization", f"Digest {token}")],
    "ApiKey": lambda token: [("Authorization", f"ApiKey {token}")],
    "two schemes": lambda token: [("Authorization", f"Bearer Token {token}")],
    "a tab": lambda token: [("Authorization", f"Bearer\t{token}")],
    "two tokens": lambda token: _bearer(f"{token} {token}"),
    "two tokens with a comma": lambda token: _bearer(f"{token}, {token}"),
    "two equal headers": lambda token: _bearer(token) * 2,
    "two headers, one of them wrong": lambda token: _bearer("wrong") + _bearer(token),
    "two headers with two schemes": lambda token: [
        ("Authorization", f"Token {token}"),
        *_bearer(token),
    ],
    "another token": lambda _: _bearer(new_token_text()),
    "a changed token": lambda token: _bearer(f"{token[:-1]}_"),
    "a token cut off": lambda token: _bearer(token[:-1]),
    "a token in capitals": lambda token: _bearer(token.upper()),
    "a token in quotes": lambda token: _bearer(f'"{token}"'),
    "a long text": lambda _: _bearer("x" * 100_000),
    "a cookie": lambda token: [("Cookie", f"token={token}; Authorization=Bearer {token}")],
    "other headers": lambda token: [("X-Api-Key", token), ("Proxy-Authorization", token)],
}


@pytest.mark.rule("E2", "S2", "S9")
@EVERY_PATH
@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
async def test_such_a_credential_is_refused(
    shared_world: World, path: Path, headers: Callable[[str], Headers]
) -> None:
    """And always in the same words, which do not tell what was wrong with it."""
    at = path(shared_world)

    refused = await _post(shared_world, at, headers(shared_world.demo.token))

    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.headers["www-authenticate"] == 'Bearer realm="secrets-gateway"'
    assert comparable(refused) == comparable(await _post(shared_world, at, []))


@pytest.mark.rule("E2")
@EVERY_PATH
@pytest.mark.parametrize("parameter", ["access_token", "token", "api_key", "authorization"])
async def test_a_credential_in_the_address_is_refused(
    shared_world: World, path: Path, parameter: str
) -> None:
    at = f"{path(shared_world)}?{parameter}={shared_world.demo.token}"

    assert (await _post(shared_world, at, [])).status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.rule("E2", "S9")
@EVERY_PATH
async def test_an_expired_token_is_refused_like_one_that_never_was(
    shared_world: World, path: Path
) -> None:
    expired = await shared_world.runtime.services.for_principal(
        Principal.operator(shared_world.demo.organization_id)
    ).tokens.create(name="expired", role=Role.ADMIN, lifetime=timedelta(seconds=-1))
    at = path(shared_world)

    refused = await _post(shared_world, at, _bearer(expired.text))

    unknown = await _post(shared_world, at, _bearer(new_token_text()))
    assert comparable(refused) == comparable(unknown)


@pytest.mark.rule("E2", "S9", "S10")
@EVERY_PATH
async def test_a_revoked_token_is_refused_from_the_next_request_on(
    shared_world: World, path: Path
) -> None:
    at = path(shared_world)
    made = await shared_world.runtime.services.for_principal(
        Principal.operator(shared_world.demo.organization_id)
    ).tokens.create(name="revoked", role=Role.ADMIN)
    before = await _post(shared_world, at, _bearer(made.text))

    await shared_world.runtime.operator.tokens.revoke(made.facts.id)

    refused = await _post(shared_world, at, _bearer(made.text))
    unknown = await _post(shared_world, at, _bearer(new_token_text()))
    assert before.status_code != HTTPStatus.UNAUTHORIZED
    assert comparable(refused) == comparable(unknown)


@pytest.mark.rule("E5")
@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "bearer", "BEARER", "ToKeN"])
@pytest.mark.parametrize("space", [" ", "  "], ids=["a space", "two spaces"])
async def test_both_schemes_let_a_token_in(shared_world: World, scheme: str, space: str) -> None:
    credential = [("Authorization", f"{scheme}{space}{shared_world.demo.token}")]

    over_graphql = await _post(shared_world, "/graphql", credential)
    over_rest = await _post(shared_world, PATHS["rest"](shared_world), credential)

    assert over_graphql.status_code == HTTPStatus.OK
    # Let in, and refused for its body, which has no key.
    assert over_rest.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.rule("E2")
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_whether_the_gateway_lives_is_reported_to_anyone(
    shared_world: World, path: str
) -> None:
    """The one exception."""
    async with nobody(shared_world) as client:
        response = await client.get(path)

    assert response.status_code == HTTPStatus.OK
    assert response.json() == {"status": "ok"}


@pytest.mark.rule("E2")
@pytest.mark.parametrize("path", ["/livez/", "/LIVEZ", "/livez%00", "//livez", "/readyz/secret"])
async def test_what_only_resembles_a_public_path_is_not_public(
    shared_world: World, path: str
) -> None:
    whole = f"http://localhost{path}"

    assert (await _post(shared_world, whole, [])).status_code == HTTPStatus.UNAUTHORIZED
