"""Signed heads of the audit log, written outside the database and read back."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import structlog

from gateway.crypto.envelope import Signer, is_signed
from gateway.domain.audit import SealedEvent, details_text, moment_text
from gateway.storage.audit.checkpoints import CheckpointFile, read_line

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed head. An acknowledgement makes all checkpoints before it void."""

    seq: int
    hash: bytes = field(repr=False)
    set_mac: bytes = field(repr=False)
    is_acknowledgement: bool = False

    @classmethod
    def of(cls, sealed: SealedEvent, *, is_acknowledgement: bool = False) -> Self:
        return cls(
            seq=sealed.event.seq,
            hash=sealed.hash,
            set_mac=sealed.event.set_mac,
            is_acknowledgement=is_acknowledgement,
        )


class Checkpoints:
    def __init__(self, file: CheckpointFile, signer: Signer, now: Callable[[], datetime]) -> None:
        self._file = file
        self._signer = signer
        self._now = now
        # The lines of the last read, by text: verifying a signature again would take 0.1 ms each.
        self._read: dict[bytes, Checkpoint | None] = {}
        self._state: tuple[int, int, int] | None = None
        self._since_last_acknowledgement: Sequence[Checkpoint] = ()

    @property
    def public_key(self) -> str:
        """The key that checks the signatures, in hexadecimal digits."""
        return self._signer.public_key.hex()

    def write(self, checkpoint: Checkpoint) -> None:
        """Sign a checkpoint; write it to the file and to the log.

        Raises:
            OSError: if the file cannot be written.

        """
        line = self.sign(checkpoint)
        self._file.append(details_text(line))
        _log.info("audit_checkpoint", **line)

    def sign(self, checkpoint: Checkpoint) -> Mapping[str, Any]:
        """Return a checkpoint in the file's format, with its signature."""
        plain: dict[str, Any] = {
            "acknowledges": checkpoint.is_acknowledgement,
            "at": moment_text(self._now()),
            "hash": checkpoint.hash.hex(),
            "key": self.public_key,
            "seq": checkpoint.seq,
            "set": checkpoint.set_mac.hex(),
        }
        signature = self._signer.sign(details_text(plain).encode())
        return plain | {"signature": base64.b64encode(signature).decode()}

    def latest(self) -> Checkpoint | None:
        return max(self._newest(), key=lambda checkpoint: checkpoint.seq, default=None)

    def acknowledgement(self) -> Checkpoint | None:
        """Return the last acknowledgement, if it is among the newest checkpoints."""
        first = next(iter(self._newest()), None)
        return first if first is not None and first.is_acknowledgement else None

    def since_acknowledgement(self) -> list[Checkpoint]:
        return _since_acknowledgement(self._checkpoint_of(line) for line in self._file.all())

    def _newest(self) -> Sequence[Checkpoint]:
        state = self._file.state()
        if state is not None and state == self._state:
            return self._since_last_acknowledgement
        known, self._read = self._read, {}
        for line in self._file.newest():
            self._read[line] = known[line] if line in known else self._checkpoint_of(line)
        self._state, self._since_last_acknowledgement = (
            state,
            _since_acknowledgement(self._read.values()),
        )
        return self._since_last_acknowledgement

    def _checkpoint_of(self, line: bytes) -> Checkpoint | None:
        plain = read_line(line)
        if plain is None:
            return None
        try:
            return self._verify(plain)
        except (KeyError, TypeError, ValueError, binascii.Error):
            _log.warning("audit_checkpoint_ignored", path=str(self._file.path))
            return None

    def _verify(self, line: Mapping[str, Any]) -> Checkpoint:
        plain = {name: value for name, value in line.items() if name != "signature"}
        signature = base64.b64decode(line["signature"], validate=True)
        if not is_signed(self._signer.public_key, details_text(plain).encode(), signature):
            raise ValueError
        return Checkpoint(
            seq=line["seq"],
            hash=bytes.fromhex(line["hash"]),
            set_mac=bytes.fromhex(line["set"]),
            is_acknowledgement=line["acknowledges"],
        )


def _since_acknowledgement(lines: Iterable[Checkpoint | None]) -> list[Checkpoint]:
    since_acknowledgement: list[Checkpoint] = []
    for checkpoint in filter(None, lines):
        if checkpoint.is_acknowledgement:
            since_acknowledgement.clear()
        since_acknowledgement.append(checkpoint)
    return since_acknowledgement
