"""Public keys that verify what nobody signed are refused."""

import base64
from hashlib import sha512
from typing import Any, Final

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.crypto.envelope import is_signed
from gateway.domain.cryptographic_keys import is_small_order
from gateway.identity.claims import Reason, RefusedToken
from gateway.identity.key_cache import IssuerUnavailable
from gateway.identity.keys import WeakKeySet, read_key_set
from gateway.identity.verifier import Verifier
from tests.identity.clocks import Clock
from tests.identity.local_issuer import SUBJECT, LocalIssuer

PRIME: Final = 2**255 - 19
D: Final = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int]


def _sum(a: Point, b: Point) -> Point:
    product = D * a[0] * b[0] * a[1] * b[1] % PRIME
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, PRIME)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def _point(encoded: bytes) -> Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, (number & ((1 << 255) - 1)) % PRIME
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - square) % PRIME:
        return None
    return (PRIME - x if x % 2 != sign else x) % PRIME, y


def _order_divides_eight(encoded: bytes) -> bool:
    point = _point(encoded)
    if point is None:
        return False
    for _ in range(3):
        point = _sum(point, point)
    return point == (0, 1)


def _encodings() -> set[bytes]:
    """Return every encoding of a point of small order: each second coordinate in both forms."""
    order_eight = int.from_bytes(
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
    )
    seconds = {0, 1, PRIME - 1, order_eight, PRIME - order_eight}
    forms = {form for y in seconds for form in (y, y + PRIME) if form < 1 << 255}
    return {(y | sign << 255).to_bytes(32, "little") for y in forms for sign in (0, 1)}


ENCODINGS: Final = sorted(_encodings())
HONEST: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _jwk(raw: bytes, **members: Any) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "kid": "weak", "x": _text(raw), **members}


@pytest.mark.rule("S75")
@pytest.mark.parametrize("encoded", ENCODINGS, ids=bytes.hex)
def test_every_encoding_of_a_point_of_small_order_is_known(encoded: bytes) -> None:
    """By arithmetic on the curve, written out here."""
    assert _order_divides_eight(encoded)
    assert is_small_order(encoded)
    with pytest.raises(WeakKeySet):
        read_key_set({"keys": [_jwk(encoded)]})


@pytest.mark.rule("S75")
def test_there_are_fourteen_of_them() -> None:
    """Eight points, of which some have more than one encoding."""
    assert len(ENCODINGS) == 14


@pytest.mark.rule("S75")
@pytest.mark.parametrize("number", range(64))
def test_an_honest_key_is_not_among_them(number: int) -> None:
    """The control."""
    seed = sha512(bytes([number])).digest()[:32]
    raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    assert not is_small_order(raw)
    assert not _order_divides_eight(raw)
    assert list(read_key_set({"keys": [_jwk(raw)]})) == ["weak"]


IDENTITY: Final = (1).to_bytes(32, "little")
# The identity as commitment, and nothing to answer for it: no private key is needed.
FORGED: Final = IDENTITY + bytes(32)


@pytest.mark.rule("S75")
def test_the_library_alone_takes_a_signature_that_nobody_made() -> None:
    """The control; why the check is here. It raises if it does not."""
    Ed25519PublicKey.from_public_bytes(IDENTITY).verify(FORGED, b"whatever")


@pytest.mark.rule("S75")
def test_a_checkpoint_is_not_verified_by_such_a_key() -> None:
    assert not is_signed(IDENTITY, b"whatever", FORGED)


@pytest.mark.rule("S75")
@pytest.mark.parametrize("members", [{"kid": None}, {"use": "enc"}, {"alg": "none"}, {"kid": 1}])
def test_a_set_with_one_is_refused_also_where_it_would_not_be_used(members: Any) -> None:
    with pytest.raises(WeakKeySet):
        read_key_set(
            {"keys": [_jwk(HONEST.public_bytes_raw(), kid="a"), _jwk(IDENTITY, **members)]}
        )


@pytest.mark.rule("S75")
@pytest.mark.asyncio(loop_scope="module")
async def test_an_issuer_that_publishes_one_raises_an_alarm_and_its_keys_are_not_taken(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    issuer.behave(further_keys=[_jwk(IDENTITY)])

    with structlog.testing.capture_logs() as logs, pytest.raises(IssuerUnavailable):
        await verifier.verify(issuer.token())

    alarms = [log for log in logs if log["event"] == "weak_issuer_key"]
    assert [(alarm["log_level"], alarm["issuer"]) for alarm in alarms] == [("error", issuer.url)]


@pytest.mark.rule("S75")
@pytest.mark.asyncio(loop_scope="module")
async def test_keys_from_before_serve_until_they_are_too_old(
    verifier: Verifier, issuer: LocalIssuer, clock: Clock
) -> None:
    """As if the issuer did not answer."""
    await verifier.verify(issuer.token())
    issuer.behave(further_keys=[_jwk(IDENTITY)])
    clock.pass_by(301)

    assert (await verifier.verify(issuer.token())).subject == SUBJECT
    with pytest.raises(IssuerUnavailable):
        await verifier.verify(issuer.token(key="rsa-2"))


@pytest.mark.rule("S75")
def test_points_off_the_curve_are_refused_by_the_library() -> None:
    """A sibling. EC keys come as both coordinates."""
    with pytest.raises(ValueError, match=r"[Pp]oint"):
        EllipticCurvePublicNumbers(1, 1, SECP256R1()).public_key()
    with pytest.raises(ValueError, match=r"[Pp]oint"):
        EllipticCurvePublicNumbers(0, 0, SECP256R1()).public_key()


@pytest.mark.rule("S75")
def test_an_agreement_with_a_weak_point_is_refused_by_the_library() -> None:
    """A sibling; no issuer's key of this kind is read."""
    with pytest.raises(ValueError, match=r"[Ee]rror"):
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(bytes(32)))
    assert read_key_set({"keys": [_jwk(bytes(32), crv="X25519")]}) == {}


@pytest.mark.rule("S75")
@pytest.mark.parametrize("exponent", [0, 1, 2, 4])
def test_an_exponent_that_hides_nothing_is_refused_by_the_library(exponent: int) -> None:
    """A sibling. With an exponent of one, a signature is the padded message itself."""
    modulus = (1 << 2047) + 981
    with pytest.raises(ValueError, match="e must be"):
        RSAPublicNumbers(exponent, modulus).public_key()
    listed = {
        "kty": "RSA",
        "kid": "a",
        "n": _text(modulus.to_bytes(256)),
        "e": _text(bytes([exponent])),
    }
    assert read_key_set({"keys": [listed]}) == {}


@pytest.mark.rule("S75")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_token_of_an_honest_key_of_the_same_kind_is_taken(
    verifier: Verifier, issuer: LocalIssuer
) -> None:
    """The control of the alarm."""
    issuer.behave(published=["ed"])

    assert (await verifier.verify(issuer.token(key="ed"))).subject == SUBJECT
    with pytest.raises(RefusedToken) as refused:
        await verifier.verify(issuer.token(key="rsa-1"))
    assert refused.value.reason is Reason.KEY
