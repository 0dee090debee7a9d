"""Who fails to sign in is slowed down; who has a valid credential never is."""

import asyncio
from typing import Final

import httpx
import pytest

from gateway.auth.attempts import GuardedSignIn, LookUp
from gateway.auth.request_principals import RequestPrincipals, SignIn
from gateway.domain.errors import RateLimited, Unauthenticated, Unavailable
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.tokens import new_token_text
from gateway.identity.verifier import Verifier
from gateway.services.change_notifier import CredentialMonitor
from gateway.services.limits import Allowance, Limiter
from gateway.storage.unit_of_work import ReadUnit
from tests.operations.answers import comparable
from tests.patience import patiently
from tests.transport.clocks import HandClock
from tests.transport.conftest import OpenWorld
from tests.world import World

THREE: Final = {"failed_logins_per_minute": 3}
SOMEBODY: Final = Principal(id="1", organization_id="1")


async def _fail(world: World, count: int) -> list[int]:
    return [(await _try(world, new_token_text())).status_code for _ in range(count)]


async def _try(world: World, credential: str, *, source: str = "127.0.0.1") -> httpx.Response:
    transport = httpx.ASGITransport(
        app=world.client._transport.app,  # type: ignore[attr-defined] # noqa: SLF001 - the same gateway, from another place
        client=(source, 1),
    )
    headers = {"Authorization": f"Bearer {credential}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)


@pytest.mark.rule("S11")
async def test_who_fails_too_often_is_reported_to_wait(opened: OpenWorld) -> None:
    world = await opened(**THREE)

    assert await _fail(world, 5) == [401, 401, 401, 429, 429]


@pytest.mark.rule("S11")
async def test_without_the_limiter_nobody_is_reported_to_wait(opened: OpenWorld) -> None:
    """The control."""
    world = await opened(failed_logins_per_minute=0)

    assert await _fail(world, 5) == [401] * 5


@pytest.mark.rule("S11")
async def test_the_answer_says_when_to_try_again(opened: OpenWorld, clock: HandClock) -> None:
    world = await opened(**THREE)
    await _fail(world, 3)

    limited = await _try(world, new_token_text())
    clock.seconds += float(limited.headers["retry-after"])

    assert limited.headers["retry-after"] == "20"
    assert await _fail(world, 2) == [401, 429]


@pytest.mark.rule("S11")
async def test_a_valid_token_is_never_locked_out(opened: OpenWorld) -> None:
    """Not even from where everything else failed, nor by its own first characters."""
    world = await opened(**THREE)
    token = world.demo.token
    await _fail(world, 10)
    for _ in range(10):
        await _try(world, f"{token[:-1]}_")

    assert [(await _try(world, token)).status_code for _ in range(5)] == [200] * 5


@pytest.mark.rule("S11")
async def test_valid_tokens_use_up_nothing(opened: OpenWorld) -> None:
    world = await opened(**THREE)

    for _ in range(10):
        await _try(world, world.demo.token)

    assert await _fail(world, 1) == [401]


@pytest.mark.rule("S11")
async def test_another_source_is_not_reported_to_wait(opened: OpenWorld) -> None:
    world = await opened(**THREE)
    await _fail(world, 5)

    assert (await _try(world, new_token_text(), source="192.0.2.7")).status_code == 401


@pytest.mark.rule("S11")
async def test_one_token_tried_from_many_places_is_slowed_down(opened: OpenWorld) -> None:
    """By its first characters."""
    world = await opened(**THREE)
    guessed = new_token_text()

    tried = [(await _try(world, guessed, source=f"192.0.2.{n}")).status_code for n in range(5)]

    assert tried == [401, 401, 401, 429, 429]


@pytest.mark.rule("S11")
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2001:db8::1", "2001:db8::2", 429),
        ("2001:db8::1", "2001:db8:0:1::1", 401),
        ("a socket", "a socket", 429),
    ],
)
async def test_a_network_of_version_6_is_one_source(
    opened: OpenWorld, first: str, second: str, expected: int
) -> None:
    world = await opened(**THREE)
    for _ in range(3):
        await _try(world, new_token_text(), source=first)

    assert (await _try(world, new_token_text(), source=second)).status_code == expected


@pytest.mark.rule("S9", "S11")
async def test_what_is_reported_does_not_say_whether_the_token_was_one(opened: OpenWorld) -> None:
    world = await opened(**THREE)
    await _fail(world, 3)

    malformed, unknown = await _try(world, "wrong"), await _try(world, new_token_text())

    assert malformed.status_code == 429
    assert comparable(malformed) == comparable(unknown)


def _guarded(sign_in: LookUp, clock: HandClock, most: int) -> GuardedSignIn:
    return GuardedSignIn(sign_in, Limiter(Allowance(burst=most, per_second=0.1), clock))


@pytest.mark.rule("S11")
async def test_attempts_are_counted_before_anything_is_looked_up(
    world: World, clock: HandClock
) -> None:
    """Attempts at the same moment do not slip through together."""
    looking, most_at_once = 0, 0
    all_look, release = asyncio.Event(), asyncio.Event()

    async def never(_unit: ReadUnit, *_: str | None) -> Principal:
        nonlocal looking, most_at_once
        looking += 1
        most_at_once = max(most_at_once, looking)
        if looking == 4:
            all_look.set()
        await release.wait()
        looking -= 1
        raise Unauthenticated

    unit = world.runtime.database.view()
    guarded = _guarded(never, clock, 3)
    tasks = [asyncio.create_task(guarded(unit, f"wrong {n}", "a source")) for n in range(50)]
    await all_look.wait()
    release.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)

    # Three with an attempt left, and one of the others at a time.
    assert most_at_once == 4
    assert sum(isinstance(item, Unauthenticated) for item in ended) == 3
    assert sum(isinstance(item, RateLimited) for item in ended) == 47


@pytest.mark.rule("S11", "S59")
async def test_what_cannot_be_looked_up_does_not_count(world: World, clock: HandClock) -> None:
    is_down = True

    async def sign_in(_unit: ReadUnit, *_: str | None) -> Principal:
        if is_down:
            raise Unavailable
        return SOMEBODY

    unit = world.runtime.database.view()
    guarded = _guarded(sign_in, clock, 1)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await guarded(unit, "a credential", "a source")
    is_down = False

    assert await guarded(unit, "a credential", "a source") is SOMEBODY


async def _until_revoked_is_noticed(world: World, callers: RequestPrincipals) -> None:
    """Watch over a token as a socket does; revoke it, and wait for the end."""
    runtime = world.runtime
    made = await runtime.services.for_principal(
        Principal.operator(world.demo.organization_id)
    ).tokens.create(name="watched", role=Role.VIEWER)
    scope = {"type": "websocket", "client": ("10.0.0.1", 1)}
    caller = await callers.introduce(f"Bearer {made.text}", scope)
    monitor = CredentialMonitor(
        runtime.services.notifier, runtime.database, runtime.services.authentication.now
    )
    for _ in range(5):
        with pytest.raises((Unauthenticated, RateLimited)):
            await callers.introduce(f"Bearer {new_token_text()}", scope)
    watching = asyncio.create_task(monitor.wait_until_invalid(caller))
    await runtime.operator.tokens.revoke(made.facts.id)
    async with patiently():
        await watching


def _callers(world: World, clock: HandClock) -> tuple[GuardedSignIn, SignIn]:
    services = world.runtime.services
    sign_in = SignIn(services.authentication, Verifier())
    return _guarded(sign_in, clock, 2), sign_in


@pytest.mark.rule("S70")
async def test_failures_of_others_do_not_keep_a_revoked_token_alive(
    world: World, clock: HandClock
) -> None:
    """The check of who signed in once does not queue behind those who fail."""
    guarded, sign_in = _callers(world, clock)

    await _until_revoked_is_noticed(
        world, RequestPrincipals(world.runtime.database, guarded, sign_in)
    )


async def test_a_check_behind_the_limit_is_refused_instead(world: World, clock: HandClock) -> None:
    """The control: through the limiter, nobody finds out that the token is revoked."""
    guarded, _ = _callers(world, clock)

    async def limited(unit: ReadUnit, credential: str, _: str | None) -> Principal:
        return await guarded(unit, credential, "10.0.0.1")

    with pytest.raises(RateLimited):
        await _until_revoked_is_noticed(
            world, RequestPrincipals(world.runtime.database, guarded, limited)
        )
