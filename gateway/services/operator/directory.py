"""Find and change what the operator names, one by one or by a file, in any organization.

Principals belong to one organization and never use this. A hierarchy from a file is planned first;
then all steps run, or none.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, WriteOptions
from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.holders import Holder, Organization, is_canonical_id
from gateway.domain.refusals import HolderNotFound, OrganizationNotFound, SecretNotFound
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret
from gateway.domain.topology import (
    HolderPath,
    HolderWithCount,
    Plan,
    Step,
    Topology,
    by_path,
    make_plan,
)
from gateway.services.context import ServiceContext
from gateway.services.deletions import MAX_ROWS, delete_holder
from gateway.services.hierarchy import ensure_room_for_holder
from gateway.storage import holders, related_secrets, secrets
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
            await self._delete(unit, plan.deletions)

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

    async def _delete(self, unit: WriteUnit, deletions: Sequence[Step]) -> None:
        deleted = {step.holder.id for step in deletions}
        rows = len(deletions) + sum(step.secrets for step in deletions)
        for step in deletions:
            if step.holder.parent_id in deleted:
                continue
            within = [each for each in deletions if step.holder.id in each.holder.chain_ids]
            await delete_holder(
                self._context,
                unit,
                step.holder,
                holders=len(within) - 1,
                secrets=sum(each.secrets for each in within),
                max_rows=MAX_ROWS if rows <= MAX_ROWS else 0,
            )


class HolderNotNamed(GatewayError):
    code = ErrorCode.NOT_FOUND

    def __init__(self, kinds: Sequence[Scope]) -> None:
        super().__init__(f"No {_kind_phrase(kinds)} there has that name or id.")


class AmbiguousName(GatewayError):
    code = ErrorCode.CONFLICT

    def __init__(self, kinds: Sequence[Scope]) -> None:
        named = ", ".join(kind.label for kind in kinds)
        super().__init__(f"Services of several kinds have that name: {named}. Give the kind.")


class PathMissing(GatewayError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, kinds: Sequence[Scope]) -> None:
        above = kinds[0].parent
        super().__init__(
            f"Give the id of the {_kind_phrase(kinds)}, or also name its "
            f"{above.label if above else ''}."
        )


@dataclass(frozen=True, slots=True)
class Named:
    """A holder as the operator names it: its id or name, and its possible kinds."""

    kinds: tuple[Scope, ...]
    text: str


class Directory:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def organization(self, *, named: str) -> Organization:
        """Return the organization with that id or name.

        Raises:
            OrganizationNotFound: if there is none.

        """
        async with self._context.database.read() as unit:
            found = await holders.organizations(unit)
        by_name = {organization.name: organization for organization in found}
        by_id = {organization.id: organization for organization in found}
        try:
            return (by_name | by_id)[named]
        except KeyError:
            raise OrganizationNotFound from None

    async def holder(self, *, holder_id: str) -> Holder:
        """Return the holder with that id.

        Raises:
            HolderNotFound: if there is none.

        """
        async with self._context.database.read() as unit:
            return await _with_id(unit, holder_id)

    async def secret(self, *, secret_id: str) -> Secret:
        """Return the secret with that id, without its value.

        Raises:
            SecretNotFound: if there is none.

        """
        async with self._context.database.read() as unit:
            found = await secrets.find(unit, secret_id) if is_canonical_id(secret_id) else None
        if found is None:
            raise SecretNotFound(secret_id)
        return found

    async def mount_paths(
        self, *, organization_id: str, keys: Collection[str]
    ) -> Mapping[str, Collection[str]]:
        """Return the mount paths of an organization's files, by key."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        async with self._context.database.read() as unit:
            for secret in await related_secrets.files_with_keys(unit, organization_id, keys):
                found[secret.key].add(secret.mount_path_of_file or "")
        return found

    async def locate(self, *, organization_id: str, path: Sequence[Named]) -> Holder:
        """Return the holder at the end of a path, which can start at any id or at a project.

        Raises:
            HolderNotNamed: if there is no such holder.
            AmbiguousName: if holders of several kinds match.
            PathMissing: if the path starts with the name of a holder below a project.

        """
        found: Holder | None = None
        async with self._context.database.read() as unit:
            for named in path:
                found = await _locate(unit, organization_id, found, named)
        if found is None:
            raise ValueError(path)
        return found

    async def hierarchy(
        self, *, organization: Organization
    ) -> Mapping[HolderPath, HolderWithCount]:
        async with self._context.database.read() as unit:
            return by_path(await holders.existing(unit, organization.id))

    async def with_content(self, *, holder: Holder) -> Sequence[HolderWithCount]:
        """Return a holder, then all below it, with the numbers of their secrets."""
        async with self._context.database.read() as unit:
            existing = await holders.existing(unit, holder.organization_id)
        return sorted(
            (found for found in existing if holder.id in found.holder.chain_ids),
            key=lambda found: found.holder.kind.rank,
        )


async def _with_id(unit: ReadUnit, holder_id: str) -> Holder:
    found = await holders.find(unit, holder_id) if is_canonical_id(holder_id) else None
    if found is None:
        raise HolderNotFound(None, holder_id)
    return found


async def _locate(
    unit: ReadUnit, organization_id: str, parent: Holder | None, named: Named
) -> Holder:
    found = await holders.find(unit, named.text) if is_canonical_id(named.text) else None
    if found and _is_meant(found, organization_id, parent, named):
        return found
    if parent is None and Scope.PROJECT not in named.kinds:
        raise PathMissing(named.kinds)
    return await _child(unit, organization_id, parent, named)


def _is_meant(found: Holder, organization_id: str, parent: Holder | None, named: Named) -> bool:
    is_there = found.organization_id == organization_id and found.kind in named.kinds
    return is_there and (parent is None or found.parent_id == parent.id)


async def _child(
    unit: ReadUnit, organization_id: str, parent: Holder | None, named: Named
) -> Holder:
    candidates = [
        await holders.find_child(
            unit,
            organization_id=organization_id,
            parent_id=parent.id if parent else None,
            kind=kind,
            name=named.text,
        )
        for kind in named.kinds
    ]
    found = [holder for holder in candidates if holder]
    if not found:
        raise HolderNotNamed(named.kinds)
    if len(found) > 1:
        raise AmbiguousName([holder.kind for holder in found])
    return found[0]


def _kind_phrase(kinds: Sequence[Scope]) -> str:
    return kinds[0].label if len(kinds) == 1 else "service"
