"""Apply a hierarchy from a file: plan first, then run all steps or none.

For the instance's operator only.
"""

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, WriteOptions
from gateway.domain.topology import Plan, Topology, make_plan
from gateway.services.context import ServiceContext
from gateway.services.removal import remove_holder
from gateway.services.room import ensure_room_for_holder
from gateway.storage import holders
from gateway.storage.unit_of_work import ReadUnit, WriteUnit


class Topologies:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def plan(self, *, wanted: Topology, prunes: bool = False) -> Plan:
        """Return the steps to the wanted hierarchy. With `prunes`, they delete everything else.

        Raises:
            InvalidInput: if the topology breaks a rule.

        """
        wanted.ensure_valid()
        async with self._context.database.read() as unit:
            return await self._plan(unit, wanted, prunes=prunes)

    async def apply(
        self,
        *,
        plan: Plan,
        with_content: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> None:
        """Run all steps of a plan in one transaction.

        Raises:
            DeletionsNotEmpty: if secrets would be deleted without `with_content`.
            PlanOutdated: if the hierarchy has changed since the plan was made.

        """
        plan.ensure_deletions_allowed(with_content=with_content)
        async with self._context.writing(options) as unit:
            plan.ensure_same_steps(await self._plan(unit, plan.wanted, prunes=plan.prunes))
            await self._create(unit, plan)
            for step in plan.deletions:
                await remove_holder(self._context, unit, step.holder)

    async def _plan(self, unit: ReadUnit, wanted: Topology, *, prunes: bool) -> Plan:
        organization = await holders.find_organization(unit, name=wanted.organization)
        existing = await holders.existing(unit, organization.id) if organization else []
        return make_plan(
            wanted,
            organization=organization,
            existing=existing,
            prunes=prunes,
            new_id=self._context.new_id,
        )

    async def _create(self, unit: WriteUnit, plan: Plan) -> None:
        now = self._context.now()
        if plan.is_new_organization:
            await holders.add_organization(unit, plan.organization, at=now)
        for step in plan.creations:
            parent_id = step.holder.parent_id
            parent = await holders.find(unit, parent_id) if parent_id else None
            await ensure_room_for_holder(self._context, unit, step.holder)
            await holders.add(unit, step.holder, parent=parent, at=now)
            if parent is None:
                await self._context.vault.add_project_key(unit, step.holder, at=now)
