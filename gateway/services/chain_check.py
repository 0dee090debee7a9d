"""Checking the chain from its first link to its head, and against every anchor."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest

from gateway.domain.audit import FIRST_HASH, AuditAction, Link
from gateway.services.anchors import Anchor
from gateway.services.trail_keys import TrailKeys
from gateway.storage import audit
from gateway.storage.proofs import Head
from gateway.storage.unit_of_work import ReadUnit

PAGE = 1_000


class ChainFault(StrEnum):
    """What is wrong with a link, or with a place where one should be."""

    ALTERED = "ALTERED"
    UNLINKED = "UNLINKED"
    MISSING = "MISSING"
    CUT_FRONT = "CUT_FRONT"
    CUT_END = "CUT_END"
    OTHER_THAN_ANCHORED = "OTHER_THAN_ANCHORED"
    INDEX_DIFFERS = "INDEX_DIFFERS"


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """A fault and the number of the link that it is at."""

    fault: ChainFault
    seq: int


@dataclass(slots=True)
class ChainReport:
    """What a check found, and how far it looked."""

    links: int = 0
    first: int = 0
    last: int = 0
    anchors: int = 0
    findings: list[ChainFinding] = field(default_factory=list)

    def add(self, fault: ChainFault, seq: int) -> None:
        """Note a fault."""
        self.findings.append(ChainFinding(fault, seq))


@dataclass(slots=True)
class ChainWalk:
    """Where a check stands."""

    keys: TrailKeys
    report: ChainReport = field(default_factory=ChainReport)
    anchored: dict[int, bytes] = field(default_factory=dict, repr=False)
    begins_after: tuple[int, bytes] = field(default=(0, FIRST_HASH), repr=False)
    prunings: set[tuple[int, str]] = field(default_factory=set)
    seq: int = 0
    hash: bytes = field(default=FIRST_HASH, repr=False)

    def take(self, links: Sequence[Link], indexed: set[tuple[int, str]]) -> None:
        """Check the next links, and what the index says of them."""
        # What an altered link says is not even read: it may say anything.
        sound = self.follow(links)
        told = {pair for link in sound for pair in _mentions(link)}
        altered = {link.event.seq for link in links} - {link.event.seq for link in sound}
        for seq, _ in sorted(told ^ {pair for pair in indexed if pair[0] not in altered}):
            self.report.add(ChainFault.INDEX_DIFFERS, seq)

    def follow(self, links: Iterable[Link]) -> Sequence[Link]:
        """Check the next links; return those that say what was once sealed."""
        return [link for link in links if self._take(link)]

    def _take(self, link: Link) -> bool:
        """Check a link; tell whether it says what was once sealed."""
        event = link.event
        if self.report.links == 0:
            self.report.first = event.seq
            self.begins_after = (event.seq - 1, event.prev_hash)
        elif event.seq != self.seq + 1:
            self.report.add(ChainFault.MISSING, self.seq + 1)
        elif not compare_digest(event.prev_hash, self.hash):
            self.report.add(ChainFault.UNLINKED, event.seq)
        is_sound = compare_digest(self.keys.link_hash(event), link.hash)
        if not is_sound:
            self.report.add(ChainFault.ALTERED, event.seq)
        elif event.action == AuditAction.AUDIT_PRUNED:
            self.prunings.add((event.facts["through"], event.facts["hash"]))
        if self.anchored.pop(event.seq, link.hash) != link.hash:
            self.report.add(ChainFault.OTHER_THAN_ANCHORED, event.seq)
        self.seq, self.hash = event.seq, link.hash
        self.report.links += 1
        self.report.last = event.seq
        return is_sound

    def end(self, head: Head | None) -> None:
        """Check both ends."""
        through, prev_hash = self.begins_after
        is_whole = through == 0 and prev_hash == FIRST_HASH
        if not is_whole and (through, prev_hash.hex()) not in self.prunings:
            self.report.add(ChainFault.CUT_FRONT, through)
        if head is None or (head.seq, head.hash) != (self.seq, self.hash):
            self.report.add(ChainFault.CUT_END, self.seq)
        for seq in sorted(seq for seq in self.anchored if seq > self.seq):
            self.report.add(ChainFault.CUT_END, seq)


def _mentions(link: Link) -> Iterator[tuple[int, str]]:
    for secret_id in link.event.mentioned_secret_ids:
        yield link.event.seq, secret_id


async def check_chain(unit: ReadUnit, keys: TrailKeys, anchors: Iterable[Anchor]) -> ChainReport:
    """Return all that is wrong with the chain."""
    anchored = {anchor.seq: anchor.hash for anchor in anchors}
    walk = ChainWalk(keys, ChainReport(anchors=len(anchored)), anchored)
    links = await audit.chain(unit, after=-1, size=PAGE)
    while links:
        first, last = links[0].event.seq, links[-1].event.seq
        walk.take(links, await audit.mentions(unit, first=first, last=last))
        links = await audit.chain(unit, after=last, size=PAGE)
    walk.end(await audit.head(unit))
    for _ in range(await audit.stray_mentions(unit)):
        walk.report.add(ChainFault.INDEX_DIFFERS, 0)
    return walk.report
