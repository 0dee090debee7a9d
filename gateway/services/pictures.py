"""The picture of what a service sees. It has no values."""

from typing import Final

from gateway.domain.holders import Holder
from gateway.domain.ids import is_canonical_id
from gateway.domain.permissions import Permission
from gateway.domain.pictures import Picture, without_target
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.storage import effective, holders
from gateway.storage.unit_of_work import ReadUnit

# Further secrets are not read; the picture shows that there are more.
MAX_ROWS: Final = 2_000


class Pictures(ScopedService):
    """The use case around the picture of what a service sees."""

    async def of_service(self, *, service_id: str) -> Picture:
        """Return the picture of what the service sees and the principal can see.

        Raises:
            HolderNotFound: if it is not visible to the principal, or not a service.
            Forbidden: if the principal cannot read secrets.

        """
        principal, view = self._scope.principal, self._scope.view
        visibility = access.require_somewhere(principal, Permission.SECRET_READ)
        service = await holders.find(view, service_id) if is_canonical_id(service_id) else None
        if service is None or not service.kind.is_service or not visibility.covers(service):
            raise HolderNotFound(None, service_id)
        seen = await effective.in_chain(view, service, most=MAX_ROWS + 1, visibility=visibility)
        chain = await _chain(view, service)
        shown = [_as_visible(principal, secret) for secret in seen[:MAX_ROWS]]
        return Picture.of(chain, shown, is_cut=len(seen) > MAX_ROWS)


async def _chain(unit: ReadUnit, service: Holder) -> list[Holder]:
    """Return the chain, the widest first. A principal that sees a service can see these names."""
    found = await holders.by_ids(unit, service.chain_ids)
    return [found[holder_id] for holder_id in reversed(service.chain_ids)]


def _as_visible(principal: Principal, secret: Secret) -> Secret:
    return secret if access.visible_target(principal, secret) else without_target(secret)
