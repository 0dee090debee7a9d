"""Organizations, projects, environments and services."""

from collections.abc import Iterable, Sequence

from gateway.domain.holders import Holder
from gateway.domain.ids import is_canonical_id
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Permission
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.storage import holders


class Hierarchy(ScopedService):
    """The use cases that read the hierarchy."""

    async def find(self, *, ids: Iterable[str]) -> dict[str, Holder]:
        """Return the holders with these ids that the principal can see, by id.

        Raises:
            Forbidden: if the principal cannot look at the hierarchy.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.HIERARCHY_READ)
        found = await holders.by_ids(self._scope.view, filter(is_canonical_id, ids))
        return {
            key: holder for key, holder in found.items() if visibility.includes_ancestor_of(holder)
        }

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
