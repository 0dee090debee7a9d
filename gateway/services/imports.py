"""Importing many secrets at once: each row alone can fail, and all are one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.content import is_key
from gateway.domain.drafts import (
    AT_ONCE,
    KEPT,
    EditDraft,
    HolderReference,
    OverrideDraft,
    SecretDraft,
    WriteTerms,
)
from gateway.domain.errors import BusinessError, ConcurrentChange
from gateway.domain.holders import Holder, Relation
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import ImportScopeViolation, KeyConflict, TooManyRows
from gateway.domain.rules import ensure_can_be_changed
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.changes import apply_edit
from gateway.services.foundation import Foundation
from gateway.services.overrides import add_override
from gateway.services.secrets import add_free_secret, add_secret
from gateway.storage import holders, secrets
from gateway.storage.unit_of_work import WriteUnit

MAX_ROWS = 1_000


class ImportAction(StrEnum):
    """What became of an imported row."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    OVERRIDDEN = "OVERRIDDEN"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One secret to import; without a scope, at the holder itself."""

    draft: SecretDraft
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of one row: the secret it is about, or why there is none."""

    action: ImportAction
    secret: Secret | None = None
    error: BusinessError | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of all rows, in their order."""

    holder: Holder
    rows: tuple[ImportedRow, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """One import under way; `taken` are the keys that something in the project has."""

    unit: WriteUnit
    viewer: Principal
    overwrite: bool
    taken: set[str]


class Imports:
    """The use case of importing."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation

    async def run(
        self,
        *,
        viewer: Principal,
        at: HolderReference,
        rows: Sequence[ImportRow],
        overwrite: bool,
        terms: WriteTerms = AT_ONCE,
    ) -> ImportReport:
        """Import rows at a holder, or at the holders of its chain that the rows' scopes name.

        A key that the same holder has is updated if `overwrite`, else skipped; one that a higher
        scope has is overridden; one that a lower scope has fails, as does a row against the rules.

        Raises:
            HolderNotFound: if the holder is not there for the viewer.
            Forbidden: if the viewer may not write at any of the rows' holders.
            TooManyRows: if there are more than 1,000 rows.

        """
        if len(rows) > MAX_ROWS:
            raise TooManyRows(MAX_ROWS)
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            holder = await access.require_on(unit, viewer, Permission.SECRET_WRITE, at)
            chain = await holders.by_ids(unit, holder.chain_ids)
            by_scope = {found.kind: found for found in chain.values()}
            places = [by_scope.get(row.scope or holder.kind) for row in rows]
            # Before the first one is written: all that the rows name, or nothing.
            for place in filter(None, places):
                access.require(viewer, Permission.SECRET_WRITE, on=place)
            keys = filter(is_key, (row.draft.key for row in rows))
            taken = await secrets.keys_in_project(unit, holder.project_id, keys)
            work = _Work(unit, viewer, overwrite, taken)
            imported = [
                await self._row(work, place, row) for place, row in zip(places, rows, strict=True)
            ]
        return ImportReport(holder, tuple(imported))

    async def _row(self, work: _Work, holder: Holder | None, row: ImportRow) -> ImportedRow:
        try:
            if holder is None:
                raise ImportScopeViolation(row.scope)
            row.draft.ensure_valid()
            return await self._written(work, holder, row.draft)
        except ConcurrentChange:
            raise
        except BusinessError as error:
            # Every rule is checked before a row's first statement, so nothing of it was written.
            return ImportedRow(ImportAction.FAILED, error=error)

    async def _written(self, work: _Work, holder: Holder, draft: SecretDraft) -> ImportedRow:
        unit, viewer = work.unit, work.viewer
        if draft.key not in work.taken:
            # Most rows of most imports: nothing in the project could stand in their way.
            created = await add_free_secret(self._foundation, unit, holder, draft)
            work.taken.add(draft.key)
            return ImportedRow(ImportAction.CREATED, created)
        if own := await secrets.find_at(unit, holder, draft.key):
            return await self._updated(work, own, draft)
        existing = await secrets.find_with_key(unit, holder, draft.key)
        if existing is None:
            created = await add_secret(self._foundation, unit, holder, draft, viewer=viewer)
            return ImportedRow(ImportAction.CREATED, created)
        is_above = holder.relation_of(existing.holder) is Relation.IN_CHAIN
        if not is_above or not access.can_see(viewer, existing):
            raise KeyConflict(access.seen(viewer, existing))
        # The widest one with the key; an override further down stands on the same target.
        override = await add_override(
            self._foundation, unit, holder, existing.id, _override(draft), viewer=viewer
        )
        return ImportedRow(ImportAction.OVERRIDDEN, override)

    async def _updated(self, work: _Work, own: Secret, draft: SecretDraft) -> ImportedRow:
        if not work.overwrite:
            return ImportedRow(ImportAction.SKIPPED, own)
        ensure_can_be_changed(own)
        edit = EditDraft(
            key=draft.key,
            value=draft.value or "",
            description=KEPT if draft.description is None else draft.description,
            enable_interpolation_in_file=(
                KEPT
                if draft.enable_interpolation_in_file is None
                else draft.enable_interpolation_in_file
            ),
        )
        edited = await apply_edit(self._foundation, work.unit, own, edit, viewer=work.viewer)
        return ImportedRow(ImportAction.UPDATED, edited)


def _override(draft: SecretDraft) -> OverrideDraft:
    return OverrideDraft(
        value=draft.value,
        description=draft.description,
        enable_interpolation_in_file=draft.enable_interpolation_in_file,
    )
