"""Signing in to the gateway with an issuer's token: over both faces, as users do."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gateway.auth.request_principals import SignIn
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.identity.verifier import Verifier
from gateway.services.demo import Demo
from tests.identity.hostile_forms import Hostile
from tests.identity.local_issuer import LocalIssuer
from tests.identity.test_hostile_tokens import CORPUS
from tests.identity.users import let_in
from tests.operations.answers import comparable
from tests.operations.callers import nobody
from tests.world import World, open_world, token_principal

pytestmark = pytest.mark.asyncio(loop_scope="module")

# No server hands on a header with a line break, and our own client only does as there is none.
SENDABLE = {name: value for name, value in CORPUS.items() if name != "a line break at the end"}
UNNAMED = HTTPStatus.UNAUTHORIZED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    template: tuple[Path, Demo],
    issuing_process: LocalIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """A gateway that trusts the issuer, for all tests of this module."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("trusting") / "data")
    issuing_process.behave()
    async with open_world(copied, demo, issuers=[issuing_process.trusted()]) as opened:
        yield opened


async def _let_in(world: World, issuer: str, subject: str) -> str:
    """Register a user, who may look at everything; return the user's id."""
    organization_id = world.demo.organization_id
    return await let_in(world.runtime, organization_id, issuer, subject, Role.VIEWER)


async def _ask(world: World, token: str, scheme: str = "Bearer") -> tuple[httpx.Response, ...]:
    """Ask for what a viewer may see, over each face."""
    headers = [(b"authorization", f"{scheme} {token}".encode())]
    async with nobody(world) as client:
        return (
            await client.get(f"/job/{world.demo.job_id}/secret", headers=headers),
            await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers),
        )


async def _statuses(world: World, token: str, scheme: str = "Bearer") -> set[int]:
    return {item.status_code for item in await _ask(world, token, scheme)}


@pytest.mark.rule("E5", "S5")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_registered_user_is_let_in(world: World, issuer: LocalIssuer, scheme: str) -> None:
    await _let_in(world, issuer.url, f"user {scheme}")

    assert await _statuses(world, issuer.token(sub=f"user {scheme}"), scheme) == {HTTPStatus.OK}


@pytest.mark.rule("E5", "S2")
async def test_a_token_for_the_scheme_of_api_tokens_is_refused(
    world: World, issuer: LocalIssuer
) -> None:
    """The control is the same token as a bearer's."""
    await _let_in(world, issuer.url, "schemer")
    token = issuer.token(sub="schemer")

    assert await _statuses(world, token, "Token") == {UNNAMED}
    assert await _statuses(world, token) == {HTTPStatus.OK}


@pytest.mark.rule("S14")
async def test_somebody_whom_nobody_registered_is_a_stranger(
    world: World, issuer: LocalIssuer
) -> None:
    """Although the issuer vouches for them."""
    strangers = await _ask(world, issuer.token(sub="stranger"))

    nameless = await _ask(world, "")
    assert [comparable(stranger) for stranger in strangers] == [
        comparable(item) for item in nameless
    ]
    assert strangers[0].status_code == UNNAMED


@pytest.mark.rule("S5")
async def test_only_the_subject_names_somebody(world: World, issuer: LocalIssuer) -> None:
    """Never an address or a name, which the issuer may give to another."""
    await _let_in(world, issuer.url, "known@example.com")
    others = [
        issuer.token(sub="another", email="known@example.com", email_verified=True),
        issuer.token(sub="another", preferred_username="known@example.com"),
        issuer.token(sub="KNOWN@example.com"),
        issuer.token(sub=" known@example.com"),
    ]

    result = [await _statuses(world, other) for other in others]

    assert result == [{UNNAMED}] * len(others)
    assert await _statuses(world, issuer.token(sub="known@example.com")) == {HTTPStatus.OK}


@pytest.mark.rule("S5")
async def test_the_same_subject_of_another_issuer_is_somebody_else(
    world: World, issuer: LocalIssuer
) -> None:
    await _let_in(world, "https://elsewhere.test", "namesake")
    before = await _statuses(world, issuer.token(sub="namesake"))

    await _let_in(world, issuer.url, "namesake")

    assert (before, await _statuses(world, issuer.token(sub="namesake"))) == (
        {UNNAMED},
        {HTTPStatus.OK},
    )


@pytest.mark.rule("S10")
async def test_a_user_who_is_removed_is_refused_from_the_next_request_on(
    world: World, issuer: LocalIssuer
) -> None:
    """However long the token would last."""
    user = await _let_in(world, issuer.url, "leaver")
    token = issuer.token(sub="leaver")
    before = await _statuses(world, token)

    await world.runtime.services.for_principal(
        Principal.operator(world.demo.organization_id)
    ).identities.remove(user_id=user)

    assert (before, await _statuses(world, token)) == ({HTTPStatus.OK}, {UNNAMED})


@pytest.mark.rule("S3", "S4", "S14")
@pytest.mark.parametrize("hostile", SENDABLE.values(), ids=SENDABLE.keys())
async def test_a_hostile_token_is_answered_like_none(
    world: World, issuer: LocalIssuer, hostile: Hostile
) -> None:
    """To the byte, whatever is wrong with it."""
    nameless = await _ask(world, "")

    refused = await _ask(world, hostile[1](issuer))

    assert [comparable(item) for item in refused] == [comparable(item) for item in nameless]
    assert {item.headers["www-authenticate"] for item in refused} == {
        'Bearer realm="secrets-gateway"'
    }


@pytest.mark.rule("S29")
async def test_who_is_let_in_is_let_in_until_the_token_ends(
    world: World, issuer: LocalIssuer
) -> None:
    """What lasts longer than a request can be ended then."""
    runtime = world.runtime
    user = await _let_in(world, issuer.url, "passing")

    async with (
        Verifier(runtime.settings.issuers) as verifier,
        runtime.database.read() as unit,
    ):
        sign_in = SignIn(runtime.services.authentication, verifier)
        principal = await sign_in(unit, issuer.token(sub="passing", exp=4_000_000_000))

    assert (principal.id, principal.expires_at) == (
        user,
        datetime.fromtimestamp(4_000_000_000, UTC),
    )


@pytest.mark.rule("S29")
async def test_an_api_token_says_until_when_too(world: World) -> None:
    operator = Principal.operator(world.demo.organization_id)
    made = await world.runtime.services.for_principal(operator).tokens.create(
        name="passing", role=Role.VIEWER, lifetime=timedelta(hours=1)
    )

    principal = await token_principal(world.runtime, made.text)
    assert principal.expires_at == made.facts.expires_at


@pytest.mark.rule("S7")
async def test_without_keys_the_caller_is_asked_to_try_again(
    template: tuple[Path, Demo], data_dir: Path, issuer: LocalIssuer
) -> None:
    """And API tokens, which need no issuer, go on letting in."""
    issuer.behave(jwks_manner="broken")

    async with open_world(data_dir, template[1], issuers=[issuer.trusted()]) as world:
        answers = await _ask(world, issuer.token())
        with_api_token = await _statuses(world, world.demo.token)

    assert {answer.status_code for answer in answers} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}
    assert with_api_token == {HTTPStatus.OK}


@pytest.mark.rule("S4")
async def test_without_trusted_issuers_no_access_token_lets_in(
    template: tuple[Path, Demo], data_dir: Path, issuer: LocalIssuer
) -> None:
    """Nor is anybody asked."""
    async with open_world(data_dir, template[1]) as world:
        assert await _statuses(world, issuer.token()) == {UNNAMED}

    assert issuer.asked("configuration") == issuer.asked() == 0


@pytest.mark.rule("S28")
async def test_the_log_says_why_and_nothing_of_the_token(
    world: World, issuer: LocalIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator has to find out what to set."""
    token = issuer.token(aud="marker-4c1d")

    await _ask(world, token)

    assert "token_refused" in caplog.text
    assert "'reason': 'audience'" in caplog.text
    assert "marker-4c1d" not in caplog.text
    assert not [part for part in token.split(".") if part in caplog.text]
