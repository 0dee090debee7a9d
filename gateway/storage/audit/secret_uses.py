"""Which secrets were delivered since a time, from the sets of the log's deliveries."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select

from gateway.domain.audit import (
    AuditAction,
    DatabaseAcceptedLater,
    LogBeginsLater,
    TooManyDeliveries,
)
from gateway.domain.delivered_sets import (
    BLOCK_EVENTS,
    UNREADABLE,
    block_of,
    packed_id,
    packed_ids,
    unpacked_id,
)
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from gateway.storage.audit.delivered_sets import HAS_NO_SET, MAX_SEQ
from gateway.storage.audit.event_log import DELIVERED_SET, EVENT
from gateway.storage.audit.log_rows import newest_of_instance
from gateway.storage.audit.log_times import LogTimes, Period
from gateway.storage.audit.pages import refuse_faulty
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.prepared import values_of
from gateway.storage.unit_of_work import ReadUnit

# The sets of some 60 blocks, which are a million deliveries, of a thousand services with 50 keys.
MAX_BYTES: Final = 64 * 1024 * 1024
_SET: Final = DELIVERED_SET.c
_FIRST_EVENT: Final = select(EVENT.c.seq, EVENT.c.at).where(
    EVENT.c.seq == select(func.min(EVENT.c.seq)).scalar_subquery()
)


@dataclass(slots=True, repr=False)
class _Delivered:
    """The ids of the secrets that were delivered; of targets, also where they were."""

    targets: frozenset[bytes]
    # The environments of services.
    environments: Mapping[str, str]
    ids: set[bytes] = field(default_factory=set)
    reached: dict[bytes, set[str]] = field(default_factory=dict)
    # The services that got a target, and those of them that no longer exist.
    services: set[str] = field(default_factory=set)
    deleted: Collection[str] = ()
    _read: set[bytes] = field(default_factory=set)

    def add(self, rows: Iterable[Row[Any]]) -> None:
        """Add delivered sets. Many services have the same one in each block."""
        for row in rows:
            name = blake2b(row.holder_id.encode() + row.secrets, digest_size=16).digest()
            if name not in self._read:
                self._read.add(name)
                self._add(row, packed_ids(row.secrets))

    def _add(self, row: Row[Any], ids: Sequence[bytes]) -> None:
        self.ids.update(ids)
        above = (row.holder_id, self.environments.get(row.holder_id, ""), row.project_id)
        for target in self.targets.intersection(ids):
            self.reached.setdefault(target, set()).update(above)
            self.services.add(row.holder_id)

    def has_alias(self, alias: Row[Any]) -> bool:
        """Return whether a service got the target of an alias that the service sees.

        Nobody knows of which environment a deleted service was, so it counts for all of them.
        """
        reached = self.reached.get(packed_id(alias.target_id), set())
        is_of_deleted = alias.scope == Scope.ENVIRONMENT and not reached.isdisjoint(self.deleted)
        return alias.holder_id in reached or is_of_deleted


async def delivered_since(
    unit: ReadUnit,
    times: LogTimes,
    since: datetime,
    *,
    organization_id: str,
    project_ids: Collection[str] | None = None,
    admit: Callable[[int], None],
) -> Collection[str]:
    """Return the ids of the secrets that a service got since a time; of these projects, or of all.

    `admit` gets the bytes of the sets before they are read; an exception ends the search.

    An event says whose values were handed out, and not under which keys. So an alias counts with
    its target, if a service got that which sees the alias.

    Raises:
        LogBeginsLater: if the log no longer has the deliveries of that time.
        DatabaseAcceptedLater: if the operator accepted the database after that time, so that
            the log need not have all deliveries.
        TooManyDeliveries: if the sets since then are longer than MAX_BYTES.
        IntegrityFault: if an event at that time, or a set, is not what was recorded.

    """
    await _ensure_known(unit, since)
    period = await times.between(unit, since, None)
    if times.faulty:
        await refuse_faulty(unit, times.faulty, period.first, MAX_SEQ, has_deliveries=True)
    is_wanted = _SET.organization_id == organization_id
    if project_ids is not None:
        is_wanted = _SET.project_id.in_(values_of(project_ids))
    aliases = await _aliases(unit, organization_id)
    delivered = _Delivered(
        frozenset(packed_id(alias.target_id) for alias in aliases),
        await _environments(unit, {alias.holder_id for alias in aliases}),
    )
    blocks = await _blocks(unit, is_wanted, block_of(period.first), admit)
    await _read(unit, is_wanted, blocks, period, delivered)
    delivered.deleted = delivered.services - await _existing(unit, delivered.services)
    used = await asyncio.to_thread(lambda: set(map(unpacked_id, delivered.ids)))
    return used.union(alias.id for alias in aliases if delivered.has_alias(alias))


async def _read(
    unit: ReadUnit,
    is_wanted: ColumnElement[bool],
    blocks: Iterable[int],
    period: Period,
    delivered: _Delivered,
) -> None:
    first = block_of(period.first)
    for block in blocks:
        found = select(_SET.holder_id, _SET.project_id, _SET.secrets).where(
            is_wanted, _SET.block == block
        )
        # The other blocks have no event from before.
        if block == first or not period.numbers:
            found = found.where(_SET.fingerprint.in_(_named_in(block, period)))
        rows = await unit.rows(found)
        try:
            # Outside of the loop's thread: a set can have thousands of secrets.
            await asyncio.to_thread(delivered.add, rows)
        except UNREADABLE:
            raise integrity_fault(DELIVERED_SET.name, str(block)) from None


async def _ensure_known(unit: ReadUnit, since: datetime) -> None:
    first = await unit.first(_FIRST_EVENT)
    # The first event of all is from when the database was made.
    if first is not None and first.seq > 1 and since < first.at:
        raise LogBeginsLater(first.at)
    accepted = await newest_of_instance(unit, AuditAction.AUDIT_ACKNOWLEDGED)
    if accepted is None:
        return
    if not unit.is_intact(accepted):
        raise integrity_fault(EVENT.name, str(accepted.event.seq))
    if since < accepted.event.at:
        raise DatabaseAcceptedLater(accepted.event.at)


async def _blocks(
    unit: ReadUnit, is_wanted: ColumnElement[bool], first: int, admit: Callable[[int], None]
) -> Sequence[int]:
    """Return the blocks with sets, from one on."""
    found = select(_SET.block, func.sum(func.length(_SET.secrets)).label("bytes"))
    rows = await unit.rows(found.where(is_wanted, _SET.block >= first).group_by(_SET.block))
    size = sum(row.bytes for row in rows)
    if size > MAX_BYTES:
        raise TooManyDeliveries
    admit(size)
    return [row.block for row in rows]


def _named_in(block: int, period: Period) -> Any:  # noqa: ANN401 - what SQLAlchemy selects
    first = max(block * BLOCK_EVENTS, period.first)
    is_there = EVENT.c.seq.between(first, (block + 1) * BLOCK_EVENTS - 1)
    return select(EVENT.c.delivered_set).where(is_there, ~HAS_NO_SET, *period.times)


async def _aliases(unit: ReadUnit, organization_id: str) -> Sequence[Row[Any]]:
    return await unit.rows(
        select(SECRET.c.id, SECRET.c.target_id, SECRET.c.holder_id, SECRET.c.scope).where(
            SECRET.c.organization_id == organization_id,
            SECRET.c.variable_type == SecretType.ALIAS,
            SECRET.c.target_id.is_not(None),
        )
    )


async def _environments(unit: ReadUnit, holder_ids: Collection[str]) -> Mapping[str, str]:
    """Return the environment of each service below one of these holders."""
    columns = HOLDER.c.id, HOLDER.c.environment_id
    rows = await unit.rows(
        select(*columns).where(HOLDER.c.environment_id.in_(values_of(holder_ids)))
    )
    return {row.id: row.environment_id for row in rows}


async def _existing(unit: ReadUnit, service_ids: Collection[str]) -> set[str]:
    rows = await unit.rows(select(HOLDER.c.id).where(HOLDER.c.id.in_(values_of(service_ids))))
    return {row.id for row in rows}
