"""Signed heads of the audit trail, written outside the database and read back."""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import structlog

from gateway.crypto.signing import Signer, is_signed
from gateway.domain.audit import Link, details_text, moment_text
from gateway.storage.anchors import AnchorFile

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
        valid = self._since_acknowledgement(self._file.newest())
        return max(valid, key=lambda anchor: anchor.seq, default=None)

    def standing(self) -> list[Anchor]:
        """Return every anchor since the last acknowledgement."""
        return self._since_acknowledgement(self._file.all())

    def _since_acknowledgement(self, lines: Iterable[Mapping[str, Any]]) -> list[Anchor]:
        standing: list[Anchor] = []
        for anchor in self._valid(lines):
            if anchor.is_acknowledgement:
                standing.clear()
            standing.append(anchor)
        return standing

    def _valid(self, lines: Iterable[Mapping[str, Any]]) -> Iterator[Anchor]:
        for line in lines:
            try:
                yield self._checked(line)
            except (KeyError, TypeError, ValueError, binascii.Error):
                _log.warning("audit_anchor_ignored", path=str(self._file.path))

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
