"""Ours against PyJWT: what it refuses, ours refuses too; where ours is stricter is written here."""

import json
from collections.abc import Mapping
from typing import Any, Final

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.identity.claims import RefusedToken
from gateway.identity.issuers import Issuer
from gateway.identity.verifier import Verifier
from tests.identity.clocks import Clock
from tests.identity.issuer import PUBLISHED
from tests.identity.local_issuer import AUDIENCE, LocalIssuer
from tests.identity.test_hostile_tokens import CORPUS

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The verifier of a test serves for all its examples, which leave nothing behind in it.
SHARED: Final = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub"]

# What PyJWT lets in, set up as strictly as it can be, and ours does not.
KNOWN_DIFFERENCES: Final = {
    # It takes one of two equal keys.
    "the algorithm twice",
    "a claim of no interest twice",
    "exp twice",
    "sub twice",
    # It takes for a number what can be made one, and for a subject any text.
    "exp is a text",
    "exp has forty digits",
    "exp is beyond all calendars",
    "iat is a text",
    "iat is true",
    "nbf is a text",
    "sub is empty",
    "sub is very long",
    "sub has a line break",
    "sub has a NUL",
    "sub has a letter that only looks like one",
    "sub has half a character",
    # It looks at neither the size nor the padding.
    "nine kilobytes",
    "padded base64",
    # It passes over keys and orders in the header; it does not follow them either.
    "jku",
    "x5u",
    "x5c",
    "compressed",
    "encrypted",
    "nested",
    # It leaves what kind of token it is to whoever uses it.
    "no typ",
    "typ JWT, which is not configured",
    "typ is a list",
    "typ is null",
    "typ of a logout token",
    "typ of a proof",
    "a logout token",
    "a refresh token",
    "a token bound to a proof",
    "a token bound to a proof, by the claim typ",
    "an ID token, by at_hash",
    "an ID token, by c_hash",
    "an ID token, by nonce",
    "an ID token, by s_hash",
    "an ID token, by the claim typ",
    "an ID token, by token_use",
    "the claim typ is a list",
}


class Oracle:
    """PyJWT with the issuer's keys and the settings that ours has."""

    def __init__(self, issuer: LocalIssuer, trusted: Issuer) -> None:
        self._keys = {item: jwt.PyJWK(issuer.public_key(item)) for item in PUBLISHED}
        self._trusted = trusted

    def accepts(self, text: str) -> bool:
        try:
            key = self._keys[jwt.get_unverified_header(text)["kid"]]
            jwt.decode(
                text,
                key,
                algorithms=sorted(self._trusted.algorithms),
                audience=sorted(self._trusted.audiences),
                issuer=self._trusted.issuer,
                leeway=self._trusted.leeway_seconds,
                options={"require": REQUIRED},
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, RecursionError):
            return False
        return True


@pytest.fixture
def oracle(issuer: LocalIssuer) -> Oracle:
    return Oracle(issuer, issuer.trusted())


async def _accepts(verifier: Verifier, text: str) -> bool:
    try:
        await verifier.verify(text)
    except RefusedToken:
        return False
    return True


@pytest.mark.rule("S3", "S4")
@pytest.mark.unmeasured
async def test_ours_is_stricter_in_these_and_in_no_other_of_the_hostile_tokens(
    issuer: LocalIssuer, oracle: Oracle
) -> None:
    let_in = {name for name, (_, make) in CORPUS.items() if oracle.accepts(make(issuer))}

    assert let_in == KNOWN_DIFFERENCES


@pytest.mark.rule("S3")
@pytest.mark.parametrize("key", ["rsa-1", "p256", "ed"])
async def test_both_accept_what_is_well_made(
    verifier: Verifier, issuer: LocalIssuer, oracle: Oracle, key: str
) -> None:
    """The control of the tests below."""
    token = issuer.token(key=key)

    assert (await _accepts(verifier, token), oracle.accepts(token)) == (True, True)


TIMES: Final[st.SearchStrategy[Any]] = st.one_of(
    st.integers(-100, 100).map(lambda away: {"away": away}),
    st.floats(-100, 100, allow_nan=False).map(lambda away: {"away": away}),
    st.sampled_from([None, True, "1", "9999999999", [], 0, -1, 1e300, 10**15, 10**20]),
)
TEXTS: Final[st.SearchStrategy[Any]] = st.one_of(
    st.sampled_from(["", AUDIENCE, "https://another.test", 1, None, True, {}]),
    st.lists(st.sampled_from([AUDIENCE, "b", 1, None, ""]), max_size=3),
    st.text(max_size=5),
)
CLAIMS: Final[st.SearchStrategy[dict[str, Any]]] = st.dictionaries(
    st.sampled_from(["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "typ", "nonce", "x"]),
    st.one_of(TIMES, TEXTS),
    max_size=3,
)
HEADERS: Final[st.SearchStrategy[dict[str, Any]]] = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "b64", "cty", "x"]),
    st.one_of(
        st.sampled_from(["RS256", "ES256", "none", "HS256", "JWT", "at+jwt", "p256", [], None]),
        st.booleans(),
        st.text(max_size=3),
    ),
    max_size=2,
)


def _timed(claims: Mapping[str, Any], now: int) -> dict[str, Any]:
    def timed(claim: Any) -> Any:
        return now + claim["away"] if isinstance(claim, dict) and claim else claim

    return {name: timed(claim) for name, claim in claims.items()}


@pytest.mark.rule("S3", "S4")
@SHARED
@given(claims=CLAIMS, header=HEADERS)
async def test_ours_never_lets_in_what_the_other_does_not(
    verifier: Verifier,
    issuer: LocalIssuer,
    oracle: Oracle,
    claims: dict[str, Any],
    header: dict[str, Any],
) -> None:
    """Whatever the token says, rightly signed."""
    answer = {"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"} | header
    base = issuer.claims()
    token = issuer.sign(json.dumps(answer), json.dumps(base | _timed(claims, base["iat"])))

    assert oracle.accepts(token) or not await _accepts(verifier, token)


@pytest.mark.rule("S3")
@SHARED
@given(data=st.data())
async def test_no_text_near_a_good_token_lets_in(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock, data: st.DataObject
) -> None:
    """Of all the texts around one that lets in, none other does."""
    # By the verifier's clock, which stands still for however long all examples take.
    now = int(clock.now().timestamp())
    key = data.draw(st.sampled_from(["rsa-1", "p256", "ed"]))
    token = issuer.token(key=key, iat=now, nbf=now, exp=now + 600)
    place = data.draw(st.integers(0, len(token) - 1))
    length = data.draw(st.integers(0, 2))
    put = data.draw(st.text("AQgwa_-.=+/ \n\u00e9", max_size=2))
    changed = token[:place] + put + token[place + length :]

    assert await _accepts(verifier, changed) is (changed == token)
