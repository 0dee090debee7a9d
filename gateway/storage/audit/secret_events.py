"""What the log knows of secrets: who created and last changed each one, and its last delivery."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)

from gateway.domain.audit import AuditAction, AuditEvent, SecretEdits
from gateway.domain.delivered_sets import BLOCK_EVENTS, packed_id
from gateway.storage.audit.delivered_sets import IS_OF_SECRET
from gateway.storage.audit.event_log import DELIVERED_SET, EVENT, intact_event_of, select_events
from gateway.storage.prepared import Prepared, each_of
from gateway.storage.unit_of_work import ReadUnit

_SET: Final = DELIVERED_SET.c
_NO_BLOCK: Final = 2**62
_CREATED: Final[ColumnElement[str]] = literal_column(f"'{AuditAction.SECRET_CREATED}'")
_CHANGED: Final[ColumnElement[str]] = literal_column(f"'{AuditAction.SECRET_CHANGED}'")
# A new data key is not a change of the secret.
_IS_RESEALED: Final = EVENT.c.details.contains('"is_sealed_anew":true')
# A deleted secret that came back was not created then.
_IS_RESTORED: Final = EVENT.c.details.contains('"is_restored":true')
_EDITS: Final = Prepared(
    select(
        EVENT.c.subject_id,
        func.min(case((and_(EVENT.c.action == _CREATED, ~_IS_RESTORED), EVENT.c.seq))).label(
            "created"
        ),
        func.max(EVENT.c.seq).label("changed"),
    )
    .where(
        IS_OF_SECRET,
        EVENT.c.subject_id.in_(each_of("ids")),
        or_(EVENT.c.action == _CREATED, and_(EVENT.c.action == _CHANGED, ~_IS_RESEALED)),
    )
    .group_by(EVENT.c.subject_id)
)
_OF_PROJECT: Final = _SET.project_id == bindparam("project")
_BELOW: Final = (
    select(func.max(_SET.block))
    .where(_OF_PROJECT, _SET.block < bindparam("below", type_=Integer))
    .scalar_subquery()
)
_NEXT_SETS: Final = Prepared(
    select(_SET.block, _SET.fingerprint, _SET.secrets).where(_OF_PROJECT, _SET.block == _BELOW)
)
_IN_BLOCK: Final = select(_SET.fingerprint).where(
    _OF_PROJECT, _SET.block == bindparam("block", type_=Integer)
)
_NEWEST: Final = Prepared(
    select(EVENT.c.delivered_set, func.max(EVENT.c.seq).label("seq"))
    .where(
        EVENT.c.seq.between(bindparam("first", type_=Integer), bindparam("last", type_=Integer)),
        EVENT.c.delivered_set.in_(_IN_BLOCK),
    )
    .group_by(EVENT.c.delivered_set)
)


async def edits(unit: ReadUnit, ids: Collection[str]) -> Mapping[str, SecretEdits]:
    """Return the edits of those secrets that the log has events of, by id.

    Raises:
        IntegrityFault: if an event is not what was recorded.

    """
    rows = await unit.rows(_EDITS(ids=list(ids)))
    found = await _events(unit, {seq for row in rows for seq in (row.created, row.changed) if seq})
    return {row.subject_id: SecretEdits(found.get(row.created), found[row.changed]) for row in rows}


async def last_deliveries(
    unit: ReadUnit, project_id: str, ids: Collection[str]
) -> Mapping[str, AuditEvent]:
    """Return the last delivery of each of a project's secrets, if the log still has one.

    Raises:
        IntegrityFault: if an event is not what was recorded.

    """
    last: dict[str, int] = {}
    remaining, below = {secret_id: packed_id(secret_id) for secret_id in ids}, _NO_BLOCK
    while remaining and (rows := await unit.rows(_NEXT_SETS(project=project_id, below=below))):
        below = rows[0].block
        # Outside of the loop's thread: a set can have thousands of secrets.
        having = await asyncio.to_thread(_having, rows, remaining)
        newest = await _newest(unit, project_id, below) if having else {}
        for secret_id, names in having.items():
            if seqs := [newest[name] for name in names if name in newest]:
                last[secret_id] = max(seqs)
                del remaining[secret_id]
    events = await _events(unit, set(last.values()))
    return {
        secret_id: events[seq]
        for secret_id, seq in last.items()
        if secret_id in events[seq].delivered_secret_ids
    }


def _having(rows: Sequence[Row[Any]], wanted: Mapping[str, bytes]) -> Mapping[str, Sequence[bytes]]:
    """Return the names of the sets that have each of these secrets."""
    found = {
        secret_id: [row.fingerprint for row in rows if packed in row.secrets]
        for secret_id, packed in wanted.items()
    }
    return {secret_id: names for secret_id, names in found.items() if names}


async def _newest(unit: ReadUnit, project_id: str, block: int) -> Mapping[bytes, int]:
    """Return the number of the last event of each set of a block."""
    first = block * BLOCK_EVENTS
    rows = await unit.rows(
        _NEWEST(project=project_id, block=block, first=first, last=first + BLOCK_EVENTS - 1)
    )
    return {row.delivered_set: row.seq for row in rows}


async def _events(unit: ReadUnit, seqs: Collection[int]) -> Mapping[int, AuditEvent]:
    rows = await unit.rows(select_events().where(EVENT.c.seq.in_(sorted(seqs)))) if seqs else ()
    return {row.seq: intact_event_of(unit, row) for row in rows}
