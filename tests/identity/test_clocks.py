"""Clocks that differ, and clocks that are set."""

from typing import Any

import pytest

from gateway.identity.claims import Reason, RefusedToken
from gateway.identity.key_cache import Fetcher
from gateway.identity.verifier import Verifier
from tests.identity.clocks import Clock
from tests.identity.local_issuer import SUBJECT, LocalIssuer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _outcome(verifier: Verifier, token: str) -> str:
    try:
        return (await verifier.verify(token)).subject
    except RefusedToken as refused:
        return refused.reason


def _verifier(issuer: LocalIssuer, fetcher: Fetcher, clock: Clock, leeway: int) -> Verifier:
    trusted = issuer.trusted(leeway_seconds=leeway)
    return Verifier([trusted], fetcher=fetcher, now=clock.now, clock=clock.monotonic)


def _lasting(issuer: LocalIssuer, clock: Clock, **seconds: float) -> str:
    """Return a token with times that are so many seconds away from what the clock says."""
    at = clock.now().timestamp()
    times: dict[str, Any] = {name: at + away for name, away in {"iat": -60, **seconds}.items()}
    return issuer.token(**times)


# Our clock is ahead by so many seconds, or behind; and what is then said of a token for ten
# minutes that began just now.
@pytest.mark.rule("S4")
@pytest.mark.parametrize(
    ("ahead", "answer"),
    [
        (0, SUBJECT),
        (10, SUBJECT),
        (-10, SUBJECT),
        (-11, Reason.NOT_YET_VALID),
        (609, SUBJECT),
        (610, Reason.EXPIRED),
        (3_600, Reason.EXPIRED),
        (-3_600, Reason.NOT_YET_VALID),
    ],
)
async def test_clocks_may_differ_by_the_leeway_and_no_more(
    fetcher: Fetcher, issuer: LocalIssuer, clock: Clock, ahead: float, answer: str
) -> None:
    clock.stand_at_a_whole_second()
    verifier = _verifier(issuer, fetcher, clock, leeway=10)
    token = _lasting(issuer, clock, iat=0, nbf=0, exp=600)

    clock.set_wall(ahead)

    assert await _outcome(verifier, token) == answer


@pytest.mark.rule("S4")
@pytest.mark.parametrize(
    ("times", "answer"),
    [
        ({"exp": 1}, SUBJECT),
        ({"exp": 0}, Reason.EXPIRED),
        ({"exp": 0.9}, Reason.EXPIRED),
        ({"nbf": 0, "exp": 9}, SUBJECT),
        ({"nbf": 0.1, "exp": 9}, Reason.NOT_YET_VALID),
        ({"iat": 0.1, "exp": 9}, Reason.NOT_YET_VALID),
    ],
)
async def test_without_leeway_the_second_counts(
    fetcher: Fetcher, issuer: LocalIssuer, clock: Clock, times: dict[str, float], answer: str
) -> None:
    """And parts of one never in the token's favour."""
    clock.stand_at_a_whole_second()
    verifier = _verifier(issuer, fetcher, clock, leeway=0)

    assert await _outcome(verifier, _lasting(issuer, clock, **times)) == answer


@pytest.mark.rule("S4")
async def test_a_token_expires_between_two_requests(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """That it was good once is not remembered."""
    token = _lasting(issuer, clock, exp=60)
    before = await _outcome(verifier, token)

    clock.advance(80)

    assert (before, await _outcome(verifier, token)) == (SUBJECT, Reason.EXPIRED)


@pytest.mark.rule("S7")
async def test_a_clock_that_is_set_back_makes_keys_no_younger(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """Withdrawn keys are refused in time, whatever the wall clock says."""
    token = issuer.token(exp=9_999_999_999, iat=0, nbf=0)
    await verifier.verify(token)
    issuer.behave(published=["p256"])

    clock.pass_by(300)
    clock.set_wall(-3_600)

    assert await _outcome(verifier, token) == Reason.KEY
    assert issuer.asked() == 2


@pytest.mark.rule("S6")
async def test_a_clock_that_is_set_forth_asks_no_earlier(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    token = issuer.token(exp=9_999_999_999)
    await verifier.verify(token)

    clock.set_wall(3_600)

    assert await _outcome(verifier, token) == SUBJECT
    assert issuer.asked() == 1
