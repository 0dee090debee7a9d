"""Signed heads of the audit trail, written outside the database and read back."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import structlog

from gateway.crypto.signing import Signer, is_signed
from gateway.domain.audit import Link, details_text, moment_text
from gateway.storage.anchors import AnchorFile, read_line

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A head as it was signed. An acknowledgement makes all anchors before it void."""

    seq: int
    hash: bytes = field(repr=False)
    set_mac: bytes = field(repr=False)
    is_acknowledgement: bool = False

    @classmethod
    def of(cls, link: Link, *, is_acknowledgement: bool = False) -> Self:
        """Return the anchor of a link."""
        return cls(
            seq=link.event.seq,
            hash=link.hash,
            set_mac=link.event.set_mac,
            is_acknowledgement=is_acknowledgement,
        )


class Anchors:
    """The anchors of one instance."""

    def __init__(self, file: AnchorFile, signer: Signer, now: Callable[[], datetime]) -> None:
        """Take where they are kept, who signs them, and the clock."""
        self._file = file
        self._signer = signer
        self._now = now
        # The lines that were read last. A signature takes 0.1 ms to check, and each line keeps its.
        self._read: dict[bytes, Anchor | None] = {}
        self._state: tuple[int, int, int] | None = None
        self._standing: Sequence[Anchor] = ()

    @property
    def public_key(self) -> str:
        """The key that checks the signatures, in hexadecimal digits."""
        return self._signer.public_key.hex()

    def write(self, anchor: Anchor) -> None:
        """Sign an anchor; write it to the file and to the log.

        Raises:
            OSError: if the file cannot be written.

        """
        line = self.signed(anchor)
        self._file.append(details_text(line))
        _log.info("audit_anchor", **line)

    def signed(self, anchor: Anchor) -> Mapping[str, Any]:
        """Return an anchor as the file has it."""
        plain: dict[str, Any] = {
            "acknowledges": anchor.is_acknowledgement,
            "at": moment_text(self._now()),
            "hash": anchor.hash.hex(),
            "key": self.public_key,
            "seq": anchor.seq,
            "set": anchor.set_mac.hex(),
        }
        signature = self._signer.sign(details_text(plain).encode())
        return plain | {"signature": base64.b64encode(signature).decode()}

    def latest(self) -> Anchor | None:
        """Return the furthest anchor since the last acknowledgement."""
        return max(self._newest(), key=lambda anchor: anchor.seq, default=None)

    def acknowledgement(self) -> Anchor | None:
        """Return the last acknowledgement, if it is among the newest anchors."""
        first = next(iter(self._newest()), None)
        return first if first is not None and first.is_acknowledgement else None

    def standing(self) -> list[Anchor]:
        """Return every anchor since the last acknowledgement."""
        return _since_acknowledgement(self._anchor_of(line) for line in self._file.all())

    def _newest(self) -> Sequence[Anchor]:
        state = self._file.state()
        if state is not None and state == self._state:
            return self._standing
        known, self._read = self._read, {}
        for line in self._file.newest():
            self._read[line] = known[line] if line in known else self._anchor_of(line)
        self._state, self._standing = state, _since_acknowledgement(self._read.values())
        return self._standing

    def _anchor_of(self, line: bytes) -> Anchor | None:
        plain = read_line(line)
        if plain is None:
            return None
        try:
            return self._checked(plain)
        except (KeyError, TypeError, ValueError, binascii.Error):
            _log.warning("audit_anchor_ignored", path=str(self._file.path))
            return None

    def _checked(self, line: Mapping[str, Any]) -> Anchor:
        plain = {name: it for name, it in line.items() if name != "signature"}
        signature = base64.b64decode(line["signature"], validate=True)
        if not is_signed(self._signer.public_key, details_text(plain).encode(), signature):
            raise ValueError
        return Anchor(
            seq=line["seq"],
            hash=bytes.fromhex(line["hash"]),
            set_mac=bytes.fromhex(line["set"]),
            is_acknowledgement=line["acknowledges"],
        )


def _since_acknowledgement(lines: Iterable[Anchor | None]) -> list[Anchor]:
    standing: list[Anchor] = []
    for anchor in filter(None, lines):
        if anchor.is_acknowledgement:
            standing.clear()
        standing.append(anchor)
    return standing
