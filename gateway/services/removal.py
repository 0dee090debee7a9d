"""The steps that deleting holders shares, inside a write that has been allowed already."""

from gateway.domain.holders import Holder
from gateway.services.foundation import Foundation
from gateway.storage import holders, secrets
from gateway.storage.unit_of_work import WriteUnit


async def remove_holder(foundation: Foundation, unit: WriteUnit, holder: Holder) -> None:
    """Delete a holder with all below it and all their secrets, and a project's data key."""
    await secrets.remove_at(unit, [holder.id, *await holders.ids_below(unit, holder)])
    if holder.parent_id is None:
        await foundation.vault.forget_project(unit, holder.id)
    await holders.remove(unit, holder)
