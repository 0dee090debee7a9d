"""An issuer's keys: read from its JSON Web Key Set, and used to verify signatures."""

import base64
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from joserfc.jws import JWSRegistry

from gateway.domain.cryptographic_keys import is_small_order
from gateway.identity.claims import Reason, RefusedToken
from gateway.identity.issuers import Algorithm

MAX_KEYS: Final = 20
_MIN_RSA_BITS: Final = 2_048
# A huge key would make each verification slow, so a publisher of keys is limited.
_MAX_RSA_BITS: Final = 8_192
# What makes up a key: no certificates, no URLs, nothing private, no shared secret.
_MEMBERS: Final = frozenset({"kty", "alg", "n", "e", "crv", "x", "y"})


class RefusedKeySet(ValueError):
    """The document is not a key set, or is too large."""


class WeakKeySet(RefusedKeySet):
    """A key of the set accepts signatures that need no private key."""


def ensure_signed(key: Key, algorithm: Algorithm, signed: bytes, signature: bytes) -> None:
    """Verify a signature. A key fits only its own algorithms, whatever a token says.

    Raises:
        RefusedToken: if the key is for other algorithms, or did not sign this.

    """
    model = JWSRegistry.algorithms[algorithm]
    try:
        model.check_key(key)
    except JoseError:
        raise RefusedToken(Reason.ALGORITHM) from None
    if not model.verify(signed, signature, key):
        raise RefusedToken(Reason.SIGNATURE)


def read_key_set(document: Mapping[str, Any]) -> Mapping[str, Key]:
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


def _key(listed: Mapping[str, Any]) -> Key | None:
    """Return a public key for signatures with one of the algorithms."""
    if "d" in listed or not _is_for_signatures(listed):
        return None
    if "alg" in listed and listed["alg"] not in list(Algorithm):
        return None
    try:
        if listed["kty"] == "RSA" and not _MIN_RSA_BITS <= _bits(listed["n"]) <= _MAX_RSA_BITS:
            return None
        key = import_key({name: listed[name] for name in _MEMBERS & listed.keys()})
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return key if JWSRegistry.filter_algorithms(key, list(Algorithm)) else None


def _is_for_signatures(listed: Mapping[str, Any]) -> bool:
    operations = listed.get("key_ops", ["verify"])
    # Another curve of this type is for agreeing on keys, or of an algorithm that is not allowed.
    is_other_curve = listed.get("kty") == "OKP" and listed.get("crv") != "Ed25519"
    is_for_verifying = isinstance(operations, list) and "verify" in operations
    return listed.get("use", "sig") == "sig" and is_for_verifying and not is_other_curve


def _bits(number: str) -> int:
    return int.from_bytes(_decode(number)).bit_length()


def _decode(member: str) -> bytes:
    return base64.urlsafe_b64decode(member + "=" * (-len(member) % 4))
