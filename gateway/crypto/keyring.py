"""Where key-encryption keys are kept: one small interface, and a ring of those who answer to it.

Whoever keeps a key-encryption key wraps data keys with it and unwraps them; the key itself need
not be in this process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.crypto.envelope import TamperedCiphertext


class UnknownKey(TamperedCiphertext):
    """Nobody here keeps the key-encryption key that this was wrapped by."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key in its wrapping, and the id of the key-encryption key around it."""

    kek_id: str
    ciphertext: bytes = field(repr=False)


class KeyProvider(Protocol):
    """A keeper of key-encryption keys. Its methods may wait for a network."""

    @property
    def name(self) -> str:
        """How the settings call it."""
        ...

    def knows(self, kek_id: str) -> bool:
        """Tell whether it can be asked to unwrap what this key wrapped."""
        ...

    async def current_id(self) -> str:
        """Return the id of the key that it wraps with now.

        Raises:
            KeysUnavailable: if it does not answer.

        """
        ...

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Encrypt a data key, bound to an identity: its owner's id and its own.

        Raises:
            KeysUnavailable: if it does not answer.

        """
        ...

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key.

        Raises:
            TamperedCiphertext: if the wrapping or the identity is not what it was.
            KeysUnavailable: if it does not answer.

        """
        ...


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keeper that wraps new data keys, and those that still unwrap what they wrapped."""

    primary: KeyProvider
    others: Sequence[KeyProvider] = ()

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Encrypt a data key; errors as with a provider."""
        return await self.primary.wrap(key, *identity)

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key; errors as with a provider.

        Raises:
            UnknownKey: if none of them keeps the key that it was wrapped by.

        """
        for provider in (self.primary, *self.others):
            if provider.knows(wrapped.kek_id):
                return await provider.unwrap(wrapped, *identity)
        raise UnknownKey
