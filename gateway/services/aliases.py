"""Aliases and overrides: another key for a secret of the chain, and another value for it."""

from functools import partial

from gateway.domain.drafts import (
    DEFAULT_WRITE_OPTIONS,
    AliasDraft,
    HolderReference,
    OverrideDraft,
    WriteOptions,
)
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission
from gateway.domain.refusals import OverrideConflict
from gateway.domain.rules import ensure_can_be_aliased, ensure_can_be_overridden, ensure_is_known
from gateway.domain.secrets import Secret, SecretType
from gateway.services import access
from gateway.services.context import RequestScope, ScopedService, ServiceContext
from gateway.services.delivery_limits import growth_of_alias
from gateway.services.idempotency import SECRET_CODEC, run_once
from gateway.services.writing import (
    SecretSpec,
    add_with_value,
    build_secret,
    ensure_key_is_free,
    ensure_room,
    resolve_target,
)
from gateway.storage import secrets
from gateway.storage.unit_of_work import WriteUnit


class Aliases(ScopedService):
    """The use cases around aliases."""

    async def create(
        self,
        *,
        holder_reference: HolderReference,
        target_id: str,
        draft: AliasDraft,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Secret:
        """Create an alias at the holder. It always has its target's value.

        Raises:
            InvalidInput: for an invalid key or description.
            HolderNotFound: if the holder is not visible to the principal.
            SecretNotFound: if the target is not in the holder's chain, whether or not it exists,
                or the principal cannot see it.
            Forbidden: if the principal cannot write.
            ScopeViolation: if the target is of a lower scope.
            AliasOfAlias: if the target is an alias.
            KeyConflict: if the key is taken along the chain.
            IdempotencyConflict: if the idempotency key was used for another request.

        """
        draft.ensure_valid()
        async with self._scope.writing(options) as unit:
            secrets.read_ahead(unit, target_id)
            holder = await access.require_on(
                unit, self._scope.principal, Permission.SECRET_WRITE, holder_reference
            )
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("alias", holder_reference, target_id, draft),
                codec=SECRET_CODEC,
                work=partial(self._add, unit, holder, target_id, draft, options=options),
            )

    async def _add(
        self,
        unit: WriteUnit,
        holder: Holder,
        target_id: str,
        draft: AliasDraft,
        *,
        options: WriteOptions,
    ) -> Secret:
        target = await resolve_target(unit, target_id, holder, principal=self._scope.principal)
        ensure_is_known(target, supports_external=options.supports_external)
        ensure_can_be_aliased(target, access.visible_target(self._scope.principal, target))
        await ensure_key_is_free(unit, holder, draft.key, principal=self._scope.principal)
        spec = SecretSpec(
            variable_type=SecretType.ALIAS,
            key=draft.key,
            target=target.facts,
            target_holder_id=target.holder.id,
            target_version=target.version,
        )
        alias = build_secret(self._context, holder, draft, spec)
        await ensure_room(self._scope, unit, alias, growth_of_alias(alias, target))
        await secrets.add(unit, alias)
        return alias


class Overrides(ScopedService):
    """The use cases around overrides."""

    async def create(
        self,
        *,
        holder_reference: HolderReference,
        target_id: str,
        draft: OverrideDraft,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Secret:
        """Create an override at the holder, with its target's key and its own value.

        Raises:
            InvalidInput: for an invalid value or description.
            HolderNotFound: if the holder is not visible to the principal.
            SecretNotFound: if the target is not in the holder's chain, whether or not it exists,
                or the principal cannot see it.
            Forbidden: if the principal cannot write.
            NotOverridable: if the target is built in, an alias, or an override itself.
            ScopeViolation: if the target's scope is not higher.
            OverrideConflict: if the holder already overrides the target.
            IdempotencyConflict: if the idempotency key was used for another request.

        """
        draft.ensure_valid()
        async with self._scope.writing(options) as unit:
            secrets.read_ahead(unit, target_id)
            holder = await access.require_on(
                unit, self._scope.principal, Permission.SECRET_WRITE, holder_reference
            )
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("override", holder_reference, target_id, draft),
                codec=SECRET_CODEC,
                work=partial(
                    add_override,
                    self._scope,
                    unit,
                    holder,
                    target_id,
                    draft,
                    supports_external=options.supports_external,
                ),
            )


async def add_override(
    scope: RequestScope,
    unit: WriteUnit,
    holder: Holder,
    target_id: str,
    draft: OverrideDraft,
    *,
    supports_external: bool = True,
) -> Secret:
    """Add an override inside a write that is allowed; errors as in `Overrides.create`."""
    target = await resolve_target(unit, target_id, holder, principal=scope.principal)
    ensure_is_known(target, supports_external=supports_external)
    ensure_can_be_overridden(target, holder)
    # The target has the key in the chain, so only an override of it can have it here.
    if existing := await secrets.find_at(unit, holder, target.key):
        raise OverrideConflict(existing)
    override = new_override(scope.context, holder, target, draft)
    await add_with_value(scope, unit, override, draft.value or "")
    return override


def new_override(
    context: ServiceContext, holder: Holder, target: Secret, draft: OverrideDraft
) -> Secret:
    """Return a new override, not stored yet.

    Raises:
        DeniedKey: if the operator denies the key there.

    """
    spec = SecretSpec(
        variable_type=SecretType.OVERRIDE,
        key=target.key,
        target=target.facts,
        target_holder_id=target.holder.id,
        target_version=target.version,
    )
    return build_secret(context, holder, draft, spec)
