"""Importing many secrets at once: each row alone can fail, and all are one transaction.

What is wrong with a row by itself is found before the transaction. In it, all that the rows may
meet is read at once, all rows are decided on, and what they leave is written at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.content import is_key
from gateway.domain.drafts import AT_ONCE, HolderReference, SecretDraft, WriteTerms
from gateway.domain.errors import BusinessError
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import TooManyRows
from gateway.services import access
from gateway.services.foundation import Foundation
from gateway.services.import_plan import ImportAction, ImportedRow, ImportPlan, ImportRow
from gateway.services.writing import add_all_with_values, update_all_with_values
from gateway.storage import holders, secret_batches
from gateway.storage.unit_of_work import WriteUnit

__all__ = ["MAX_ROWS", "ImportAction", "ImportReport", "ImportRow", "ImportedRow", "Imports"]

MAX_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of all rows, in their order."""

    holder: Holder
    rows: tuple[ImportedRow, ...]


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
        So does a file's mount path as the file's value.

        Raises:
            HolderNotFound: if the holder is not there for the viewer.
            Forbidden: if the viewer may not write at any of the rows' holders.
            TooManyRows: if there are more than 1,000 rows.

        """
        if len(rows) > MAX_ROWS:
            raise TooManyRows(MAX_ROWS)
        faults = [_fault(row.draft) for row in rows]
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            holder = await access.require_on(unit, viewer, Permission.SECRET_WRITE, at)
            chain = await holders.by_ids(unit, holder.chain_ids)
            by_scope = {found.kind: found for found in chain.values()}
            places = [by_scope.get(row.scope or holder.kind) for row in rows]
            named = {place.id: place for place in places if place}
            # Before the first one is written: all that the rows name, or nothing.
            for place in named.values():
                access.require(viewer, Permission.SECRET_WRITE, on=place)
            plan = ImportPlan(
                self._foundation,
                viewer,
                overwrite,
                await secret_batches.counts_at(unit, list(named)),
            )
            keys = {row.draft.key for row in rows if is_key(row.draft.key)}
            await _read(unit, plan, holder, named.values(), keys)
            imported = tuple(map(plan.add, places, rows, faults))
            await add_all_with_values(self._foundation, unit, plan.created.values())
            await update_all_with_values(self._foundation, unit, plan.edited.values())
        return ImportReport(holder, imported)


async def _read(
    unit: WriteUnit, plan: ImportPlan, holder: Holder, places: Iterable[Holder], keys: set[str]
) -> None:
    plan.know(await secret_batches.with_keys(unit, holder.chain_ids, keys))
    for place in places:
        if not place.kind.is_service:
            plan.know(await secret_batches.widest_below(unit, place, keys))


def _fault(draft: SecretDraft) -> BusinessError | None:
    try:
        draft.ensure_valid()
    except BusinessError as error:
        return error
    return None
