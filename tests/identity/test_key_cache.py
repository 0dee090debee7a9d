"""How often an issuer is asked for its keys, and how long they serve."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from gateway.identity.claims import Reason, RefusedToken
from gateway.identity.key_cache import COOL_DOWN_SECONDS, Fetcher, IssuerUnavailable
from gateway.identity.verifier import Verifier
from tests.identity.clocks import Clock
from tests.identity.hostile_forms import encoded
from tests.identity.local_issuer import SUBJECT, LocalIssuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLOOD = 10_000


async def _outcome(verifier: Verifier, token: str) -> Any:
    """Return the subject, or why there is none."""
    try:
        return (await verifier.verify(token)).subject
    except RefusedToken as refused:
        return refused.reason
    except IssuerUnavailable:
        return IssuerUnavailable


def _with_unknown_keys(issuer: LocalIssuer, times: int) -> list[str]:
    # Where the signature stands, anything may: without the key it cannot be looked at.
    claims, signature = issuer.token().split(".")[1:]
    headers = (f'{{"alg": "RS256", "typ": "at+jwt", "kid": "{uuid4()}"}}' for _ in range(times))
    return [f"{encoded(header.encode())}.{claims}.{signature}" for header in headers]


@pytest.mark.rule("S6")
@pytest.mark.unmeasured
async def test_ten_thousand_unknown_keys_are_two_questions_at_most(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """All of them at once, then during the cool-down, then after it."""
    unknown = _with_unknown_keys(issuer, FLOOD)

    answer = Counter(await asyncio.gather(*(_outcome(verifier, item) for item in unknown[:8_000])))
    asked = issuer.asked()
    clock.pass_by(COOL_DOWN_SECONDS - 0.001)
    answer.update([await _outcome(verifier, item) for item in unknown[8_000:9_000]])

    assert (asked, issuer.asked(), issuer.asked("configuration")) == (1, 1, 1)

    clock.pass_by(0.001)
    answer.update(await asyncio.gather(*(_outcome(verifier, item) for item in unknown[9_000:])))
    assert (answer, issuer.asked()) == ({Reason.KEY: FLOOD}, 2)


@pytest.mark.rule("S6")
async def test_an_issuer_that_fails_is_not_asked_more_often(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    """A cool-down that began only with an answer would be none."""
    issuer.behave(jwks_manner="broken")
    token = issuer.token()

    answer = Counter(await asyncio.gather(*(_outcome(verifier, token) for _ in range(1_000))))
    answer.update([await _outcome(verifier, token) for _ in range(1_000)])

    assert answer == {IssuerUnavailable: 2_000}
    assert issuer.asked() == 1


@pytest.mark.rule("S6")
async def test_a_key_that_is_known_is_found_without_asking(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    """The control is the question that the first token costs."""
    tokens = [issuer.token(key=key) for key in ("rsa-1", "p256", "ed")]

    answer = [await _outcome(verifier, token) for token in tokens * 20]

    assert answer == [SUBJECT] * 60
    assert issuer.asked() == 1


@pytest.mark.rule("S6")
async def test_a_token_that_is_none_anyway_costs_no_question(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    assert await _outcome(verifier, issuer.token(exp=1)) is Reason.EXPIRED
    assert await _outcome(verifier, issuer.token(aud="another")) is Reason.AUDIENCE

    assert issuer.asked() == issuer.asked("configuration") == 0


@pytest.mark.rule("S6")
async def test_a_new_key_is_found_after_the_cool_down(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """The issuer rotates, and at most one cool-down of tokens is refused."""
    await verifier.verify(issuer.token())
    issuer.behave(published=["rsa-1", "rsa-2"])
    new = issuer.token(key="rsa-2")

    at_once = await _outcome(verifier, new)
    clock.pass_by(COOL_DOWN_SECONDS)
    afterwards = await _outcome(verifier, new)

    assert (at_once, afterwards) == (Reason.KEY, SUBJECT)


@pytest.mark.rule("S7")
async def test_a_key_that_is_withdrawn_is_refused_within_the_interval(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """Also if nobody asked for anything in between."""
    token = issuer.token()
    await verifier.verify(token)
    issuer.behave(published=["p256"])

    clock.pass_by(239)
    before = await _outcome(verifier, token)
    clock.pass_by(61)
    afterwards = await _outcome(verifier, token)

    assert (before, afterwards) == (SUBJECT, Reason.KEY)


@pytest.mark.rule("S7")
async def test_a_key_that_is_withdrawn_while_the_issuer_fails_is_refused_when_it_is_back(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """An old failure is no reason to go on without asking."""
    token = issuer.token()
    await verifier.verify(token)
    issuer.behave(jwks_manner="broken")
    clock.pass_by(300)
    while_it_fails = await _outcome(verifier, token)
    issuer.behave(published=["p256"])
    clock.pass_by(300)

    assert (while_it_fails, await _outcome(verifier, token)) == (SUBJECT, Reason.KEY)


@pytest.mark.rule("S6")
async def test_keys_are_renewed_before_anybody_has_to_wait(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """The request that notices goes on with the keys that are there."""
    token = issuer.token()
    await verifier.verify(token)
    issuer.behave(jwks_manner="held")
    clock.pass_by(240)

    answer = [await _outcome(verifier, token) for _ in range(10)]

    assert answer == [SUBJECT] * 10
    await _until_asked(issuer, 2)
    issuer.behave()
    clock.pass_by(60)
    assert await _outcome(verifier, token) == SUBJECT
    assert issuer.asked() == 2


@pytest.mark.rule("S7")
async def test_keys_serve_for_the_set_time_and_no_more(
    fetcher: Fetcher, issuer: LocalIssuer, clock: Clock
) -> None:
    """Then the caller is told to try again; it is neither let in nor called a stranger."""
    trusted = issuer.trusted(stale_seconds=600)
    verifier = Verifier([trusted], fetcher=fetcher, now=clock.now, clock=clock.monotonic)
    token = issuer.token()
    await verifier.verify(token)
    issuer.behave(jwks_manner="broken")

    answer = []
    for seconds in (300, 300, 1):
        clock.pass_by(seconds)
        answer.append(await _outcome(verifier, token))

    assert answer == [SUBJECT, SUBJECT, IssuerUnavailable]

    issuer.behave()
    clock.pass_by(COOL_DOWN_SECONDS)
    assert await _outcome(verifier, token) == SUBJECT


async def _until_asked(issuer: LocalIssuer, times: int) -> None:
    while issuer.asked() < times:  # noqa: ASYNC110 - the event is in another process
        await asyncio.sleep(0)


async def test_one_that_goes_away_does_not_take_the_answer_with_it(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    """Many wait for one answer."""
    issuer.behave(jwks_manner="held")
    token = issuer.token()
    gone, stays = (asyncio.create_task(verifier.verify(token)) for _ in range(2))
    await _until_asked(issuer, 1)

    gone.cancel()
    issuer.behave()

    assert (await stays).subject == SUBJECT
    assert gone.cancelled()
    assert issuer.asked() == 1


async def test_closing_does_not_wait_for_an_answer(verifier: Verifier, issuer: LocalIssuer) -> None:
    issuer.behave(jwks_manner="held")
    waiting = asyncio.create_task(verifier.verify(issuer.token()))
    await _until_asked(issuer, 1)

    await verifier.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting
