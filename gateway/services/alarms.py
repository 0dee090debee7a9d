"""Whether the database is the one whose head was anchored last."""

from enum import StrEnum
from hmac import compare_digest

from gateway.crypto.envelope import TamperedBox
from gateway.domain.audit import Link
from gateway.services.anchors import Anchor, Anchors
from gateway.services.trail_keys import TrailKeys
from gateway.storage import audit, catalog
from gateway.storage.proofs import Head
from gateway.storage.unit_of_work import Database, ReadUnit


class Alarm(StrEnum):
    """Why the database is not trusted."""

    CATALOG_DIFFERS = "CATALOG_DIFFERS"
    HEAD_DIFFERS = "HEAD_DIFFERS"
    ANCHOR_MISSING = "ANCHOR_MISSING"
    DATABASE_OLDER = "DATABASE_OLDER"
    DATABASE_OTHER = "DATABASE_OTHER"
    ACCESS_DIFFERS = "ACCESS_DIFFERS"


async def look(
    database: Database, keys: TrailKeys, anchors: Anchors
) -> tuple[Alarm | None, Link | None]:
    """Return why the database cannot be trusted, if so, and the newest event of the same view.

    The anchor is read before the view opens. Another process can write events and anchor them at
    any moment: an anchor that is read later than the view would be ahead of it, without a fault.
    """
    anchor = anchors.latest()
    found, newest = await _compare(database, keys, anchor)
    if found is Alarm.ANCHOR_MISSING and (anchor := anchors.latest()) is not None:
        # Another process has just made its first start.
        return await _compare(database, keys, anchor)
    return found, newest


async def _compare(
    database: Database, keys: TrailKeys, anchor: Anchor | None
) -> tuple[Alarm | None, Link | None]:
    async with database.read() as unit:
        if found := await catalog.catalog_findings(unit):
            catalog.report(found)
            return Alarm.CATALOG_DIFFERS, None
        newest = await audit.newest(unit)
        return await _alarm_of(unit, keys, anchor, newest), newest


async def _alarm_of(
    unit: ReadUnit, keys: TrailKeys, anchor: Anchor | None, newest: Link | None
) -> Alarm | None:
    head = await audit.head(unit)
    if not _is_whole(keys, head, newest):
        return Alarm.HEAD_DIFFERS
    seq = newest.event.seq if newest else 0
    if anchor is None:
        # A first start that was cut off before its first anchor has recorded one event.
        return Alarm.ANCHOR_MISSING if seq > 1 else None
    return await _against(unit, anchor, seq)


async def _against(unit: ReadUnit, anchor: Anchor, seq: int) -> Alarm | None:
    if anchor.seq > seq:
        return Alarm.DATABASE_OLDER
    anchored = await audit.link(unit, anchor.seq)
    if anchored is not None:
        return None if anchored.hash == anchor.hash else Alarm.DATABASE_OTHER
    # Pruned since; whether that beginning is right, the check of the whole chain tells.
    (first,) = await audit.chain(unit, after=0, size=1)
    return None if anchor.seq < first.event.seq else Alarm.DATABASE_OTHER


def _is_whole(keys: TrailKeys, head: Head | None, newest: Link | None) -> bool:
    if head is None or newest is None:
        return head is None and newest is None
    try:
        total = keys.opened_sum(head.set_box, head.seq)
    except TamperedBox:
        return False
    return (
        head.seq == newest.event.seq
        and compare_digest(head.hash, newest.hash)
        and compare_digest(keys.link_hash(newest.event), newest.hash)
        and compare_digest(keys.sum_mac(total), newest.event.set_mac)
    )
