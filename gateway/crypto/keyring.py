"""The keys of an instance, and the self-test of the cryptography.

A provider wraps data keys with a key-encryption key and unwraps them; the key itself need not be in
this process.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.crypto.envelope import (
    TamperedCiphertext,
    derive_key,
    keyed_hash,
    new_key,
    seal,
    unseal,
)
from gateway.domain.errors import RefusedStart


class UnknownKey(TamperedCiphertext):
    """No provider has the key-encryption key that wrapped this data key."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    kek_id: str
    ciphertext: bytes = field(repr=False)


class KeyProvider(Protocol):
    """A provider of key-encryption keys. Its methods can wait for a network."""

    @property
    def name(self) -> str: ...

    def knows(self, kek_id: str) -> bool:
        """Return whether the provider can unwrap what this key wrapped."""
        ...

    async def current_id(self) -> str:
        """Return the id of the key that wraps new data keys.

        Raises:
            KeysUnavailable: if the provider does not answer.

        """
        ...

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Encrypt a data key, bound to an identity: its owner's id and its own.

        Raises:
            KeysUnavailable: if the provider does not answer.

        """
        ...

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key.

        Raises:
            TamperedCiphertext: if the wrapped key or the identity differs.
            KeysUnavailable: if the provider does not answer.

        """
        ...


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The provider that wraps new data keys, and those that still unwrap what they wrapped."""

    primary: KeyProvider
    others: Sequence[KeyProvider] = ()

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Encrypt a data key; errors as in `KeyProvider`."""
        return await self.primary.wrap(key, *identity)

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key; errors as in `KeyProvider`.

        Raises:
            UnknownKey: if no provider has the key that wrapped it.

        """
        for provider in (self.primary, *self.others):
            if provider.knows(wrapped.kek_id):
                return await provider.unwrap(wrapped, *identity)
        raise UnknownKey


# Test case 16 of the GCM specification (McGrew and Viega), with a key of 256 bits.
_KEY: Final = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
_NONCE: Final = bytes.fromhex("cafebabefacedbaddecaf888")
_AAD: Final = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_PLAIN: Final = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
_SEALED: Final = bytes.fromhex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    "76fc6ece0f4e1768cddf8853bb2d551b"
)
# RFC 4231, test case 2; RFC 5869, test case 3.
_HMAC: Final = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
_HKDF: Final = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


class BrokenCryptography(RefusedStart):
    def __init__(self, part: str) -> None:
        super().__init__(f"The self-test of {part} failed: do not keep secrets on this machine.")


def ensure_known_answers() -> None:
    """Refuse to work with cryptography that does not give the known answers.

    Raises:
        BrokenCryptography: naming the part.

    """
    canary, identity = b"canary", ("self-test", "identity")
    answers = {
        "AES-256-GCM": AESGCM(_KEY).encrypt(_NONCE, _PLAIN, _AAD) == _SEALED,
        "HMAC-SHA-256": keyed_hash(b"Jefe", b"what do ya want for nothing?").hex() == _HMAC,
        "HKDF-SHA-256": derive_key(b"\x0b" * 22, "").hex() == _HKDF,
        "sealing": unseal(_KEY, seal(_KEY, canary, *identity), *identity) == canary,
        "the random numbers": os.urandom(32) != os.urandom(32) and new_key() != bytes(32),
    }
    for part, is_right in answers.items():
        if not is_right:
            raise BrokenCryptography(part)
