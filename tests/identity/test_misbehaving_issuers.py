"""Issuers that do not answer as they should: no token gets in by that, and none gets lost."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from gateway.identity.key_cache import COOL_DOWN_SECONDS, Fetcher, IssuerUnavailable
from gateway.identity.verifier import Verifier
from tests.identity.clocks import Clock
from tests.identity.local_issuer import SUBJECT, LocalIssuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

_MANNERS = (
    "broken",
    "held",
    "dripping",
    "page",
    "elsewhere",
    "padded",
    "compressed",
    "list",
    "twice",
)
JWKS = {f"keys: {item}": {"jwks_manner": item} for item in _MANNERS}
CONFIGURATIONS = {f"configuration: {item}": {"configuration_manner": item} for item in _MANNERS}
LIES: Mapping[str, dict[str, Any]] = {
    "configuration of another issuer": {"issuer": "https://elsewhere.test"},
    "configuration of no issuer": {"issuer": None},
    "keys at no URL": {"jwks_uri": None},
    "keys at a path": {"jwks_uri": "/jwks"},
    "keys at a file": {"jwks_uri": "file:///etc/passwd"},
    "keys elsewhere without encryption": {"jwks_uri": "http://elsewhere.test/jwks"},
    "keys at a malformed URL": {"jwks_uri": "https://["},
    "keys at a URL with a password": {"jwks_uri": "https://a:b@elsewhere.test/jwks"},
    "keys where nobody listens": {"jwks_uri": "http://127.0.0.1:1/jwks"},
    "keys at a host that cannot be": {"jwks_uri": "https://\u0061..test/jwks"},
}
BAD = {**JWKS, **CONFIGURATIONS, **{name: {"configuration": value} for name, value in LIES.items()}}
Misbehaving = Callable[[Mapping[str, Any]], AbstractContextManager[None]]
EVERY_MANNER = pytest.mark.parametrize("orders", BAD.values(), ids=BAD.keys())


# What these answers never come to is an end: only they are given up soon.
_ENDLESS = ("held", "dripping")


@pytest.fixture
def verifier(issuer: LocalIssuer, fetcher: Fetcher, clock: Clock) -> Verifier:
    """A verifier that has not asked the issuer yet."""
    return Verifier([issuer.trusted()], fetcher=fetcher, now=clock.now, clock=clock.monotonic)


@pytest.fixture
def misbehaving(
    issuer: LocalIssuer, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> Misbehaving:
    """Let the issuer misbehave until the block ends."""

    @contextmanager
    def misbehave(orders: Mapping[str, Any]) -> Iterator[None]:
        issuer.behave(**orders)
        with monkeypatch.context() as changes:
            if any(order in _ENDLESS for order in orders.values()):
                changes.setattr(fetcher, "_seconds", 0.3)
            yield
        issuer.behave()

    return misbehave


@pytest.mark.rule("S7")
@EVERY_MANNER
async def test_without_any_keys_it_is_asked_to_try_again(
    verifier: Verifier,
    issuer: LocalIssuer,
    clock: Clock,
    misbehaving: Misbehaving,
    orders: dict[str, Any],
) -> None:
    """And once the issuer is well, the same token lets in."""
    with misbehaving(orders), pytest.raises(IssuerUnavailable):
        await verifier.verify(issuer.token())

    clock.pass_by(COOL_DOWN_SECONDS)

    assert (await verifier.verify(issuer.token())).subject == SUBJECT
    assert issuer.asked("elsewhere") == 0


@pytest.mark.rule("S7")
@pytest.mark.parametrize("orders", JWKS.values(), ids=JWKS.keys())
async def test_keys_that_are_known_go_on_serving(
    verifier: Verifier,
    issuer: LocalIssuer,
    clock: Clock,
    misbehaving: Misbehaving,
    orders: dict[str, Any],
) -> None:
    """Whatever the issuer answers, nothing else lets in meanwhile."""
    await verifier.verify(issuer.token())
    with misbehaving(orders):
        clock.pass_by(300)

        assert (await verifier.verify(issuer.token())).subject == SUBJECT
        with pytest.raises(IssuerUnavailable):
            await verifier.verify(issuer.token(key="rsa-2"))


async def test_after_a_failure_the_issuer_is_asked_where_its_keys_are(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """They may have moved."""
    await verifier.verify(issuer.token())
    issuer.behave(jwks_manner="broken")
    clock.pass_by(300)
    await verifier.verify(issuer.token())
    issuer.behave(configuration={"jwks_uri": f"{issuer.url}/elsewhere"})
    clock.pass_by(300)

    await verifier.verify(issuer.token())

    assert (issuer.asked("elsewhere"), issuer.asked("jwks")) == (1, 2)


async def test_while_an_issuer_hangs_nothing_else_does(
    fetcher: Fetcher, issuer: LocalIssuer, clock: Clock
) -> None:
    """A request that needs no answer goes through before the one that waits for it."""
    verifier = Verifier([issuer.trusted()], fetcher=fetcher, now=clock.now, clock=clock.monotonic)
    known, unknown = issuer.token(), issuer.token(key="rsa-2")
    await verifier.verify(known)
    issuer.behave(jwks_manner="held", published=["rsa-1", "rsa-2"])
    clock.pass_by(COOL_DOWN_SECONDS)
    waiting = asyncio.create_task(verifier.verify(unknown))

    assert (await verifier.verify(known)).subject == SUBJECT
    assert not waiting.done()

    await _until_asked(issuer)
    issuer.behave(published=["rsa-1", "rsa-2"])
    assert (await waiting).subject == SUBJECT


async def _until_asked(issuer: LocalIssuer) -> None:
    while issuer.asked() < 2:  # noqa: ASYNC110 - the event is in another process
        await asyncio.sleep(0)
