"""The current tokens, grants and users, proven by the sealed sum in the log's head."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Final

from gateway.services.audit_keys import AuditKeys, State
from gateway.storage import access_states
from gateway.storage.access_states import ACCESS, AccessRow
from gateway.storage.row_macs import Covered, integrity_fault
from gateway.storage.unit_of_work import ReadUnit

Key = tuple[str, str]

# Beyond this many changed rows, loading all rows is as fast.
MAX_CHANGES: Final = 1_000


@dataclass(frozen=True, slots=True)
class AccessSet:
    """The recorded state of every access row, the sum over them, and the MACs of sound rows.

    The states are exact if the sum is the sealed one. For a row that matches its record, the set
    has the MAC, so a sign-in only compares MACs.
    """

    states: Mapping[Key, bytes] = field(repr=False)
    macs: Mapping[Key, bytes] = field(repr=False)
    total: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetProof:
    """The proof of which rows of a set can be used in a view."""

    current: AccessSet = field(repr=False)
    # Shared with the creator of the proof: refused rows, which are checked again.
    missed: set[Key] = field(repr=False)
    # Rows changed since the set was proven. Their new state cannot be proven.
    excluded: frozenset[Key] = frozenset()

    def ensure_current(self, covered: Covered, row: Sequence[Any]) -> None:
        """Refuse a row that is not current.

        Raises:
            IntegrityFault: after it has been logged.

        """
        key, mac = (covered.table.name, row[0]), row[-1]
        known = None if key in self.excluded else self.current.macs.get(key)
        if known is None or not compare_digest(known, mac):
            self.missed.add(key)
            raise integrity_fault(*key)


async def load(unit: ReadUnit, keys: AuditKeys) -> AccessSet:
    """Return the set that the database records. The caller must compare the sum."""
    building = _Building(keys)
    for table in ACCESS:
        after: str | None = ""
        while after is not None:
            rows = await access_states.page(unit, table, after=after)
            building.add(unit, table, rows)
            after = rows[-1].row_id if len(rows) == access_states.PAGE else None
    return building.build()


async def refresh(
    unit: ReadUnit, keys: AuditKeys, base: AccessSet, changed: Collection[Key]
) -> AccessSet:
    """Return a set after some of its rows changed. The caller must compare the sum."""
    building = _Building(keys, dict(base.states), dict(base.macs), base.total)
    for key in changed:
        building.drop(key)
    for table in ACCESS:
        ids = sorted(row_id for name, row_id in changed if name == table)
        building.add(unit, table, await access_states.with_ids(unit, table, ids))
    return building.build()


@dataclass(slots=True)
class _Building:
    keys: AuditKeys
    states: dict[Key, bytes] = field(default_factory=dict, repr=False)
    macs: dict[Key, bytes] = field(default_factory=dict, repr=False)
    total: int = field(default=0, repr=False)

    def drop(self, key: Key) -> None:
        self.macs.pop(key, None)
        self._move(key, self.states.pop(key, None), None)

    def add(self, unit: ReadUnit, table: str, rows: Sequence[AccessRow]) -> None:
        for row in rows:
            key = (table, row.row_id)
            self.states[key] = row.recorded
            self._move(key, None, row.recorded)
            if (mac := self._sound_mac(unit, table, row)) is not None:
                self.macs[key] = mac

    def build(self) -> AccessSet:
        return AccessSet(self.states, self.macs, self.total)

    def _move(self, key: Key, before: State, after: State) -> None:
        table, row_id = key
        self.total = self.keys.access_moved(
            self.total, table=table, row_id=row_id, before=before, after=after
        )

    def _sound_mac(self, unit: ReadUnit, table: str, row: AccessRow) -> bytes | None:
        """Return a row's MAC if the row matches its record and the MAC matches its columns."""
        state = self.keys.state(table, row.row_id, row.state)
        if state is None or not compare_digest(state, row.recorded):
            return None
        *values, mac = row.columns
        expected = unit.macs.of(ACCESS[table], values)
        return expected if compare_digest(expected, mac or b"") else None
