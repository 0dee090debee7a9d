"""What of a published set of keys is used."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.identity.claims import Reason, RefusedToken
from gateway.identity.key_cache import Fetcher, IssuerUnavailable
from gateway.identity.keys import MAX_KEYS
from gateway.identity.verifier import Verifier
from tests.identity.local_issuer import SUBJECT, LocalIssuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PRIVATE = {"d": "AQAB"}

# What is changed in a key that is otherwise good. None takes the member away.
UNUSABLE: dict[str, tuple[str, Mapping[str, Any]]] = {
    "a shared secret": ("rsa-1", {"kty": "oct", "k": "c2VjcmV0"}),
    "a kind that nobody knows": ("rsa-1", {"kty": "AKP"}),
    "a kind that is a list": ("rsa-1", {"kty": ["RSA"]}),
    "no kind": ("rsa-1", {"kty": None}),
    "a curve that nobody knows": ("p256", {"crv": "P-257"}),
    "a curve for agreeing on keys": ("ed", {"crv": "X25519"}),
    "a point that is not on the curve": ("p256", {"x": "AAAA", "y": "AAAA"}),
    "too few bits": ("rsa-weak", {}),
    "too few bits behind zeros": ("rsa-1", {"n": "A" * 340 + "AQ"}),
    "too many bits": ("rsa-1", {"n": "_" * 1_368}),
    "no modulus": ("rsa-1", {"n": None}),
    "a modulus that is a number": ("rsa-1", {"n": 3}),
    "a modulus that is no base64": ("rsa-1", {"n": "\u00e4" * 400}),
    "an even exponent": ("rsa-1", {"e": "Ag"}),
    "a private key": ("rsa-1", _PRIVATE),
    "for encryption": ("rsa-1", {"use": "enc"}),
    "for wrapping": ("rsa-1", {"key_ops": ["wrapKey"]}),
    "operations that are a text": ("rsa-1", {"key_ops": "verify"}),
    "for another algorithm": ("rsa-1", {"alg": "RSA-OAEP"}),
    "an algorithm that is a list": ("rsa-1", {"alg": ["RS256"]}),
    "an algorithm without a name": ("rsa-1", {"alg": ""}),
    "no id": ("rsa-1", {"kid": None}),
    "an id that is a number": ("rsa-1", {"kid": 1}),
    "an empty id": ("rsa-1", {"kid": ""}),
}


def _changed(key: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**key, **changes}.items() if value is not None}


@pytest.mark.rule("S3")
@pytest.mark.parametrize(("key", "changes"), UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_such_a_key_is_not_used_and_the_others_are(
    verifier: Verifier, issuer: LocalIssuer, key: str, changes: Mapping[str, Any]
) -> None:
    """A set may hold keys that are not for us."""
    others = [item for item in ("rsa-2", "p256", "ed") if item != key]
    issuer.behave(published=others, further_keys=[_changed(issuer.public_key(key), changes)])

    with pytest.raises(RefusedToken) as refused:
        await verifier.verify(issuer.token(key=key))

    assert refused.value.reason is Reason.KEY
    assert (await verifier.verify(issuer.token(key=others[0]))).subject == SUBJECT


@pytest.mark.rule("S6")
async def test_of_two_keys_with_one_id_neither_is_used(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    twin = issuer.public_key("rsa-2") | {"kid": "rsa-1"}
    issuer.behave(published=["rsa-1", "p256"], further_keys=[twin])

    with pytest.raises(RefusedToken) as refused:
        await verifier.verify(issuer.token())

    assert refused.value.reason is Reason.KEY
    assert (await verifier.verify(issuer.token(key="p256"))).subject == SUBJECT


@pytest.mark.rule("S3")
async def test_a_key_is_used_only_with_the_algorithm_that_it_names(
    fetcher: Fetcher, issuer: LocalIssuer
) -> None:
    verifier = Verifier([issuer.trusted(algorithms=["RS256", "RS512"])], fetcher=fetcher)

    with pytest.raises(RefusedToken) as refused:
        await verifier.verify(issuer.token(algorithm="RS512"))

    assert refused.value.reason is Reason.ALGORITHM
    assert (await verifier.verify(issuer.token())).subject == SUBJECT


@pytest.mark.rule("S6")
async def test_a_set_has_at_most_twenty_keys(fetcher: Fetcher, issuer: LocalIssuer) -> None:
    spare = {"kty": "oct", "kid": "spare"}
    issuer.behave(published=["rsa-1"], further_keys=[spare] * (MAX_KEYS - 1))
    most = Verifier([issuer.trusted()], fetcher=fetcher)
    assert (await most.verify(issuer.token())).subject == SUBJECT

    issuer.behave(published=["rsa-1"], further_keys=[spare] * MAX_KEYS)
    too_many = Verifier([issuer.trusted()], fetcher=fetcher)

    with pytest.raises(IssuerUnavailable):
        await too_many.verify(issuer.token())


@pytest.mark.rule("S6")
@pytest.mark.parametrize("entry", ["rsa-1", 1, None, ["rsa-1"]])
async def test_a_list_of_anything_but_keys_is_no_set(
    verifier: Verifier, issuer: LocalIssuer, entry: object
) -> None:
    issuer.behave(published=["rsa-1"], further_keys=[entry])

    with pytest.raises(IssuerUnavailable):
        await verifier.verify(issuer.token())


@pytest.mark.rule("S7")
async def test_an_empty_set_withdraws_all_keys(verifier: Verifier, issuer: LocalIssuer) -> None:
    issuer.behave(published=[])

    with pytest.raises(RefusedToken) as refused:
        await verifier.verify(issuer.token())

    assert refused.value.reason is Reason.KEY
