"""Turn the rows that a transaction touched into audit events."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.services.audit.keys import AuditKeys, State
from gateway.storage.audit.watching import FORMER, WATCHED

_VALUE: Final = "sealed_value"
_REFERENCES: Final = "value_reference"
_PARTS: Final = frozenset({_VALUE, _REFERENCES})
_UNSEEN: Final = (AuditSubject.USER, "CHANGED")


@dataclass(slots=True)
class RowChange:
    table: str
    row_id: str
    expected: State = field(repr=False)
    before: State = field(repr=False)
    after: State = field(repr=False)
    notes: list[Any] = field(default_factory=list, repr=False)

    @property
    def is_tampered(self) -> bool:
        """Whether the row differed from the application's last write."""
        return self.before != self.expected

    @property
    def has_effect(self) -> bool:
        return self.after != self.expected

    @property
    def subject(self) -> tuple[AuditSubject, str]:
        """The subject of its event; the subject of a value is its secret."""
        return WATCHED[self.table].subject, self.row_id

    @property
    def facts(self) -> dict[str, Any]:
        """The details of its event: the last value of each fact, and the former values."""
        details: dict[str, Any] = {}
        for note in self.notes:
            facts = json.loads(note.facts)
            details |= {
                name: fact
                for name, fact in facts.items()
                if fact is not None or not name.startswith(FORMER)
            }
        return details

    @property
    def effect(self) -> str:
        """The last word of the action's name."""
        if self.after is None:
            return "DELETED"
        return "CREATED" if self.expected is None else "CHANGED"


def row_changes(notes: Iterable[Any], keys: AuditKeys) -> Sequence[RowChange]:
    """Return one change for each row, in the order of their first notes."""
    changes: dict[tuple[str, str], RowChange] = {}
    for note in notes:
        identity = (note.noun, note.row_id)
        if identity not in changes:
            before = keys.state(*identity, note.before)
            changes[identity] = RowChange(*identity, note.recorded, before, None)
        changes[identity].after = keys.state(*identity, note.after)
        changes[identity].notes.append(note)
    return list(changes.values())


def drafts(changes: Iterable[RowChange]) -> Sequence[AuditDraft]:
    """Return the events: one for each subject, and one for each tampered row."""
    by_subject: dict[tuple[AuditSubject, str], list[RowChange]] = {}
    alarms: list[AuditDraft] = []
    for change in changes:
        if change.has_effect:
            by_subject.setdefault(change.subject, []).append(change)
        if change.is_tampered:
            alarms.append(_alarm(change))
    details = {subject: parts for subject, parts in by_subject.items() if not _is_silent(parts)}
    return [*alarms, *(_draft(subject, parts) for subject, parts in details.items())]


def _is_silent(parts: Iterable[RowChange]) -> bool:
    # Reading the references of an unchanged value has no visible effect.
    return all(part.table == _REFERENCES for part in parts)


def _draft(subject: tuple[AuditSubject, str], parts: Sequence[RowChange]) -> AuditDraft:
    kind, subject_id = subject
    own = [part for part in parts if part.table not in _PARTS]
    effect = own[0].effect if own else "CHANGED"
    details: dict[str, Any] = {}
    for part in parts:
        details |= part.facts
    if kind is AuditSubject.SECRET and effect == "CHANGED":
        # A new value also changes the row of the secret; a new data key only reseals the value.
        details["is_new_value"] = bool(own) and any(item.table == _VALUE for item in parts)
        details["is_sealed_anew"] = not own
    # A value that is deleted with its secret no longer knows its holder.
    note = (own or parts)[0].notes[-1]
    return AuditDraft(
        action=AuditAction[f"{kind}_{effect}"],
        subject=kind,
        subject_id=subject_id,
        # The only change of a user is its identity's home. The organization cannot see that event,
        # since it would reveal other organizations.
        organization_id=None if (kind, effect) == _UNSEEN else note.organization_id,
        project_id=note.project_id,
        holder_id=note.holder_id,
        key=note.key,
        details=details,
        secret_ids=(subject_id,) if kind is AuditSubject.SECRET else (),
    )


def _alarm(change: RowChange) -> AuditDraft:
    note = change.notes[0]
    kind, subject_id = change.subject
    return AuditDraft(
        action=AuditAction.INTEGRITY_ALARM,
        subject=kind,
        subject_id=subject_id,
        organization_id=note.organization_id,
        project_id=note.project_id,
        holder_id=note.holder_id,
        key=note.key,
        details={"table": change.table, "fault": "CHANGED_OUTSIDE"},
        secret_ids=(subject_id,) if kind is AuditSubject.SECRET else (),
    )
