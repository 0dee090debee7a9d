"""Seal, open and sign.

A ciphertext is `version (1 byte) | algorithm (1 byte) | nonce (12 bytes) | ciphertext and tag`.
"""

import base64
import hmac
import os
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.domain.cryptographic_keys import is_small_order

KEY_BYTES: Final = 32
_VERSION: Final = 0x01
_AES_256_GCM: Final = 0x01
_HEADER: Final = bytes((_VERSION, _AES_256_GCM))
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_CONTEXT: Final = "gw1"


class TamperedCiphertext(Exception):
    """The ciphertext does not open: key, identity or bytes differ. It does not say which."""


def new_key() -> bytes:
    """Return 256 random bits."""
    return os.urandom(KEY_BYTES)


def derive_key(key: bytes, purpose: str) -> bytes:
    """Return the 256-bit key for one purpose (HKDF-SHA256), so that no key serves two purposes."""
    return HKDF(
        algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()
    ).derive(key)


def keyed_hash(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA-256 (32 bytes)."""
    return hmac.digest(key, message, sha256)


def seal(key: bytes | bytearray, plaintext: bytes, *identity: str) -> bytes:
    """Encrypt, bound to an identity: the ciphertext opens only with the same identity."""
    nonce = os.urandom(_NONCE_BYTES)
    return _HEADER + nonce + AESGCM(key).encrypt(nonce, plaintext, _associated_data(identity))


def unseal(key: bytes | bytearray, ciphertext: bytes, *identity: str) -> bytes:
    """Decrypt a ciphertext.

    Raises:
        TamperedCiphertext: if the key, the identity or any byte differs.

    """
    header, nonce, body = (
        ciphertext[:2],
        ciphertext[2 : 2 + _NONCE_BYTES],
        ciphertext[2 + _NONCE_BYTES :],
    )
    if header != _HEADER or len(nonce) != _NONCE_BYTES:
        raise TamperedCiphertext
    try:
        return AESGCM(key).decrypt(nonce, body, _associated_data(identity))
    except InvalidTag:
        raise TamperedCiphertext from None


def sealed_size(ciphertext_size: int) -> int:
    """Return how many bytes were sealed in a ciphertext of this length."""
    return max(0, ciphertext_size - len(_HEADER) - _NONCE_BYTES - _TAG_BYTES)


def seal_text(key: bytes, plaintext: bytes, *identity: str) -> str:
    """Encrypt deterministically (AES-SIV), bound to an identity, as text for a URL.

    The same plaintext gives the same text: use it only where equality can be public.
    """
    ciphertext = AESSIV(key).encrypt(plaintext, [_associated_data(identity)])
    return base64.urlsafe_b64encode(ciphertext).decode().rstrip("=")


def open_text(key: bytes, text: str, *identity: str) -> bytes:
    """Decrypt a text of `seal_text`, in its one spelling.

    Raises:
        TamperedCiphertext: if the key, the identity or any character differs.

    """
    try:
        ciphertext = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        plaintext = AESSIV(key).decrypt(ciphertext, [_associated_data(identity)])
    except (ValueError, InvalidTag):
        raise TamperedCiphertext from None
    if seal_text(key, plaintext, *identity) != text:
        raise TamperedCiphertext
    return plaintext


def _associated_data(identity: tuple[str, ...]) -> bytes:
    return b"".join([_FIRST_PART, *map(_part, identity), _LAST_PART])


def _part(text: str) -> bytes:
    # The length before each part distinguishes ("ab", "c") from ("a", "bc").
    part = text.encode()
    return len(part).to_bytes(4, "big") + part


_FIRST_PART: Final = _part(_CONTEXT)
_LAST_PART: Final = _part(str(_AES_256_GCM))


class Signer:
    """Signs with a key that is derived and never stored."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that check signatures."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the message's signature (64 bytes)."""
        return self._key.sign(message)


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    if is_small_order(public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
