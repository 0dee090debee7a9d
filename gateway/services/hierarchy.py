"""Find holders, and count and remove what is below them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Permission
from gateway.domain.refusals import HolderNotEmpty
from gateway.domain.request_records import note_holder
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.services import access
from gateway.services.context import ScopedService, ServiceContext
from gateway.services.deletions import delete_holder
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
    await delete_holder(context, unit, holder, holders=len(below), secrets=len(going))
    return HolderDeletion((holder.id, *below), tuple(going))


class Hierarchy(ScopedService):
    """The use cases that read the hierarchy."""

    async def find(self, *, ids: Iterable[str]) -> dict[str, Holder]:
        """Return the holders with these ids that the principal can see, by id.

        Raises:
            Forbidden: if the principal cannot look at the hierarchy.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.HIERARCHY_READ)
        found = await holders.by_ids(self._scope.view, filter(is_canonical_id, ids))
        seen = {
            key: holder for key, holder in found.items() if visibility.includes_ancestor_of(holder)
        }
        for holder_id in seen:
            note_holder(holder_id)
        return seen

    async def projects(self, *, window: Window) -> Page[Holder]:
        """Return a page of the projects that the principal can see, by name.

        Raises:
            Forbidden: if the principal cannot look at the hierarchy.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.HIERARCHY_READ)
        return await holders.projects(self._scope.view, window, visibility=visibility)

    async def environments(self, *, project: Holder, window: Window) -> Page[Holder]:
        """Return a page of a project's environments that the principal can see, by name.

        Raises:
            Forbidden: if the principal cannot look at the hierarchy.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.HIERARCHY_READ)
        kinds = (Scope.ENVIRONMENT,)
        return await holders.children(
            self._scope.view, project.id, window, kinds=kinds, visibility=visibility
        )

    async def services(
        self,
        *,
        environment: Holder,
        window: Window,
        kinds: Sequence[Scope] = SERVICE_SCOPES,
    ) -> Page[Holder]:
        """Return a page of an environment's visible services of these kinds, by name.

        Raises:
            Forbidden: if the principal cannot look at the hierarchy.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.HIERARCHY_READ)
        return await holders.children(
            self._scope.view, environment.id, window, kinds=kinds, visibility=visibility
        )


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
