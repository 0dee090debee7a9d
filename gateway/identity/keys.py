"""An issuer's keys: read from its JSON Web Key Set, and used to verify signatures."""

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.domain.ed25519 import is_small_order
from gateway.identity.issuers import Algorithm
from gateway.identity.refusals import Reason, RefusedToken

MAX_KEYS: Final = 20
_MIN_RSA_BITS: Final = 2_048
# A huge key would make each verification slow, so a publisher of keys is limited.
_MAX_RSA_BITS: Final = 8_192


class RefusedKeySet(ValueError):
    """The document is not a key set, or is too large."""


class WeakKeySet(RefusedKeySet):
    """A key of the set accepts signatures that need no private key."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of key: its members, and the algorithms that it can be used with."""

    type: type[Key]
    members: tuple[str, ...]
    algorithms: frozenset[Algorithm]


def _curve(algorithm: Algorithm) -> _Kind:
    return _Kind(ECKey, ("kty", "crv", "x", "y"), frozenset({algorithm}))


_RSA: Final = frozenset(item for item in Algorithm if item.startswith(("RS", "PS")))
# By the members `kty` and `crv`. A key fits only its own algorithms and is never a shared secret,
# whatever a token says.
_KINDS: Final[Mapping[tuple[object, object], _Kind]] = {
    ("RSA", None): _Kind(RSAKey, ("kty", "n", "e"), _RSA),
    ("EC", "P-256"): _curve(Algorithm.ES256),
    ("EC", "P-384"): _curve(Algorithm.ES384),
    ("EC", "P-521"): _curve(Algorithm.ES512),
    ("OKP", "Ed25519"): _Kind(OKPKey, ("kty", "crv", "x"), frozenset({Algorithm.EDDSA})),
}
# The library warns of EdDSA's old name, which leaves the curve open; here the key names it.
_MODELS: Final = {
    item: JWSRegistry.algorithms["Ed25519" if item is Algorithm.EDDSA else item]
    for item in Algorithm
}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, and the algorithms that it is for."""

    key: Key = field(repr=False)
    algorithms: frozenset[Algorithm]

    def ensure_signed(self, algorithm: Algorithm, signed: bytes, signature: bytes) -> None:
        """Verify a signature.

        Raises:
            RefusedToken: if the key is for other algorithms, or did not sign this.

        """
        if algorithm not in self.algorithms:
            raise RefusedToken(Reason.ALGORITHM)
        if not _MODELS[algorithm].verify(signed, signature, self.key):
            raise RefusedToken(Reason.SIGNATURE)


def read_key_set(document: Mapping[str, Any]) -> Mapping[str, VerificationKey]:
    """Return the keys by id, without those that are unusable or share an id.

    Raises:
        RefusedKeySet: if the document is not a key set, or has too many keys.
        WeakKeySet: if a key is of small order, usable or not. An issuer does not publish such a
        key by mistake, so none of its keys is trusted.

    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise RefusedKeySet
    if not all(isinstance(item, dict) for item in listed):
        raise RefusedKeySet
    if any(map(_is_weak, listed)):
        raise WeakKeySet
    ids = [_key_id(item) for item in listed]
    # If two keys share an id, the right one is unknown.
    times = Counter(ids)
    named = {
        item: _key(of) for item, of in zip(ids, listed, strict=True) if item and times[item] == 1
    }
    return {key_id: key for key_id, key in named.items() if key is not None}


def _is_weak(listed: Mapping[str, Any]) -> bool:
    if listed.get("kty") != "OKP" or listed.get("crv") != "Ed25519":
        return False
    try:
        return is_small_order(_decode(listed["x"]))
    except (ValueError, KeyError, TypeError):
        return False


def _key_id(listed: Mapping[str, Any]) -> str | None:
    key_id = listed.get("kid")
    return key_id if isinstance(key_id, str) else None


def _key(listed: Mapping[str, Any]) -> VerificationKey | None:
    kind = _kind(listed)
    if kind is None or not _is_for_signatures(listed):
        return None
    algorithms = {
        algorithm for algorithm in kind.algorithms if listed.get("alg", algorithm) == algorithm
    }
    try:
        key = _import_key(kind, listed)
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return VerificationKey(key, frozenset(algorithms)) if key and algorithms else None


def _kind(listed: Mapping[str, Any]) -> _Kind | None:
    named = listed.get("kty"), listed.get("crv")
    if not all(isinstance(item, str | None) for item in named):
        return None
    return _KINDS.get(named)


def _import_key(kind: _Kind, listed: Mapping[str, Any]) -> Key | None:
    # Only the members that make up the key: no certificates, no URLs, nothing private.
    members = {name: listed[name] for name in kind.members}
    if kind.type is RSAKey and not _MIN_RSA_BITS <= _bits(members["n"]) <= _MAX_RSA_BITS:
        return None
    return kind.type.import_key(members)


def _bits(number: str) -> int:
    return int.from_bytes(_decode(number)).bit_length()


def _decode(member: str) -> bytes:
    return base64.urlsafe_b64decode(member + "=" * (-len(member) % 4))


def _is_for_signatures(listed: Mapping[str, Any]) -> bool:
    operations = listed.get("key_ops", ["verify"])
    is_public = "d" not in listed
    return (
        is_public
        and listed.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )
