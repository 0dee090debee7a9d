"""The changes of rows in one transaction, as the write unit itself makes them.

Rows of an audited table are written only through the unit, which notes them before and after. A
write of anybody else in the database shows as a difference from the row's record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.storage.audit.row_macs import Covered

# The prefix of a column's former value in the details of an event.
FORMER: Final = "former_"

# The name of a table and the id of a row.
Key = tuple[str, str]


@dataclass(slots=True)
class RowChange:
    """One row, before the transaction and now: its covered columns and their MAC.

    Both are None where there is no row. `recorded` is the MAC that the gateway wrote last.
    """

    covered: Covered
    before: Mapping[str, Any] | None = field(repr=False)
    mac_before: bytes | None = field(repr=False)
    after: Mapping[str, Any] | None = field(default=None, repr=False)
    mac_after: bytes | None = field(default=None, repr=False)
    recorded: bytes | None = field(default=None, repr=False)
    facts: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def row(self) -> Mapping[str, Any]:
        """The columns of the row, or those that it had."""
        return self.after or self.before or {}

    @property
    def key(self) -> Key:
        return self.covered.table.name, str(self.row[self.covered.names[0]])

    @property
    def is_tampered(self) -> bool:
        """Whether the row differed from the gateway's last write."""
        return self.mac_before != self.recorded

    @property
    def has_effect(self) -> bool:
        return self.mac_after != self.recorded


@dataclass(slots=True)
class Changes:
    """All changes of a transaction, one for each row, in the order of the first writes."""

    by_key: dict[Key, RowChange] = field(default_factory=dict)

    def add_fact(self, covered: Covered, row_id: str, name: str, *, fact: object) -> None:
        """Add a fact to the event of a noted change."""
        self.by_key[covered.table.name, row_id].facts[name] = fact

    def note(
        self,
        covered: Covered,
        before: tuple[Mapping[str, Any], bytes] | None,
        after: tuple[Mapping[str, Any], bytes] | None,
    ) -> None:
        """Note that a row went from one state to another; a state is its columns and their MAC."""
        audited = covered.audited
        if audited is None:
            return
        old, mac_before = before or (None, None)
        new, mac_after = after or (None, None)
        made = RowChange(covered, old, mac_before, new, mac_after)
        change = self.by_key.setdefault(made.key, made)
        if change.before is None and new is None:
            # A row that came and went in one transaction leaves nothing to record.
            del self.by_key[made.key]
            return
        change.after, change.mac_after = new, mac_after
        change.facts |= {name: made.row[name] for name in audited.facts}
        if old is not None and new is not None:
            change.facts |= {
                f"{FORMER}{name}": old[name] for name in audited.former if old[name] != new[name]
            }
