"""Turn the rows that a transaction changed into audit events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.storage.audit.changes import Key, RowChange
from gateway.storage.audit.places import Place
from gateway.storage.audit.row_macs import DELETIONS, REFERENCES, VALUES

_PARTS: Final = (VALUES, REFERENCES)
_UNSEEN: Final = (AuditSubject.USER, "CHANGED")

Subject = tuple[AuditSubject, str]


def drafts(changes: Iterable[RowChange], places: Mapping[Key, Place]) -> Sequence[AuditDraft]:
    """Return the events: one for each subject, and one for each tampered row."""
    by_subject: dict[Subject, list[RowChange]] = {}
    alarms: list[AuditDraft] = []
    for change in changes:
        subject = _subject_of(change)
        if change.has_effect:
            by_subject.setdefault(subject, []).append(change)
        if change.is_tampered:
            alarms.append(_alarm(subject, change, places[change.key]))
    events = (
        _draft(subject, parts, places[parts[0].key])
        for subject, parts in by_subject.items()
        if not _is_silent(parts)
    )
    return [*alarms, *events]


def _subject_of(change: RowChange) -> Subject:
    """Return the subject of a change's event; the subject of a value is its secret."""
    audited = change.covered.audited
    assert audited is not None  # noqa: S101 - only audited rows are noted
    if change.covered is DELETIONS and change.row["organization_id"] == change.key[1]:
        return AuditSubject.ORGANIZATION, change.key[1]
    return audited.subject, change.key[1]


def _is_silent(parts: Iterable[RowChange]) -> bool:
    # Reading the references of an unchanged value has no visible effect.
    return all(part.covered is REFERENCES for part in parts)


def _effect(change: RowChange) -> str:
    """Return the last word of the action's name."""
    if change.after is None:
        return "DELETED"
    return "CREATED" if change.recorded is None else "CHANGED"


def _draft(subject: Subject, parts: Sequence[RowChange], place: Place) -> AuditDraft:
    kind, _ = subject
    own = [part for part in parts if part.covered not in _PARTS]
    effect = _effect(own[0]) if own else "CHANGED"
    details: dict[str, Any] = {}
    for part in parts:
        details |= {name: _plain(fact) for name, fact in part.facts.items()}
    if kind is AuditSubject.SECRET and effect == "CHANGED":
        # A new value also changes the row of the secret; a new data key only reseals the value.
        details["is_new_value"] = bool(own) and any(part.covered is VALUES for part in parts)
        details["is_sealed_anew"] = not own
    for part in parts:
        if part.covered is DELETIONS:
            # It is hidden now, or all its rows are gone now.
            effect, details["is_complete"] = "DELETED", part.after is None
    draft = _event(subject, AuditAction[f"{kind}_{effect}"], place, details)
    # The only change of a user is its identity's home. The organization cannot see that event,
    # since it would reveal other organizations.
    return replace(draft, organization_id=None) if (kind, effect) == _UNSEEN else draft


def _alarm(subject: Subject, change: RowChange, place: Place) -> AuditDraft:
    details = {"table": change.covered.table.name, "fault": "CHANGED_OUTSIDE"}
    return _event(subject, AuditAction.INTEGRITY_ALARM, place, details)


def _event(
    subject: Subject, action: AuditAction, place: Place, details: Mapping[str, Any]
) -> AuditDraft:
    kind, subject_id = subject
    return AuditDraft(
        action=action,
        subject=kind,
        subject_id=subject_id,
        organization_id=place.organization_id,
        project_id=place.project_id,
        holder_id=place.holder_id,
        key=place.key,
        details=details,
    )


def _plain(fact: object) -> object:
    """Return a fact as SQLite stores it."""
    return f"{fact:%Y-%m-%d %H:%M:%S.%f}" if isinstance(fact, datetime) else fact
