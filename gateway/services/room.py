"""Check the quotas for one more holder, inside a write."""

from gateway.domain.holders import Holder
from gateway.services.context import ServiceContext
from gateway.storage import holders
from gateway.storage.unit_of_work import WriteUnit


async def ensure_room_for_holder(context: ServiceContext, unit: WriteUnit, holder: Holder) -> None:
    """Refuse a new holder if its quota is used up.

    Raises:
        QuotaExceeded: with the quota.

    """
    quotas = context.quotas
    if holder.parent_id is None:
        projects = await holders.count_projects(unit, holder.organization_id)
        quotas.ensure_room_for_project(projects)
    else:
        in_project = await holders.count_in_project(unit, holder.project_id)
        quotas.ensure_room_for_holder(in_project)
