"""Edit and delete secrets, together with what refers to them."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from gateway.domain.drafts import (
    DEFAULT_WRITE_OPTIONS,
    EditDraft,
    HolderReference,
    WriteOptions,
)
from gateway.domain.errors import Argument
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.pages import MAX_PAGE_SIZE, Window
from gateway.domain.permissions import Permission, Visibility
from gateway.domain.principals import Principal
from gateway.domain.refusals import SecretInUse, SecretNotFound
from gateway.domain.rules import (
    ensure_can_be_changed,
    ensure_edit_is_allowed,
    ensure_is_known,
    ensure_version,
)
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import RequestScope, ScopedService, ServiceContext
from gateway.services.idempotency import SECRET_CODEC, codec_of, run_once
from gateway.services.references import secrets_reached
from gateway.services.renaming import plan_update, warn_of_broken
from gateway.services.secrets import ensure_match
from gateway.services.writing import ensure_key_is_allowed, ensure_key_is_free, update_with_value
from gateway.storage import related_secrets, secret_batches, secrets
from gateway.storage.unit_of_work import ReadUnit, WriteUnit


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deleted secrets: the secret first, then its aliases and overrides."""

    ids: tuple[str, ...]
    holder: Holder


_DELETION_CODEC: Final = codec_of(Deletion)


@dataclass(frozen=True, slots=True)
class Change:
    """The secret to change, the holder through which it is named, and the preconditions."""

    secret_id: str
    holder: Holder | None
    options: WriteOptions


class Changes(ScopedService):
    """The use cases that change an existing secret."""

    async def edit(
        self,
        *,
        secret_id: str,
        draft: EditDraft,
        holder_reference: HolderReference | None = None,
        update_references: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Secret:
        """Change a secret's content. A new key also applies to its overrides.

        With `update_references`, references in other values are updated too, all or none.

        Raises:
            InvalidInput: for invalid content, or content that this type of secret cannot have.
            HolderNotFound: if the holder is not visible to the principal.
            SecretNotFound: if the secret is not visible to the principal, or has another holder.
            Forbidden: if the principal cannot write.
            ReadOnly: for a built-in secret.
            VersionConflict: if it is not at the expected version.
            KeyConflict: if the new key is taken along the chain.
            ReferencesNotUpdated: if a reference cannot be updated.

        """
        principal = self._scope.principal
        draft.ensure_valid()
        async with self._scope.writing(options) as unit:
            change = Change(
                secret_id, await _require_at(unit, principal, holder_reference), options
            )
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("edit", holder_reference, secret_id, draft, update_references),
                codec=SECRET_CODEC,
                work=partial(self._edit, unit, change, draft, update=update_references),
                before_repeat=partial(require_write_on, principal),
            )

    async def _edit(
        self, unit: WriteUnit, change: Change, draft: EditDraft, *, update: bool
    ) -> Secret:
        secret = await find_changeable(self._scope, unit, change)
        ensure_is_known(secret, supports_external=change.options.supports_external)
        return await edit_found(self._scope, unit, secret, draft, update=update)

    async def delete(
        self,
        *,
        secret_id: str,
        holder_reference: HolderReference | None = None,
        with_dependents: bool = True,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Deletion:
        """Delete a secret, and the aliases and overrides that refer to it.

        Without `with_dependents`, the secret is deleted only if no other secret refers to it.

        Raises:
            HolderNotFound: if the holder is not visible to the principal.
            SecretNotFound: if the secret is not visible to the principal, or has another holder.
            Forbidden: if the principal cannot write.
            ReadOnly: for a built-in secret.
            VersionConflict: if it is not at the expected version.
            SecretInUse: if others refer to it and `with_dependents` is not set.

        """
        principal = self._scope.principal
        async with self._scope.writing(options) as unit:
            change = Change(
                secret_id, await _require_at(unit, principal, holder_reference), options
            )
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("delete", holder_reference, secret_id, with_dependents),
                codec=_DELETION_CODEC,
                work=partial(self._delete, unit, change, with_dependents=with_dependents),
                before_repeat=partial(require_write_on, principal),
            )

    async def _delete(self, unit: WriteUnit, change: Change, *, with_dependents: bool) -> Deletion:
        secret = await find_changeable(self._scope, unit, change)
        if not with_dependents:
            await self._ensure_unused(unit, secret)
        dependents = await related_secrets.dependent_keys(unit, secret.id)
        await warn_of_broken(
            self._scope,
            unit,
            secret,
            {secret.id: secret.key, **dependents},
            argument=Argument.SECRET,
        )
        await secret_batches.remove(unit, [secret.id])
        return Deletion((secret.id, *dependents), secret.holder)

    async def _ensure_unused(self, unit: ReadUnit, secret: Secret) -> None:
        # All dependents of the lists count here, including those that the principal cannot see.
        found = await related_secrets.dependents_page(
            unit,
            secret.id,
            Window(size=MAX_PAGE_SIZE),
            visibility=Visibility.everywhere(secret.holder.organization_id),
            referring=await secrets_reached(self._context, unit, secret),
        )
        if found.entries:
            dependents = (entry.item for entry in found.entries)
            seen = tuple(
                dependent
                for dependent in dependents
                if access.can_see(self._scope.principal, dependent)
            )
            raise SecretInUse(secret.id, seen)


async def find_changeable(scope: RequestScope, unit: ReadUnit, change: Change) -> Secret:
    """Return a secret that the principal can change.

    Raises:
        SecretNotFound: if it is not visible to the principal, or has another holder.
        Forbidden: if the principal cannot write.
        ReadOnly: for a built-in secret.
        VersionConflict: if it is not at the expected version.
        EntityTagConflict: if it does not have an expected entity tag.

    """
    principal, secret_id, options = scope.principal, change.secret_id, change.options
    secret = await secrets.find(unit, secret_id) if is_canonical_id(secret_id) else None
    if secret and change.holder and not _is_named_through(change.holder, secret):
        secret = None
    if secret is None or not access.can_see(principal, secret):
        raise SecretNotFound(secret_id)
    access.require(principal, Permission.SECRET_WRITE, on=secret.holder)
    ensure_can_be_changed(secret)
    ensure_version(secret, options.expected_version)
    ensure_match(scope.context.vault, secret, options.if_match, principal=principal)
    return secret


async def edit_found(
    scope: RequestScope, unit: WriteUnit, secret: Secret, draft: EditDraft, *, update: bool
) -> Secret:
    """Edit a secret that the principal can change; other errors as in `Changes.edit`."""
    if draft.key == secret.key:
        return await apply_edit(scope, unit, secret, draft)
    if not update:
        family = [secret.id, *await related_secrets.override_ids(unit, secret.id)]
        gone = dict.fromkeys(family, secret.key)
        await warn_of_broken(scope, unit, secret, gone, argument=Argument.KEY)
        return await apply_edit(scope, unit, secret, draft)
    following = await plan_update(scope, unit, secret)
    edited = await apply_edit(scope, unit, secret, draft)
    await following.write(scope, unit, edited)
    return edited


async def apply_edit(
    scope: RequestScope, unit: WriteUnit, secret: Secret, draft: EditDraft
) -> Secret:
    """Edit inside a write that is already allowed; errors as in `Changes.edit`."""
    edited = edited_secret(scope.context, secret, draft)
    if edited.key != secret.key:
        await _rename_overrides(unit, edited, scope.principal)
    if draft.value is None or secret.is_alias:
        await secrets.update_facts(unit, edited)
    else:
        await update_with_value(scope, unit, edited, draft.value)
    return edited


def edited_secret(context: ServiceContext, secret: Secret, draft: EditDraft) -> Secret:
    """Return the edited secret, not stored yet.

    Raises:
        InvalidInput: for content that this type of secret cannot have.
        DeniedKey: if the operator denies the key there.

    """
    ensure_edit_is_allowed(secret, key=draft.key, value=draft.value)
    is_new_value = draft.value is not None and not secret.is_alias
    # A secret that already has such a key is still delivered, and can be described and deleted.
    if draft.key != secret.key or is_new_value:
        ensure_key_is_allowed(context, secret.holder, draft.key)
    return replace(
        secret,
        key=draft.key,
        **draft.description_fields(secret),
        version=secret.version + 1,
        updated_at=secret.next_time(context.now()),
    )


async def _rename_overrides(unit: WriteUnit, edited: Secret, principal: Principal) -> None:
    await ensure_key_is_free(unit, edited.holder, edited.key, principal=principal)
    await related_secrets.rename_overrides(unit, edited)


async def _require_at(
    unit: ReadUnit, principal: Principal, holder_reference: HolderReference | None
) -> Holder | None:
    if holder_reference is None:
        access.require_somewhere(principal, Permission.SECRET_WRITE)
        return None
    return await access.require_on(unit, principal, Permission.SECRET_WRITE, holder_reference)


def require_write_on(principal: Principal, changed: Secret | Deletion) -> None:
    access.require(principal, Permission.SECRET_WRITE, on=changed.holder)


def _is_named_through(holder: Holder, secret: Secret) -> bool:
    # A path names its holder's own secrets. Every holder that sees a built-in secret can name it,
    # so that the error is READ_ONLY.
    is_own = secret.holder.id == holder.id
    return is_own or (secret.is_built_in and secret.holder.id in holder.chain_ids)
