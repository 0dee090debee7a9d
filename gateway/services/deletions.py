"""Delete holders and organizations: few rows at once; many are hidden at once and deleted in steps.

A step is a short transaction, so other writers do not wait for the end of a large deletion.
"""

from typing import Final

from gateway.domain.holders import Holder, Organization
from gateway.domain.origins import Origin, current_origin
from gateway.domain.scopes import Scope
from gateway.services.context import ServiceContext
from gateway.services.idempotency import codec_of
from gateway.storage import deletions, secret_batches, version_removal
from gateway.storage.audit.row_macs import HOLDERS, ORGANIZATIONS
from gateway.storage.deletions import Batch, Deletion
from gateway.storage.unit_of_work import WriteUnit

# Rows that one transaction deletes, in some 30 ms.
MAX_ROWS: Final = 100

ORIGIN_CODEC: Final = codec_of(Origin)


async def delete_holder(
    context: ServiceContext,
    unit: WriteUnit,
    holder: Holder,
    *,
    holders: int,
    secrets: int,
    max_rows: int = MAX_ROWS,
) -> None:
    """Delete a holder with all below it and all their secrets, and a project's data keys.

    More than `max_rows` go in steps; then its event has the numbers of holders and secrets.
    """
    if not await deletions.has_more_than(unit, deletions.at_or_below(holder.id), max_rows):
        await _delete_batch(context, unit, holder.id)
        return
    await deletions.remove_grants(unit, holder.id)
    found = _deletion(context, holder, holder.organization_id, holders=holders, secrets=secrets)
    await deletions.begin(unit, found, HOLDERS)


async def delete_organization(
    context: ServiceContext,
    unit: WriteUnit,
    organization: Organization,
    *,
    holders: int,
    secrets: int,
) -> int:
    """Delete an organization with all that it has; return how many tokens it had."""
    tokens = await deletions.remove_access(unit, organization.id)
    found = _deletion(context, organization, organization.id, holders=holders, secrets=secrets)
    if await deletions.has_more_than(unit, deletions.of_organization(organization.id), MAX_ROWS):
        await deletions.begin(unit, found, ORGANIZATIONS)
    else:
        while await delete_next(context, unit, found):
            pass
    return tokens


def _deletion(
    context: ServiceContext,
    deleted: Holder | Organization,
    organization_id: str,
    *,
    holders: int,
    secrets: int,
) -> Deletion:
    return Deletion(
        id=deleted.id,
        organization_id=organization_id,
        name=deleted.name,
        created_at=context.now(),
        holders=holders,
        secrets=secrets,
        origin=ORIGIN_CODEC.to_text(current_origin()),
    )


async def delete_next(context: ServiceContext, unit: WriteUnit, deletion: Deletion) -> bool:
    """Delete the next rows of a deletion; return whether there can be more.

    Raises:
        IntegrityFault: if the holder's row is gone, or another row cannot be deleted.

    """
    holder_id: str | None = deletion.id
    if deletion.is_of_organization:
        holder_id = await deletions.first_project(unit, deletion.organization_id)
    if holder_id is None:
        await deletions.remove_organization(unit, deletion.organization_id)
        return False
    batch = await _delete_batch(context, unit, holder_id)
    return deletion.id not in [emptied_id for emptied_id, _ in batch.holders]


async def _delete_batch(context: ServiceContext, unit: WriteUnit, holder_id: str) -> Batch:
    batch = await deletions.next_batch(unit, holder_id, most=MAX_ROWS)
    # What the secrets were goes with their holder.
    unit.keeps_versions = False
    await secret_batches.remove(unit, batch.secret_ids)
    version_removal.remove(unit, batch.versions)
    for each, kind in batch.holders:
        if kind is Scope.PROJECT:
            await context.vault.forget_project(unit, each)
    await deletions.remove_holders(unit, batch.holders)
    return batch
