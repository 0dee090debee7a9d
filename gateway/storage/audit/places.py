"""Where changed rows belong: the organization, project, holder and key in their events.

Most rows have these columns. A sealed value belongs where its secret is, and a grant or a data key
to the project of its holder.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from gateway.storage.audit.changes import Key, RowChange
from gateway.storage.audit.row_macs import HOLDERS, SECRETS, Covered
from gateway.storage.rows import in_parts
from gateway.storage.unit_of_work import ReadUnit

_ABOVE: Final[Mapping[str, Covered]] = {each.table.name: each for each in (HOLDERS, SECRETS)}


@dataclass(frozen=True, slots=True)
class Place:
    organization_id: str | None = None
    project_id: str | None = None
    holder_id: str | None = None
    key: str | None = None


async def places(unit: ReadUnit, changes: Iterable[RowChange]) -> Mapping[Key, Place]:
    """Return the place of each changed row.

    A row that is named above another one may be gone after the transaction; then it is among the
    changes, too.
    """
    rows = {change.key: change for change in changes}
    known = {key: _own_place(change.covered, change.row) for key, change in rows.items()}
    above = {key: _key_above(change) for key, change in rows.items()}
    for table in _ABOVE:
        ids = {key[1] for key in above.values() if key and key[0] == table and key not in known}
        known |= await _looked_up(unit, _ABOVE[table], sorted(ids))
    return {key: _merged(known[key], known.get(above[key] or key)) for key in rows}


def _key_above(change: RowChange) -> Key | None:
    audited = change.covered.audited
    if audited is None or audited.above is None:
        return None
    table, column = audited.above
    row_id = change.row[column]
    return None if row_id is None else (table, row_id)


def _own_place(covered: Covered, row: Mapping[str, Any]) -> Place:
    audited = covered.audited
    if audited is None:
        return Place()
    columns = (audited.organization, audited.project, audited.holder, audited.key)
    return Place(*(row[column] if column else None for column in columns))


async def _looked_up(unit: ReadUnit, covered: Covered, ids: Sequence[str]) -> Mapping[Key, Place]:
    columns = [covered.table.c[name] for name in covered.names]
    return {
        (covered.table.name, row[0]): _own_place(covered, covered.named(row))
        for part in in_parts(ids)
        for row in await unit.rows(select(*columns).where(covered.row_id.in_(part)))
    }


def _merged(own: Place, above: Place | None) -> Place:
    if above is None or above is own:
        return own
    return Place(
        organization_id=own.organization_id or above.organization_id,
        project_id=own.project_id or above.project_id,
        holder_id=own.holder_id or above.holder_id,
        key=own.key or above.key,
    )
