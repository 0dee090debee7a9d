"""Import many secrets in one transaction. Each row can fail by itself.

Errors of a single row are found before the transaction. The transaction reads all secrets that the
rows can collide with, decides on every row, and writes the results, each in few statements.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Self

from gateway.domain.content import is_key
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference, SecretDraft, WriteOptions
from gateway.domain.errors import BusinessError
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission
from gateway.domain.refusals import TooManyRows
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.idempotency import AnswerCodec, RecordedError, codec_of, run_once
from gateway.services.import_plan import (
    ImportAction,
    ImportedRow,
    ImportPlan,
    ImportRow,
    budget_for,
)
from gateway.services.writing import add_all_with_values, update_all_with_values
from gateway.storage import holders, secret_batches
from gateway.storage.unit_of_work import WriteUnit

__all__ = ["MAX_ROWS", "ImportAction", "ImportReport", "ImportRow", "ImportedRow", "Imports"]

MAX_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    holder: Holder
    rows: tuple[ImportedRow, ...]

    @property
    def written(self) -> Sequence[Secret]:
        """The secrets that were created, updated or overridden."""
        unwritten = {ImportAction.SKIPPED, ImportAction.FAILED}
        return [row.secret for row in self.rows if row.secret and row.action not in unwritten]


# A row, and the error of the row itself, if it has one.
_Checked = tuple[ImportRow, BusinessError | None]


@dataclass(frozen=True, slots=True)
class _RecordedRow:
    action: ImportAction
    secret: Secret | None
    error: RecordedError | None


@dataclass(frozen=True, slots=True)
class _RecordedReport:
    holder: Holder
    rows: tuple[_RecordedRow, ...]

    @classmethod
    def of(cls, report: ImportReport) -> Self:
        return cls(
            report.holder,
            tuple(
                _RecordedRow(
                    row.action, row.secret, RecordedError.of(row.error) if row.error else None
                )
                for row in report.rows
            ),
        )

    def restore(self) -> ImportReport:
        rows = (
            ImportedRow(row.action, row.secret, row.error.restore() if row.error else None)
            for row in self.rows
        )
        return ImportReport(self.holder, tuple(rows))


_AS_RECORDED: Final = codec_of(_RecordedReport)
_REPORT_CODEC: Final[AnswerCodec[ImportReport]] = AnswerCodec(
    lambda report: _AS_RECORDED.to_text(_RecordedReport.of(report)),
    lambda text: _AS_RECORDED.to_answer(text).restore(),
)


class Imports(ScopedService):
    """The use case of importing."""

    async def run(
        self,
        *,
        holder_reference: HolderReference,
        rows: Sequence[ImportRow],
        overwrite: bool,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> ImportReport:
        """Import rows at a holder, or at the holders of its chain that the rows' scopes name.

        If the row's holder has the key, the secret is updated with `overwrite` and skipped without.
        If a higher scope has the key, the secret is overridden. If a lower scope has it, the row
        fails. A row also fails if it is invalid, or if a file's value is its mount path.

        Raises:
            HolderNotFound: if the holder is not visible to the principal.
            Forbidden: if the principal cannot write at any of the rows' holders.
            TooManyRows: if there are more than 1,000 rows.
            IdempotencyConflict: if the idempotency key was used for another request.

        """
        if len(rows) > MAX_ROWS:
            raise TooManyRows(MAX_ROWS)
        faults = [_fault(row.draft) for row in rows]
        async with self._scope.writing(options, is_bulk=True) as unit:
            holder = await access.require_on(
                unit, self._scope.principal, Permission.SECRET_WRITE, holder_reference
            )
            checked = list(zip(rows, faults, strict=True))
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("import", holder_reference, rows, overwrite),
                codec=_REPORT_CODEC,
                work=partial(self._import, unit, holder, checked, overwrite=overwrite),
            )

    async def _import(
        self,
        unit: WriteUnit,
        holder: Holder,
        checked: Sequence[_Checked],
        *,
        overwrite: bool,
    ) -> ImportReport:
        chain = await holders.by_ids(unit, holder.chain_ids)
        by_scope = {found.kind: found for found in chain.values()}
        targets = [by_scope.get(row.scope or holder.kind) for row, _ in checked]
        named = {target.id: target for target in targets if target}
        # Before the first write: all holders that the rows name are allowed, or none.
        for target in named.values():
            access.require(self._scope.principal, Permission.SECRET_WRITE, on=target)
        keys = {row.draft.key for row, _ in checked if is_key(row.draft.key)}
        existing = await _find_existing(unit, holder, named.values(), keys)
        valid = [row.draft for row, fault in checked if fault is None]
        budget = await budget_for(
            unit,
            principal=self._scope.principal,
            targets=named.values() or [holder],
            existing=existing,
            drafts=valid,
        )
        counts = await secret_batches.counts_at(unit, list(named))
        # An import is one change, so all its secrets change at one time.
        at = self._context.now()
        context = replace(self._context, now=lambda: at)
        plan = ImportPlan(context, self._scope.principal, overwrite, counts, budget)
        plan.index(existing)
        imported = tuple(plan.add(at, *row) for at, row in zip(targets, checked, strict=True))
        await add_all_with_values(self._context, unit, plan.created.values())
        await update_all_with_values(self._context, unit, plan.edited.values())
        return ImportReport(holder, imported)


async def _find_existing(
    unit: WriteUnit, holder: Holder, targets: Iterable[Holder], keys: set[str]
) -> list[Secret]:
    """Return secrets that rows can collide with: all in the chain, the widest below each target."""
    found = await secret_batches.with_keys(unit, holder.chain_ids, keys)
    for target in targets:
        if not target.kind.is_service:
            found += await secret_batches.widest_below(unit, target, keys)
    return list({secret.id: secret for secret in found}.values())


def _fault(draft: SecretDraft) -> BusinessError | None:
    try:
        draft.ensure_valid()
    except BusinessError as error:
        return error
    return None
