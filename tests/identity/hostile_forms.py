"""Tokens whose form, header or signature is not what it should be, by what is wrong with them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

from gateway.identity.claims import Reason
from tests.identity.local_issuer import ABSENT, LocalIssuer

Make = Callable[[LocalIssuer], str]
Hostile = tuple[Reason, Make]

_MEGABYTE: Final = 1_000_000
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _reheaded(issuer: LocalIssuer, header: Mapping[str, Any]) -> str:
    """Return a token's first two parts, with this header and all the right claims."""
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(issuer.claims()).encode())}"


def _unsigned(algorithm: str, signature: str = "") -> Make:
    return lambda issuer: (
        f"{_reheaded(issuer, {'alg': algorithm, 'typ': 'at+jwt', 'kid': 'rsa-1'})}.{signature}"
    )


def _public_pem(issuer: LocalIssuer) -> bytes:
    key = PyJWK(issuer.public_key("rsa-1")).key
    pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def _public_jwk(issuer: LocalIssuer) -> bytes:
    return json.dumps(issuer.public_key("rsa-1")).encode()


def _with_shared_secret(secret: Callable[[LocalIssuer], bytes], digest: str = "256") -> Make:
    def make(issuer: LocalIssuer) -> str:
        header = {"alg": f"HS{digest}", "typ": "at+jwt", "kid": "rsa-1"}
        signed = _reheaded(issuer, header)
        algorithm = getattr(hashlib, f"sha{digest}")
        return f"{signed}.{encoded(hmac.digest(secret(issuer), signed.encode(), algorithm))}"

    return make


def _headed(**header: Any) -> Make:
    return lambda issuer: issuer.token(header=header)


def _texts(header: str | None = None, claims: str | None = None) -> Make:
    """Return a token with a text of its own as header or claims, rightly signed."""
    good = '{"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}'
    return lambda issuer: issuer.sign(header or good, claims or json.dumps(issuer.claims()))


def _bent(bend: Callable[[str], str]) -> Make:
    return lambda issuer: bend(issuer.token())


def _part(place: int, change: Callable[[str], str]) -> Make:
    def bend(text: str) -> str:
        parts = text.split(".")
        parts[place] = change(parts[place])
        return ".".join(parts)

    return _bent(bend)


def _with_spare_bits(part: str) -> str:
    # The last character of a signature of 256 bytes has four bits that stand for nothing.
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) + 1]


def _embedded_key(issuer: LocalIssuer) -> str:
    return issuer.token(key="rsa-2", header={"jwk": issuer.public_key("rsa-2")})


def _in_der(issuer: LocalIssuer) -> str:
    signed, _, signature = issuer.token(key="p256").rpartition(".")
    both = base64.urlsafe_b64decode(signature + "==")
    numbers = (int.from_bytes(both[:32]), int.from_bytes(both[32:]))
    return f"{signed}.{encoded(encode_dss_signature(*numbers))}"


def _signed_by_another(issuer: LocalIssuer) -> str:
    return issuer.token(key="rsa-2", header={"kid": "rsa-1"})


def _promoted(issuer: LocalIssuer) -> str:
    header, _, signature = issuer.token().split(".")
    claims = json.dumps({**issuer.claims(), "sub": "somebody-else"})
    return f"{header}.{encoded(claims.encode())}.{signature}"


def _zeroed(key: str, length: int) -> Make:
    return lambda issuer: f"{issuer.token(key=key).rpartition('.')[0]}.{encoded(bytes(length))}"


_FORMS: Final[Mapping[str, Make]] = {
    "no token at all": lambda _: "a.b.c",
    "two parts": _bent(lambda text: text.rpartition(".")[0]),
    "four parts": _bent(lambda text: f"{text}.AAAA"),
    "five parts, as if encrypted": _bent(lambda text: f"{text}.AAAA.AAAA"),
    "no signature": _part(2, lambda _: ""),
    "no claims": _part(1, lambda _: ""),
    "no header": _part(0, lambda _: ""),
    "padded base64": _part(2, lambda part: f"{part}=="),
    "base64 with spare bits": _part(2, _with_spare_bits),
    "base64 of an impossible length": _part(2, lambda part: part[:-1]),
    "the other base64 alphabet": _part(2, lambda part: f"{part[:-2]}+/"),
    "a line break at the end": _bent(lambda text: f"{text}\n"),
    "a space inside": _part(1, lambda part: f"{part[:4]} {part[4:]}"),
    "a letter that only looks like one": _part(1, lambda part: f"{part[:4]}\u0430{part[5:]}"),
    "nine kilobytes": lambda issuer: issuer.token(padding="x" * 9_000),
    "a megabyte": _bent(lambda text: text + "A" * _MEGABYTE),
    "a header that is no JSON": _texts(header="alg=RS256"),
    "a header that is a list": _texts(header='["RS256"]'),
    "claims that are null": _texts(claims="null"),
    "claims that are a text": _texts(claims='"sub"'),
    "claims nested without end": _texts(claims='{"a":' + "[" * 3_000 + "]" * 3_000 + "}"),
    "the algorithm twice": _texts(
        header='{"alg": "none", "alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}'
    ),
}
_ALGORITHMS: Final[Mapping[str, Make]] = {
    "alg None": _unsigned("None", "AAAA"),
    "alg none": _unsigned("none", "AAAA"),
    "alg nOnE": _unsigned("nOnE", "AAAA"),
    "alg none over a real signature": _headed(alg="none"),
    "HS256 with the public key in PEM": _with_shared_secret(_public_pem),
    "HS256 with the public key as JWK": _with_shared_secret(_public_jwk),
    "HS512 with the public key in PEM": _with_shared_secret(_public_pem, "512"),
    "HS256 with an empty secret": _with_shared_secret(lambda _: b""),
    "HS256 with the key's id": _with_shared_secret(lambda _: b"rsa-1"),
    "no alg": _headed(alg=ABSENT),
    "alg in small letters": _headed(alg="rs256"),
    "alg is a list": _headed(alg=["RS256"]),
    "alg is null": _headed(alg=None),
    "an algorithm that is not allowed": lambda issuer: issuer.token(algorithm="RS512"),
    "an algorithm for encryption": _headed(alg="RSA-OAEP"),
    "an RSA key for ES256": lambda issuer: issuer.token(key="p256", header={"kid": "rsa-1"}),
    "a curve's key for RS256": lambda issuer: issuer.token(header={"kid": "p256"}),
    "a curve's key for EdDSA": lambda issuer: issuer.token(key="ed", header={"kid": "p256"}),
}
_HEADERS: Final[Mapping[str, Make]] = {
    "crit": _headed(crit=["exp"]),
    "crit that is empty": _headed(crit=[]),
    "crit with b64": _headed(crit=["b64"], b64=False),
    "b64": _headed(b64=False),
    "an embedded key that signed": _embedded_key,
    "jku": _headed(jku="https://keys.test/jwks"),
    "x5u": _headed(x5u="https://keys.test/certificate"),
    "x5c": _headed(x5c=["MIIB"]),
    "compressed": _headed(zip="DEF"),
    "nested": _headed(cty="JWT"),
    "encrypted": _headed(enc="A256GCM"),
}
_TYPES: Final[Mapping[str, Make]] = {
    "no typ": _headed(typ=ABSENT),
    "typ JWT, which is not configured": _headed(typ="JWT"),
    "typ of a logout token": _headed(typ="logout+jwt"),
    "typ of a proof": _headed(typ="dpop+jwt"),
    "typ is a list": _headed(typ=["at+jwt"]),
    "typ is null": _headed(typ=None),
}
_KEYS: Final[Mapping[str, Make]] = {
    "no kid": _headed(kid=ABSENT),
    "kid is empty": _headed(kid=""),
    "kid is a number": _headed(kid=1),
    "kid is a path": _headed(kid="../../../dev/null"),
    "kid is SQL": _headed(kid="' OR '1'='1"),
    "kid is very long": _headed(kid="k" * 257),
    "kid of a key that is not published": lambda issuer: issuer.token(key="rsa-2"),
}
_SIGNATURES: Final[Mapping[str, Make]] = {
    "signed by another key": _signed_by_another,
    "claims changed after signing": _promoted,
    "a signature cut off": _part(2, lambda part: part[:-2]),
    "a signature with bytes behind": _part(2, lambda part: part + encoded(bytes(3))),
    "a signature of zeros": _zeroed("rsa-1", 256),
    "a curve's signature of zeros": _zeroed("p256", 64),
    "a curve's signature in DER": _in_der,
    "an Ed25519 signature of zeros": _zeroed("ed", 64),
}

FORMS: Final[Mapping[str, Hostile]] = {
    name: (reason, make)
    for reason, group in {
        Reason.MALFORMED: _FORMS,
        Reason.ALGORITHM: _ALGORITHMS,
        Reason.HEADER: _HEADERS,
        Reason.TYPE: _TYPES,
        Reason.KEY: _KEYS,
        Reason.SIGNATURE: _SIGNATURES,
    }.items()
    for name, make in group.items()
}
