"""A key-encryption key in an environment variable: for development."""

import base64
import binascii
from itertools import pairwise
from typing import Final

from gateway.crypto.envelope import KEY_BYTES, keyed_hash, seal, unseal
from gateway.crypto.keyring import Wrapped
from gateway.domain.errors import RefusedStart
from gateway.domain.sealed import NeverStored

_PREFIX: Final = "env-"
# 32 random bytes have about 30 different values; a word, a pattern or a placeholder far fewer.
_LEAST_DIFFERENT: Final = 20


class WeakKey(RefusedStart):
    def __init__(self) -> None:
        super().__init__(
            "The key in the environment must be 32 random bytes in base64: "
            "create one with `openssl rand -base64 32`."
        )


class KeyInEnvironment(NeverStored):
    __slots__ = ("_id", "_key")
    name: Final = "env"

    def __init__(self, text: str) -> None:
        """Take the key as it is set.

        Raises:
            WeakKey: if it is short, a pattern, or not base64.

        """
        self._key = _decode(text)
        # Identifies the key without revealing anything about it, so that a wrong key is noticed.
        self._id = _PREFIX + keyed_hash(self._key, b"id").hex()[:16]

    def knows(self, kek_id: str) -> bool:
        return kek_id == self._id

    async def current_id(self) -> str:
        return self._id

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        return Wrapped(self._id, seal(self._key, key, "dek", *identity, self._id))

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key.

        Raises:
            TamperedCiphertext: if the key, the identity or any byte differs.

        """
        return unseal(self._key, wrapped.ciphertext, "dek", *identity, wrapped.kek_id)


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WeakKey from None
    if len(key) != KEY_BYTES or len(set(key)) < _LEAST_DIFFERENT or _is_pattern(key):
        raise WeakKey
    return key


def _is_pattern(key: bytes) -> bool:
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return len(steps) == 1 or key.isascii()
