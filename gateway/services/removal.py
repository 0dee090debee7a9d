"""Shared steps of deleting holders, inside a write that is already allowed."""

from dataclasses import dataclass

from gateway.domain.holders import Holder
from gateway.domain.refusals import HolderNotEmpty
from gateway.services.context import ServiceContext
from gateway.storage import holders, secrets
from gateway.storage.unit_of_work import WriteUnit


@dataclass(frozen=True, slots=True)
class HolderDeletion:
    holder_ids: tuple[str, ...]
    secret_ids: tuple[str, ...]


async def remove_whole(
    context: ServiceContext, unit: WriteUnit, holder: Holder, *, with_content: bool
) -> HolderDeletion:
    """Delete a holder; with `with_content`, also its secrets and everything below it.

    Raises:
        HolderNotEmpty: if it has content and `with_content` is not set.

    """
    below = await holders.ids_below(unit, holder)
    going = await secrets.ids_at(unit, [holder.id, *below])
    if (below or going) and not with_content:
        raise HolderNotEmpty(holder.id, holders=len(below), secrets=len(going))
    await remove_holder(context, unit, holder)
    return HolderDeletion((holder.id, *below), tuple(going))


async def remove_holder(context: ServiceContext, unit: WriteUnit, holder: Holder) -> None:
    """Delete a holder with all below it and all their secrets, and a project's data key."""
    await secrets.remove_at(unit, [holder.id, *await holders.ids_below(unit, holder)])
    if holder.parent_id is None:
        await context.vault.forget_project(unit, holder.id)
    await holders.remove(unit, holder)
