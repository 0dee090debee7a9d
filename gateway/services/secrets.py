"""Secrets: what the principal can see of them, new ones, and entity tags.

Entity tags are keyed, so they only show equality.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Final

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference, SecretDraft, WriteOptions
from gateway.domain.entity_tags import EntityTags
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.pages import (
    ANY_SECRET,
    BY_KEY,
    BY_SCOPE,
    EVERY_SECRET,
    Page,
    SecretFilter,
    SecretOrder,
    SecretSearch,
    Window,
)
from gateway.domain.permissions import Permission, Visibility
from gateway.domain.principals import Principal
from gateway.domain.refusals import EntityTagConflict
from gateway.domain.request_records import note_holder
from gateway.domain.secrets import Secret, SecretFacts, SecretType
from gateway.services import access
from gateway.services.context import RequestScope, ScopedService, ServiceContext
from gateway.services.delivery import Admit, DeliverySize, admit_all
from gateway.services.idempotency import SECRET_CODEC, run_once
from gateway.services.references import secrets_reached
from gateway.services.vault import Vault
from gateway.services.writing import SecretSpec, add_with_value, build_secret, ensure_key_is_free
from gateway.storage import holders, related_secrets, secret_search, secrets
from gateway.storage.audit import secret_uses
from gateway.storage.unit_of_work import WriteUnit

_BYTES: Final = 16
# So many bytes of the log's sets are read in the time of one that is delivered.
_BYTES_AS_ONE: Final = 8
# Separates the two kinds: the tag of a list is never the tag of a secret.
_SECRET: Final = b"secret"
_LIST: Final = b"list"


def tag_of_secret(vault: Vault, secret: Secret, *, principal: Principal) -> str:
    """Return a secret's strong tag.

    It changes with everything that the secret's response shows: its version, the version of its
    target if the principal can see it, and the name of its service. After a restored backup a
    version is given again, so the time of the version counts too.
    """
    target = access.visible_target(principal, secret)
    parts = [
        secret.id,
        secret.version,
        secret.updated_at.isoformat(),
        target and target.id,
        target and secret.target_version,
        secret.service and secret.service.name,
    ]
    return _tag(vault, _SECRET, json.dumps(parts).encode())


def tag_of_list(vault: Vault, body: bytes) -> str:
    """Return the strong tag of a list, from its serialized text."""
    return _tag(vault, _LIST, body)


def ensure_match(
    vault: Vault, secret: Secret, if_match: str | None, *, principal: Principal
) -> None:
    """Refuse to change a secret whose tag is not an expected one.

    Raises:
        EntityTagConflict: with the secret.

    """
    if if_match is None:
        return
    expected = EntityTags.parse(if_match)
    if not expected.match_strongly(tag_of_secret(vault, secret, principal=principal)):
        raise EntityTagConflict(secret.id)


def _tag(vault: Vault, kind: bytes, content: bytes) -> str:
    key = vault.keys.entity_tag_key
    return f'"{blake2b(content, digest_size=_BYTES, key=key, person=kind).hexdigest()}"'


class Secrets(ScopedService):
    """The use cases around one secret or a list of them."""

    async def find(self, *, ids: Iterable[str]) -> dict[str, Secret]:
        """Return the secrets with these ids that the principal can see, by id.

        Raises:
            Forbidden: if the principal cannot read secrets.

        """
        principal = self._scope.principal
        access.require_somewhere(principal, Permission.SECRET_READ)
        found = await secrets.by_ids(self._scope.view, filter(is_canonical_id, ids))
        seen = {key: secret for key, secret in found.items() if access.can_see(principal, secret)}
        for secret in seen.values():
            note_holder(secret.holder.id)
        return seen

    async def defined_at(
        self,
        *,
        holder: Holder,
        window: Window,
        order: SecretOrder = BY_KEY,
        only: SecretFilter = ANY_SECRET,
    ) -> Page[Secret]:
        """Return a page of the holder's own secrets.

        Raises:
            Forbidden: if the principal cannot read secrets.
            InvalidInput: for a cursor of another list.

        """
        only.ensure_valid()
        visibility = access.require_somewhere(self._scope.principal, Permission.SECRET_READ)
        return await secrets.page(
            self._scope.view, [holder.id], window, visibility=visibility, order=order, only=only
        )

    async def visible_from(self, *, holder: Holder, window: Window) -> Page[Secret]:
        """Return a page of all that the holder sees: its own, inherited and built-in secrets.

        Ordered by scope, with targets before what refers to them. Includes overridden secrets.

        Raises:
            Forbidden: if the principal cannot read secrets.
            InvalidInput: for a cursor of another list.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.SECRET_READ)
        return await secrets.page(
            self._scope.view, holder.chain_ids, window, visibility=visibility, order=BY_SCOPE
        )

    async def search(
        self,
        *,
        window: Window,
        order: SecretOrder = BY_KEY,
        only: SecretSearch = EVERY_SECRET,
        admit: Admit = admit_all,
    ) -> Page[Secret]:
        """Return a page of the secrets that the principal can see.

        `admit` gets the size of a delivery that takes as long as `unused_since`, before that does.

        Raises:
            Forbidden: if the principal cannot read secrets, or with `unused_since` the audit log.
            InvalidInput: for a cursor of another list, or an invalid filter.
            LogBeginsLater, DatabaseAcceptedLater: if `unused_since` is before what the log knows.
            TooManyDeliveries: if the deliveries since then are too many to compare.

        """
        only.ensure_valid()
        principal, view = self._scope.principal, self._scope.view
        visibility = access.require_somewhere(principal, Permission.SECRET_READ)
        if only.unused_since is not None:
            # Later checks of the log can refuse the same page.
            view.forget()
            readable = access.require_somewhere(principal, Permission.AUDIT_READ)
            visibility = visibility.common(readable)
        tops = await self._tops(visibility, only.holder_ids)
        used: Collection[str] | None = None
        if only.unused_since is not None:
            used = await self._used(visibility, tops, only.unused_since, admit)
        return await secret_search.page(
            view, visibility.organization_id, tops, window, order=order, only=only, used=used
        )

    async def _used(
        self,
        visibility: Visibility,
        tops: Sequence[Holder] | None,
        since: datetime,
        admit: Admit,
    ) -> Collection[str]:
        return await secret_uses.delivered_since(
            self._scope.view,
            self._context.log_times,
            since,
            organization_id=visibility.organization_id,
            project_ids=None if tops is None else {top.project_id for top in tops},
            admit=lambda size: admit(DeliverySize(keys=0, size=size // _BYTES_AS_ONE)),
        )

    async def _tops(
        self, visibility: Visibility, holder_ids: Iterable[str] | None
    ) -> Sequence[Holder] | None:
        """Return holders that together cover what is wanted and visible; None covers everything."""
        if holder_ids is None:
            return None if visibility.is_everywhere else _widest(visibility.holders)
        wanted = (await holders.by_ids(self._scope.view, holder_ids)).values()
        covered = [holder for holder in wanted if visibility.covers(holder)]
        below = [
            holder
            for holder in visibility.holders
            if any(above.id in holder.chain_ids for above in wanted)
        ]
        return _widest([*covered, *below])

    async def dependents_of(self, *, secret: Secret, window: Window) -> Page[Secret]:
        """Return a page of secrets that are deleted with the secret or refer to it as `{{KEY}}`.

        Raises:
            Forbidden: if the principal cannot read secrets.
            InvalidInput: for a cursor of another list.

        """
        view = self._scope.view
        visibility = access.require_somewhere(self._scope.principal, Permission.SECRET_READ)
        referring = await secrets_reached(self._context, view, secret)
        return await related_secrets.dependents_page(
            view, secret.id, window, visibility=visibility, referring=referring
        )

    def target_of(self, secret: Secret) -> SecretFacts | None:
        """Return the target of an alias or override; None if the principal cannot see it."""
        return access.visible_target(self._scope.principal, secret)

    def tag_of(self, secret: Secret) -> str:
        """Return the secret's entity tag."""
        return tag_of_secret(self._context.vault, secret, principal=self._scope.principal)

    async def create(
        self,
        *,
        holder_reference: HolderReference,
        draft: SecretDraft,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Secret:
        """Create a VALUE, or with a mount path a FILE.

        Raises:
            InvalidInput: for an invalid key, value, mount path or description.
            HolderNotFound: if the holder is not visible to the principal.
            Forbidden: if the principal cannot write.
            KeyConflict: if the key is taken along the chain.
            IdempotencyConflict: if the idempotency key was used for another request.

        """
        draft.ensure_valid()
        async with self._scope.writing(options) as unit:
            holder = await access.require_on(
                unit, self._scope.principal, Permission.SECRET_WRITE, holder_reference
            )
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("create", holder_reference, draft),
                codec=SECRET_CODEC,
                work=partial(add_secret, self._scope, unit, holder, draft),
            )


def _widest(tops: Sequence[Holder]) -> Sequence[Holder]:
    """Return the holders without those that are below another one of them."""
    by_id = {holder.id: holder for holder in tops}
    return [holder for holder in by_id.values() if by_id.keys().isdisjoint(holder.chain_ids[1:])]


def cursor_of(secret: Secret, *, order: SecretOrder) -> str:
    """Return the secret's cursor in lists of that order."""
    return secrets.cursor_of(secret, order)


async def add_secret(
    scope: RequestScope, unit: WriteUnit, holder: Holder, draft: SecretDraft
) -> Secret:
    """Add a secret inside a write that is already allowed; errors as in `Secrets.create`."""
    await ensure_key_is_free(unit, holder, draft.key, principal=scope.principal)
    secret = new_secret(scope.context, holder, draft)
    await add_with_value(scope, unit, secret, draft.value or "")
    return secret


def new_secret(context: ServiceContext, holder: Holder, draft: SecretDraft) -> Secret:
    """Return a new secret, not stored yet.

    Raises:
        DeniedKey: if the operator denies the key there.

    """
    mount_path = draft.mount_path or None
    variable_type = SecretType.FILE if mount_path else SecretType.VALUE
    spec = SecretSpec(variable_type=variable_type, key=draft.key, mount_path=mount_path)
    return build_secret(context, holder, draft, spec)
