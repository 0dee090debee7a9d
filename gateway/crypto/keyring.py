"""Key providers: the interface that each implements, and the ring of those in use.

A provider wraps data keys with a key-encryption key and unwraps them; the key itself need not be
in this process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.crypto.envelope import TamperedCiphertext


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
