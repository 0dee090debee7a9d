"""What a service gets, why, and what a change would do to it. No value anywhere here."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gateway.domain.content import ensure_key_syntax
from gateway.domain.effective import EffectiveSecret, Explanation
from gateway.domain.holders import Holder
from gateway.domain.ids import is_canonical_id
from gateway.domain.pages import (
    ANY_SECRET,
    BY_KEY,
    Entry,
    Page,
    SecretFilter,
    SecretOrder,
    Window,
)
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.secrets import Secret
from gateway.domain.visibility import Visibility
from gateway.services import access
from gateway.services.foundation import Foundation
from gateway.storage import effective, holders
from gateway.storage.unit_of_work import ReadUnit

MOST_ELSEWHERE: Final = 20


class Effective:
    """The use cases around what services get."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation

    async def page(
        self,
        unit: ReadUnit,
        *,
        viewer: Principal,
        service: Holder,
        window: Window,
        order: SecretOrder = BY_KEY,
        only: SecretFilter = ANY_SECRET,
    ) -> Page[EffectiveSecret]:
        """Return a page of what the service gets, one entry a key. The filter is on the winners.

        Raises:
            Forbidden: if the viewer may not read secrets.
            InvalidInput: for a cursor of another list.

        """
        only.ensure_valid()
        sight = access.require_somewhere(viewer, Permission.SECRET_READ)
        page = await effective.winners(unit, service, window, sight=sight, order=order, only=only)
        keys = [entry.item.key for entry in page.entries]
        found = await effective_with_keys(unit, service, keys, sight)
        entries = tuple(Entry(entry.cursor, found[entry.item.key]) for entry in page.entries)
        return Page(
            entries=entries,
            has_next=page.has_next,
            has_previous=page.has_previous,
            count=page.count,
        )

    async def explain(
        self, unit: ReadUnit, *, viewer: Principal, service_id: str, key: str
    ) -> Explanation | None:
        """Tell why a service sees what it sees under a key; None if it is not there for the viewer.

        Raises:
            InvalidInput: for a key that nothing can have.
            Forbidden: if the viewer may not read secrets.

        """
        ensure_key_syntax(key)
        sight = access.require_somewhere(viewer, Permission.SECRET_READ)
        service = await holders.find(unit, service_id) if is_canonical_id(service_id) else None
        if service is None or not service.kind.is_service or not sight.covers(service):
            return None
        found = (await effective_with_keys(unit, service, [key], sight)).get(key)
        elsewhere = await effective.anywhere_with_key(
            unit, service, key, most=MOST_ELSEWHERE, sight=sight
        )
        return Explanation(
            service=service,
            key=key,
            effective=found,
            elsewhere=tuple(elsewhere),
        )

    async def impact(
        self,
        unit: ReadUnit,
        *,
        viewer: Principal,
        secret: Secret,
        window: Window,
        of_deletion: bool,
    ) -> Page[Holder]:
        """Return a page of the services that would get something else, by name.

        What refers to the secret's key inside another value is sealed, and so is not known here.

        Raises:
            Forbidden: if the viewer may not read secrets.
            InvalidInput: for a cursor of another list.

        """
        sight = access.require_somewhere(viewer, Permission.SECRET_READ)
        ids = effective.affected_services(secret, with_overrides=of_deletion)
        return await holders.among(unit, ids, window, sight=sight)


async def effective_with_keys(
    unit: ReadUnit, service: Holder, keys: Iterable[str], sight: Visibility
) -> dict[str, EffectiveSecret]:
    """Return what a service gets at these keys, as far as it is in sight, by key."""
    found: dict[str, EffectiveSecret] = {}
    for secret in await effective.in_chain_with_keys(unit, service, keys, sight=sight):
        if secret.key in found:
            entry = found[secret.key]
            found[secret.key] = replace(entry, shadows=(*entry.shadows, secret))
        else:
            found[secret.key] = EffectiveSecret(service=service, winner=secret, shadows=())
    return found
