"""Which tokens let in: the control of all the tests that refuse one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.identity.issuers import Algorithm
from gateway.identity.key_cache import Fetcher
from gateway.identity.verifier import Verifier
from tests.identity.issuer import PUBLISHED
from tests.identity.local_issuer import ABSENT, AUDIENCE, SUBJECT, LocalIssuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = {"algorithms": list(Algorithm)}


@pytest.mark.rule("S5")
async def test_a_token_speaks_for_its_subject_at_its_issuer(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    """Whatever it says of names and addresses."""
    identity = await verifier.verify(issuer.token(email="admin@example.com", name="Admin"))

    assert (identity.issuer, identity.subject) == (issuer.url, SUBJECT)


@pytest.mark.rule("S4")
async def test_a_token_says_until_when_it_speaks(verifier: Verifier, issuer: LocalIssuer) -> None:
    expires = int(datetime.now(UTC).timestamp()) + 100

    identity = await verifier.verify(issuer.token(exp=expires + 0.9))

    assert identity.expires_at == datetime.fromtimestamp(expires, UTC)


@pytest.mark.rule("S3")
@pytest.mark.parametrize("key", PUBLISHED)
async def test_every_kind_of_key_can_sign(fetcher: Fetcher, issuer: LocalIssuer, key: str) -> None:
    verifier = Verifier([issuer.trusted(**ALL)], fetcher=fetcher)

    assert (await verifier.verify(issuer.token(key=key))).subject == SUBJECT


@pytest.mark.rule("S3")
@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512"])
async def test_a_key_that_names_no_algorithm_is_for_all_of_its_kind(
    fetcher: Fetcher, issuer: LocalIssuer, algorithm: str
) -> None:
    key = {name: value for name, value in issuer.public_key("rsa-1").items() if name != "alg"}
    issuer.behave(published=[], further_keys=[key])
    verifier = Verifier([issuer.trusted(**ALL)], fetcher=fetcher)

    assert (await verifier.verify(issuer.token(algorithm=algorithm))).subject == SUBJECT


TYPES: dict[str, tuple[list[str], Any]] = {
    "at+jwt": (["at+jwt"], "at+jwt"),
    "in capitals": (["at+jwt"], "AT+JWT"),
    "as a whole media type": (["at+jwt"], "application/at+jwt"),
    "JWT, as configured": (["at+jwt", "JWT"], "JWT"),
    "none, as configured": ([""], ABSENT),
}


@pytest.mark.rule("S5")
@pytest.mark.parametrize(("types", "typ"), TYPES.values(), ids=TYPES.keys())
async def test_such_a_type_is_accepted(
    fetcher: Fetcher, issuer: LocalIssuer, types: list[str], typ: object
) -> None:
    verifier = Verifier([issuer.trusted(types=types)], fetcher=fetcher)

    assert (await verifier.verify(issuer.token(header={"typ": typ}))).subject == SUBJECT


ACCEPTED: dict[str, dict[str, Any]] = {
    "several audiences, one of them ours": {"aud": ["https://another.test", AUDIENCE]},
    "no nbf": {"nbf": ABSENT},
    "a text as jti": {"jti": "id-1"},
    "typ as Keycloak writes it": {"typ": "Bearer"},
    "token_use as Cognito writes it": {"token_use": "access"},
    "claims of no interest": {"groups": ["a"], "nested": {"a": [1.5, None, True]}},
    "the longest subject": {"sub": "s" * 255},
    "an exp with a fraction": {"exp": 9_999_999_999.5},
}


@pytest.mark.rule("S4")
@pytest.mark.parametrize("claims", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_such_claims_are_accepted(
    verifier: Verifier, issuer: LocalIssuer, claims: dict[str, Any]
) -> None:
    identity = await verifier.verify(issuer.token(**claims))

    assert identity.subject == claims.get("sub", SUBJECT)


@pytest.mark.rule("S3")
@pytest.mark.parametrize("header", [{"x5t": "t"}, {"x5t#S256": "t"}, {"pi.atm": "1"}])
async def test_headers_that_change_nothing_are_passed_over(
    verifier: Verifier, issuer: LocalIssuer, header: dict[str, Any]
) -> None:
    """They point at no key and ask for nothing."""
    assert (await verifier.verify(issuer.token(header=header))).subject == SUBJECT


@pytest.mark.rule("S4")
async def test_each_of_several_audiences_is_accepted(fetcher: Fetcher, issuer: LocalIssuer) -> None:
    verifier = Verifier([issuer.trusted(audiences=["one", "two"])], fetcher=fetcher)

    assert (await verifier.verify(issuer.token(aud="one"))).subject == SUBJECT
    assert (await verifier.verify(issuer.token(aud="two"))).subject == SUBJECT
