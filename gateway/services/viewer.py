"""What a principal can read about itself. It needs no permission."""

from collections.abc import Sequence

from gateway.domain.drafts import HolderReference
from gateway.domain.errors import Unauthenticated
from gateway.domain.holders import Organization, is_canonical_id
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import Permission, Visibility
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.storage import holders, tokens, users


class Viewer(ScopedService):
    """The use cases about the principal of the request."""

    async def name(self) -> str:
        """Return the name of the token or user, or the subject; of the operator, its id.

        Raises:
            Unauthenticated: if the credential is no longer valid.

        """
        principal, view = self._scope.principal, self._scope.view
        organization_id = principal.organization_id
        if principal.kind is ActorKind.TOKEN:
            own = Visibility.everywhere(organization_id)
            if token := await tokens.find(view, principal.id, visibility=own):
                return token.name
        elif principal.kind is ActorKind.USER:
            if user := await users.find(view, principal.id, organization_id=organization_id):
                return user.display_name
        else:
            return principal.identity.subject if principal.identity else principal.id
        raise Unauthenticated

    async def organization(self) -> Organization:
        """Return the organization of the principal.

        Raises:
            Unauthenticated: if it is deleted.

        """
        organization_id = self._scope.principal.organization_id
        found = await holders.organization(self._scope.view, organization_id)
        if found is None:
            raise Unauthenticated
        return found

    async def permissions(self, *, on: HolderReference | None = None) -> Sequence[Permission]:
        """Return the permissions on a holder; for None, in the whole organization.

        The result is empty for a holder that the principal cannot see, or that does not exist.
        """
        principal, holder = self._scope.principal, None
        if on is not None:
            known = is_canonical_id(on.id)
            holder = await holders.find(self._scope.view, on.id) if known else None
            if holder is None or not access.can_see(principal, holder):
                return ()
            if on.scope not in (None, holder.kind):
                return ()
        granted = principal.permissions_on(holder)
        return [permission for permission in Permission if permission in granted]
