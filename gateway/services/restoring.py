"""Bring secrets back: to a former version, or after their deletion."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.domain.content import SealedValue, ValueIdentity
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, EditDraft, WriteOptions
from gateway.domain.errors import IntegrityFault
from gateway.domain.history import DeletedSecret, FormerState
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.permissions import Permission
from gateway.domain.refusals import (
    OverrideConflict,
    ReadOnly,
    SecretNotDeleted,
    SecretNotFound,
    TargetNotThere,
    VersionConflict,
    VersionIsPresent,
    VersionNotKept,
)
from gateway.domain.rules import (
    ensure_can_be_aliased,
    ensure_can_be_overridden,
    ensure_target_in_reach,
    ensure_version,
)
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, later_than
from gateway.services import access
from gateway.services.changes import Change, edit_found, find_changeable, require_write_on
from gateway.services.context import RequestScope, ScopedService
from gateway.services.delivery_limits import growth_of_alias
from gateway.services.history import find_deleted
from gateway.services.idempotency import SECRET_CODEC, codec_of, run_once
from gateway.services.restored_dependents import Dependents
from gateway.services.writing import (
    add_with_value,
    ensure_key_is_allowed,
    ensure_key_is_free,
    ensure_room,
    identity_of,
)
from gateway.storage import holders, secrets, values, versions
from gateway.storage.audit.row_macs import SECRETS, VERSIONS
from gateway.storage.unit_of_work import WriteUnit


@dataclass(frozen=True, slots=True)
class Restoration:
    """The secrets that came back: the named one first, then its aliases and overrides."""

    secrets: tuple[Secret, ...]

    @property
    def holder(self) -> Holder:
        return self.secrets[0].holder


_RESTORATION_CODEC: Final = codec_of(Restoration)


class Restoring(ScopedService):
    """The use cases that bring back what was."""

    async def rollback(
        self,
        *,
        secret_id: str,
        to_version: int,
        update_references: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Secret:
        """Give a secret the key, the value and the description of a former version, as an edit.

        An override keeps its target's key. `update_references` is as in `Changes.edit`.

        Raises:
            SecretNotFound: if the secret is not visible to the principal.
            Forbidden: if the principal cannot write.
            InvalidInput: for another value of an external secret.
            VersionIsPresent: for the present version.
            VersionNotKept: if the version or its value is not kept.
            ReadOnly: for a built-in secret.
            VersionConflict: if it is not at the expected version.
            KeyConflict: if the former key is taken along the chain.
            DeliveryLimitExceeded: if a delivery would be too large.
            ReferencesNotUpdated: if a reference cannot be updated.

        """
        principal = self._scope.principal
        async with self._scope.writing(options) as unit:
            access.require_somewhere(principal, Permission.SECRET_WRITE)
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("rollback", secret_id, to_version, update_references),
                codec=SECRET_CODEC,
                work=partial(
                    self._roll_back,
                    unit,
                    Change(secret_id, None, options),
                    to_version,
                    update=update_references,
                ),
                before_repeat=partial(require_write_on, principal),
            )

    async def _roll_back(
        self, unit: WriteUnit, change: Change, to_version: int, *, update: bool
    ) -> Secret:
        secret = await find_changeable(self._scope, unit, change)
        if to_version == secret.version:
            raise VersionIsPresent(secret.id, to_version)
        former = await versions.find(unit, secret.id, to_version)
        if former is None:
            raise VersionNotKept(secret.id, to_version)
        draft = EditDraft(
            key=secret.key if secret.is_override else former.key,
            value=await self._other_value(unit, secret, former),
            description=former.columns["description"],
            enable_interpolation_in_file=former.columns["enable_interpolation_in_file"],
        )
        edited = await edit_found(self._scope, unit, secret, draft, update=update)
        unit.changes.add_fact(SECRETS, secret.id, "rolled_back_to", fact=to_version)
        return edited

    async def _other_value(
        self, unit: WriteUnit, secret: Secret, former: FormerState
    ) -> str | None:
        """Return the value of a former state; None if the secret has it now."""
        stored = await values.find_value(unit, secret.id)
        if former.value_version is None or stored is None or stored[1] == former.value_version:
            return None
        value = await _former_value(self._scope, unit, former)
        # A restored secret has the same value under another version.
        return None if value == await self._open_present(unit, secret, stored) else value

    async def _open_present(
        self, unit: WriteUnit, secret: Secret, stored: tuple[SealedValue, int]
    ) -> str | None:
        sealed, version = stored
        try:
            return await self._context.vault.open(unit, sealed, identity_of(secret, version))
        except IntegrityFault:
            # A rollback repairs a damaged value.
            return None

    async def restore(
        self, *, secret_id: str, options: WriteOptions = DEFAULT_WRITE_OPTIONS
    ) -> Restoration:
        """Bring back a deleted secret, and the aliases and overrides that went with it.

        They keep their ids, and their versions go on. All of them come back, or none, except for
        those of which a value is no longer kept and those beyond `MAX_DEPENDENTS`: a warning names
        these.

        Raises:
            SecretNotFound: if no deleted secret of that id is visible to the principal, or the
                target of an alias or override is gone.
            TargetNotThere: if the principal could not see that target.
            SecretNotDeleted: if the secret is not deleted.
            Forbidden: if the principal cannot write.
            ReadOnly: for a built-in secret.
            VersionConflict: if it did not have the expected version.
            VersionNotKept: if its value is not kept.
            KeyConflict: if a key is taken along the chain.
            OverrideConflict: if a holder overrides the target already.
            MountPathConflict: if a mount path conflicts with another file.
            QuotaExceeded: if a holder has the maximum number of secrets.
            DeliveryLimitExceeded: if a delivery would be too large.

        """
        principal = self._scope.principal
        async with self._scope.writing(options, is_bulk=True) as unit:
            access.require_somewhere(principal, Permission.SECRET_WRITE)
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("restore", secret_id),
                codec=_RESTORATION_CODEC,
                work=partial(self._restore, unit, secret_id, options.expected_version),
                before_repeat=partial(require_write_on, principal),
            )

    async def _restore(
        self, unit: WriteUnit, secret_id: str, expected_version: int | None
    ) -> Restoration:
        deleted = await self._find_deleted(unit, secret_id, expected_version)
        last, principal = deleted.last, self._scope.principal
        with_it = await versions.deleted_with(unit, last)
        at_holders = await holders.by_ids(unit, {state.holder_id for state in (last, *with_it)})
        # The secrets of a deleted holder are gone with it.
        dependents = Dependents.of(last, [each for each in with_it if each.holder_id in at_holders])
        restored: dict[str, Secret] = {}
        at = self._context.now()
        for state in (last, *dependents.restorable):
            holder = at_holders[state.holder_id]
            target = await self._target(unit, state, holder, restored)
            secret = versions.secret_from(state, holder, target, at=later_than(state.ended_at, at))
            await self._add_again(unit, secret, target, state)
            restored[secret.id] = secret
        dependents.warn_of_others(secret_id, at_holders, principal)
        return Restoration(tuple(restored.values()))

    async def _find_deleted(
        self, unit: WriteUnit, secret_id: str, expected_version: int | None
    ) -> DeletedSecret:
        principal = self._scope.principal
        deleted = await find_deleted(unit, secret_id, principal=principal)
        if deleted is None:
            living = await secrets.find(unit, secret_id) if is_canonical_id(secret_id) else None
            if living is not None and access.can_see(principal, living):
                ensure_version(living, expected_version)
                raise SecretNotDeleted(secret_id)
            raise SecretNotFound(secret_id)
        access.require(principal, Permission.SECRET_WRITE, on=deleted.holder)
        last = deleted.last
        if last.columns["scope"] == Scope.BUILT_IN:
            raise ReadOnly(secret_id, Scope.BUILT_IN)
        if expected_version is not None and expected_version != last.version:
            raise VersionConflict(secret_id, expected=expected_version, actual=last.version)
        return deleted

    async def _target(
        self, unit: WriteUnit, state: FormerState, holder: Holder, restored: Mapping[str, Secret]
    ) -> Secret | None:
        if state.target_id is None or state.target_id in restored:
            return restored.get(state.target_id or "")
        # The reference was there before, so the principal need not see the target.
        found = await secrets.find(unit, state.target_id)
        try:
            return ensure_target_in_reach(found, state.target_id, holder)
        except SecretNotFound:
            if await find_deleted(unit, state.target_id, principal=self._scope.principal):
                raise
            raise TargetNotThere(state.secret_id) from None

    async def _add_again(
        self, unit: WriteUnit, secret: Secret, target: Secret | None, state: FormerState
    ) -> None:
        """Store a secret by the rules of a new one; errors as in `restore`."""
        principal = self._scope.principal
        ensure_key_is_allowed(self._context, secret.holder, secret.key)
        if target is not None and secret.is_override:
            ensure_can_be_overridden(target, secret.holder)
            if existing := await secrets.find_at(unit, secret.holder, secret.key):
                raise OverrideConflict(existing)
        else:
            await ensure_key_is_free(unit, secret.holder, secret.key, principal=principal)
        if target is not None and secret.is_alias:
            ensure_can_be_aliased(target, access.visible_target(principal, target))
            await ensure_room(self._scope, unit, secret, growth_of_alias(secret, target))
            await secrets.add(unit, secret)
        else:
            value = await _former_value(self._scope, unit, state)
            following = (state.value_version or 0) + 1
            await add_with_value(self._scope, unit, secret, value, value_version=following)
        unit.changes.add_fact(SECRETS, secret.id, "is_restored", fact=True)


async def _former_value(scope: RequestScope, unit: WriteUnit, state: FormerState) -> str:
    """Decrypt the value of a former state.

    Raises:
        VersionNotKept: if it is not kept.

    """
    version = state.value_version
    found = await versions.find_value(unit, state.secret_id, version) if version else None
    if found is None or version is None:
        raise VersionNotKept(state.secret_id, state.version)
    identity = ValueIdentity(
        organization_id=state.organization_id,
        project_id=state.project_id,
        secret_id=state.secret_id,
        value_version=version,
    )
    return await scope.context.vault.open(unit, found, identity, table=VERSIONS.table.name)
