"""What a service sees: its effective secrets, their explanation, and its picture."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from gateway.domain.content import ensure_key_syntax
from gateway.domain.effective import (
    EffectiveSecret,
    ExplainedReference,
    Explanation,
    Picture,
    without_target,
)
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.pages import (
    ANY_SECRET,
    BY_KEY,
    Entry,
    Page,
    SecretFilter,
    SecretOrder,
    Window,
)
from gateway.domain.permissions import Permission, Visibility
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ScopedService, ServiceContext
from gateway.services.references import services_reached
from gateway.storage import effective, holders, references, related_secrets, secrets
from gateway.storage.unit_of_work import ReadUnit

MAX_ELSEWHERE: Final = 20
# The maximum number of visible keys searched for the names of unresolved references.
_MAX_KEYS: Final = 10_000


class Effective(ScopedService):
    """The use cases around what services get."""

    async def page(
        self,
        *,
        service: Holder,
        window: Window,
        order: SecretOrder = BY_KEY,
        only: SecretFilter = ANY_SECRET,
    ) -> Page[EffectiveSecret]:
        """Return a page of what the service gets, one entry per key. The filter is on the winners.

        Raises:
            Forbidden: if the principal cannot read secrets.
            InvalidInput: for a cursor of another list.

        """
        view = self._scope.view
        only.ensure_valid()
        visibility = access.require_somewhere(self._scope.principal, Permission.SECRET_READ)
        page = await effective.winners(
            view, service, window, visibility=visibility, order=order, only=only
        )
        winners = [entry.item for entry in page.entries]
        found = await effective_with_keys(view, service, (), visibility, winners=winners)
        return Page(
            entries=tuple(Entry(found[each.item.key], each.make_cursor) for each in page.entries),
            has_next=page.has_next,
            has_previous=page.has_previous,
            count=page.count,
        )

    async def explain(self, *, service_id: str, key: str) -> Explanation | None:
        """Explain what a service sees under a key; None if the principal cannot see the service.

        Raises:
            InvalidInput: for an invalid key.
            Forbidden: if the principal cannot read secrets.

        """
        view = self._scope.view
        ensure_key_syntax(key)
        visibility = access.require_somewhere(self._scope.principal, Permission.SECRET_READ)
        service = await holders.find(view, service_id) if is_canonical_id(service_id) else None
        if service is None or not service.kind.is_service or not visibility.covers(service):
            return None
        found = (await effective_with_keys(view, service, [key], visibility)).get(key)
        elsewhere = await effective.anywhere_with_key(
            view, service, key, most=MAX_ELSEWHERE, visibility=visibility
        )
        return Explanation(
            service=service,
            key=key,
            effective=found,
            elsewhere=tuple(elsewhere),
            references=await explained_references(self._context, view, found, visibility),
        )

    async def impact(
        self,
        *,
        secret: Secret,
        window: Window,
        of_deletion: bool,
    ) -> Page[Holder]:
        """Return a page of the services whose delivery would change, by name.

        An edit means another value. Values that refer to the secret as `{{KEY}}` count too.

        Raises:
            Forbidden: if the principal cannot read secrets.
            InvalidInput: for a cursor of another list.

        """
        view = self._scope.view
        visibility = access.require_somewhere(self._scope.principal, Permission.SECRET_READ)
        ids = effective.affected_services(secret, with_overrides=of_deletion)
        reached = await services_reached(self._context, view, secret, of_deletion=of_deletion)
        return await holders.among(view, ids, window, visibility=visibility, further=reached)


async def effective_with_keys(
    unit: ReadUnit,
    service: Holder,
    keys: Iterable[str],
    visibility: Visibility,
    *,
    winners: Iterable[Secret] = (),
) -> dict[str, EffectiveSecret]:
    """Return the visible effective secrets of a service for these keys, by key.

    The keys of winners that are already known count too.
    """
    found = {
        each.key: EffectiveSecret(service=service, winner=each, shadows=()) for each in winners
    }
    known = [entry.winner.id for entry in found.values()]
    for secret in await effective.in_chain_with_keys(
        unit, service, {*keys, *found}, without=known, visibility=visibility
    ):
        if secret.key in found:
            entry = found[secret.key]
            found[secret.key] = replace(entry, shadows=(*entry.shadows, secret))
        else:
            found[secret.key] = EffectiveSecret(service=service, winner=secret, shadows=())
    return found


async def explained_references(
    context: ServiceContext, unit: ReadUnit, entry: EffectiveSecret | None, visibility: Visibility
) -> tuple[ExplainedReference, ...]:
    """Return the references in a key's delivered value, as they resolve for the service."""
    source = await _source(unit, entry) if entry else None
    if entry is None or source is None or (source.mount_path_of_file and not source.is_expanded):
        return ()
    names = await references.names_of(unit, source.id)
    if not names:
        return ()
    service = entry.service
    everything = Visibility.everywhere(service.organization_id)
    in_chain = await related_secrets.keys_at(unit, service.chain_ids, visibility=everything)
    hashes = context.vault.name_hashes(in_chain, project_id=service.project_id)
    keys = {key: name for key, name in hashes.items() if name in names}
    winners = await effective_with_keys(unit, service, keys, everything)
    found = [
        ExplainedReference(each.winner.key, each.winner.facts, is_resolved=True)
        if visibility.covers(each.winner.holder)
        else ExplainedReference(None, None, is_resolved=True)
        for each in winners.values()
    ]
    unresolved = names - set(keys.values())
    elsewhere = await _visible_keys(context, unit, service, unresolved, visibility)
    lost = [ExplainedReference(elsewhere.get(name), None, is_resolved=False) for name in unresolved]
    return tuple(
        sorted([*found, *lost], key=lambda reference: (reference.key is None, reference.key or ""))
    )


async def _source(unit: ReadUnit, entry: EffectiveSecret) -> Secret | None:
    if not entry.winner.is_alias:
        return entry.winner
    return await secrets.find(unit, entry.resolves_to.id)


async def _visible_keys(
    context: ServiceContext,
    unit: ReadUnit,
    service: Holder,
    names: Collection[bytes],
    visibility: Visibility,
) -> Mapping[bytes, str]:
    if not names:
        return {}
    seen = await related_secrets.keys_of_project(
        unit, service.project_id, visibility=visibility, most=_MAX_KEYS
    )
    hashes = context.vault.name_hashes(seen, project_id=service.project_id)
    return {name: key for key, name in hashes.items() if name in names}


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
