"""Key-encryption keys in the key file, which can change while the gateway runs."""

from pathlib import Path
from typing import Final

from gateway.crypto.keyfile import KeyFile
from gateway.crypto.keyring import Wrapped
from gateway.domain.errors import KeysUnavailable, RefusedStart
from gateway.domain.sealed import NeverStored


class KeysInFile(NeverStored):
    """Wraps with the file's primary key, unwraps with any of its keys.

    The file is small and local, so it is read synchronously. It is read again for each new data
    key, so that a replaced key wraps nothing more, and when a data key names an unknown key.
    """

    __slots__ = ("_key_file", "path")
    name: Final = "keyfile"

    def __init__(self, path: Path, key_file: KeyFile) -> None:
        self.path = path
        self._key_file = key_file

    def knows(self, kek_id: str) -> bool:
        """Return whether the file has the key, now or when it was last read."""
        if kek_id not in self._key_file.keys:
            self._read()
        return kek_id in self._key_file.keys

    async def current_id(self) -> str:
        """Return the primary key's id.

        Raises:
            KeysUnavailable: if the file cannot be read.

        """
        self._read()
        return self._key_file.primary

    async def wrap(self, key: bytes, *identity: str) -> Wrapped:
        """Encrypt a data key with the primary key.

        Raises:
            KeysUnavailable: if the file cannot be read.

        """
        self._read()
        return Wrapped(self._key_file.primary, self._key_file.wrap(key, *identity))

    async def unwrap(self, wrapped: Wrapped, *identity: str) -> bytes:
        """Decrypt a data key.

        Raises:
            TamperedCiphertext: if the file lacks the key, or the identity or any byte differs.

        """
        return self._key_file.unwrap(wrapped.ciphertext, wrapped.kek_id, *identity)

    def add_key(self) -> str:
        self._key_file = KeyFile.add_primary(self.path)
        return self._key_file.primary

    def other_keys(self, still_needed: set[str]) -> list[str]:
        self._read()
        return self._key_file.others(still_needed)

    def remove_keys(self, still_needed: set[str]) -> list[str]:
        self._key_file, removed = KeyFile.remove_others(self.path, still_needed)
        return removed

    def _read(self) -> None:
        try:
            self._key_file = KeyFile.load(self.path)
        except RefusedStart:
            raise KeysUnavailable from None
