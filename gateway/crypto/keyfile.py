"""Key-encryption keys in a file that only its owner can read.

The file is JSON: `{"primary": "<id>", "keys": {"<id>": "<base64 of 32 bytes>"}}`. The primary key
wraps new data keys; the others still unwrap the data keys that they wrapped.
"""

import base64
import binascii
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from gateway.crypto.envelope import KEY_BYTES, TamperedCiphertext, new_key, seal, unseal
from gateway.crypto.private_files import draft_beside
from gateway.domain.content import NeverStored
from gateway.domain.errors import RefusedStart

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class UnsafeKeyFile(RefusedStart):
    def __init__(self, path: Path, mode: int) -> None:
        super().__init__(
            f"The key file {path} is open to others (mode {stat.S_IMODE(mode):o}): chmod 600 it."
        )


class MalformedKeyFile(RefusedStart):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a key file.")


class MissingKeyFile(RefusedStart):
    def __init__(self, path: Path) -> None:
        super().__init__(f"The key file {path} is missing: restore the key file of this database.")


@dataclass(frozen=True, slots=True)
class KeyFile(NeverStored):
    primary: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create a file with one new key, readable only by its owner, and return it.

        Raises:
            FileExistsError: if the file exists; a key file is never overwritten.

        """
        key_id = _new_id()
        made = cls(key_id, {key_id: new_key()})
        path.parent.mkdir(parents=True, exist_ok=True)
        # A database that survives a power cut without its key would be lost for good.
        with draft_beside(path, made._content()) as draft:
            os.link(draft, path)
        return made

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file.

        Raises:
            MissingKeyFile: if the file does not exist.
            UnsafeKeyFile: if other users can read it.
            MalformedKeyFile: if it is not a key file.

        """
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise MissingKeyFile(path) from None
        if mode & _OTHERS:
            raise UnsafeKeyFile(path, mode)
        try:
            return cls(*_parse(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise MalformedKeyFile(path) from None

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the key file, or create it at the first start.

        Raises:
            UnsafeKeyFile: if other users can read it.

        """
        try:
            return cls.load(path)
        except MissingKeyFile:
            try:
                return cls.create(path)
            except FileExistsError:  # Another process was first; use its key.
                return cls.load(path)

    @classmethod
    def add_primary(cls, path: Path) -> Self:
        """Add a new primary key to the file, keeping the others; return the new content.

        Raises:
            RefusedStart: if the file cannot be read as a key file.

        """
        with _alone_at(path):
            old = cls.load(path)
            key_id = _new_id()
            new = cls(key_id, {**old.keys, key_id: new_key()})
            _replace(path, new._content())
            return new

    @classmethod
    def remove_others(cls, path: Path, still_needed: AbstractSet[str]) -> tuple[Self, list[str]]:
        """Remove the keys from the file that are not needed; the primary key always stays.

        Raises:
            RefusedStart: if the file cannot be read as a key file.

        """
        with _alone_at(path):
            old = cls.load(path)
            removed = old.others(still_needed)
            kept = {key_id: key for key_id, key in old.keys.items() if key_id not in removed}
            new = cls(old.primary, kept)
            if removed:
                _replace(path, new._content())
            return new, removed

    def others(self, still_needed: AbstractSet[str]) -> list[str]:
        """Return the ids of the keys that are not needed; the primary key is always needed."""
        return sorted(set(self.keys) - still_needed - {self.primary})

    def wrap(self, key: bytes, *identity: str) -> bytes:
        return seal(self.keys[self.primary], key, "dek", *identity, self.primary)

    def unwrap(self, wrapped: bytes, kek_id: str, *identity: str) -> bytes:
        """Decrypt a data key.

        Raises:
            TamperedCiphertext: if the file lacks the wrapping key, or the key or identity differs.

        """
        if kek_id not in self.keys:
            raise TamperedCiphertext
        return unseal(self.keys[kek_id], wrapped, "dek", *identity, kek_id)

    def _content(self) -> bytes:
        keys = {key_id: base64.b64encode(key).decode() for key_id, key in self.keys.items()}
        return json.dumps({"primary": self.primary, "keys": keys}, indent=2).encode("ascii")


def _new_id() -> str:
    return f"kek-{secrets.token_hex(4)}"


def _replace(path: Path, content: bytes) -> None:
    # The file keeps its owner, even if another user changes it, and a symbolic link stays a link.
    path = path.resolve()
    owner = path.stat()
    with draft_beside(path, content) as draft:
        os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(path)


@contextmanager
def _alone_at(path: Path) -> Iterator[None]:
    # If two processes changed the file at once, the later one would drop the earlier one's key and
    # lose the data keys that it has wrapped by then.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _parse(content: bytes) -> tuple[str, Mapping[str, bytes]]:
    raw = json.loads(content)
    keys = {key_id: _decode(text) for key_id, text in raw["keys"].items()}
    if raw["primary"] not in keys:
        raise KeyError
    return raw["primary"], keys


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
    if len(key) != KEY_BYTES:
        raise ValueError
    return key
