"""Aliases: another key for a secret in the chain."""

from functools import partial

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, AliasDraft, HolderReference, WriteOptions
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission
from gateway.domain.rules import ensure_can_be_aliased, ensure_is_known
from gateway.domain.secrets import Secret, SecretType
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.delivery_limits import growth_of_alias
from gateway.services.idempotency import SECRET_CODEC, run_once
from gateway.services.writing import (
    SecretSpec,
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
