"""Create, rename and delete holders, and write the secrets that the platform provides."""

from dataclasses import replace
from functools import partial
from typing import Final

from gateway.domain import content
from gateway.domain.drafts import (
    DEFAULT_WRITE_OPTIONS,
    HolderReference,
    ProvidedDraft,
    WriteOptions,
)
from gateway.domain.holders import Holder, below, is_canonical_id
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import NameConflict, SecretNotFound
from gateway.domain.rules import ensure_can_be_below, ensure_name_is, ensure_version, service_scope
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.hierarchy import HolderDeletion, ensure_room_for_holder, remove_whole
from gateway.services.idempotency import HOLDER_CODEC, SECRET_CODEC, codec_of, run_once
from gateway.services.writing import (
    SecretSpec,
    add_with_value,
    build_secret,
    ensure_key_is_free,
    update_with_value,
)
from gateway.storage import holders, secrets
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_DELETION_CODEC: Final = codec_of(HolderDeletion)


class Administration(ScopedService):
    """The use cases that change the hierarchy."""

    async def create_holder(
        self,
        *,
        kind: Scope,
        name: str,
        parent: HolderReference | None = None,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Holder:
        """Create a project, or an environment or service below its parent.

        A project comes with the data key that its values are sealed with.

        Raises:
            InvalidInput: for an invalid name, or a parent of the wrong kind.
            HolderNotFound: if the parent is not visible to the principal.
            Forbidden: if the principal cannot change the hierarchy.
            NameConflict: if the parent has a holder of that kind and name.
            QuotaExceeded: if the project or organization has its maximum number.

        """
        principal = self._scope.principal
        content.ensure_name(name)
        ensure_can_be_below(kind, parent.scope if parent else None)
        async with self._scope.writing(options) as unit:
            above = await access.require_at(unit, principal, Permission.HIERARCHY_WRITE, parent)
            holder = below(
                above,
                kind=kind,
                name=name,
                holder_id=self._context.new_id(),
                organization_id=principal.organization_id,
            )
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("createHolder", kind, name, parent),
                codec=HOLDER_CODEC,
                work=partial(self._add_holder, unit, holder, above),
            )

    async def _add_holder(self, unit: WriteUnit, holder: Holder, above: Holder | None) -> Holder:
        await _ensure_name_is_free(unit, holder)
        await ensure_room_for_holder(self._context, unit, holder)
        await holders.add(unit, holder, parent=above, at=self._context.now())
        if above is None:
            await self._context.vault.add_project_key(unit, holder, at=self._context.now())
        return holder

    async def create_service(
        self,
        *,
        environment_id: str,
        service_type: ServiceType,
        name: str,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Holder:
        """Create a service of a kind that can hold secrets; errors as in `create_holder`.

        Raises:
            InvalidInput: for a database, which can only be a source of built-in secrets.

        """
        return await self.create_holder(
            kind=service_scope(service_type),
            name=name,
            parent=HolderReference(Scope.ENVIRONMENT, environment_id),
            options=options,
        )

    async def rename_holder(
        self,
        *,
        holder_reference: HolderReference,
        name: str,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Holder:
        """Rename a holder.

        Raises:
            InvalidInput: for an invalid name.
            HolderNotFound: if it is not visible to the principal.
            Forbidden: if the principal cannot change the hierarchy where the holder is.
            NameChanged: if it does not have the expected name.
            NameConflict: if a sibling of its kind has the name.

        """
        principal = self._scope.principal
        content.ensure_name(name)
        async with self._scope.writing(options) as unit:
            holder = await access.require_on(
                unit, principal, Permission.HIERARCHY_WRITE, holder_reference
            )
            # Names are unique below a parent, so a conflict reveals this holder's siblings.
            parent = await holders.find(unit, holder.parent_id) if holder.parent_id else None
            access.require(principal, Permission.HIERARCHY_WRITE, on=parent)
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("renameHolder", holder_reference, name),
                codec=HOLDER_CODEC,
                work=partial(_rename, unit, holder, name, options),
            )

    async def delete_holder(
        self,
        *,
        holder_reference: HolderReference,
        with_content: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> HolderDeletion:
        """Delete a holder; with `with_content`, also its secrets and everything below it.

        A project's data keys are deleted too. A backup from before still has them, wrapped.

        Raises:
            HolderNotFound: if it is not visible to the principal.
            Forbidden: if the principal cannot change the hierarchy.
            NameChanged: if it does not have the expected name.
            HolderNotEmpty: if it has content and `with_content` is not set.

        """
        async with self._scope.writing(options, is_bulk=True) as unit:

            async def delete() -> HolderDeletion:
                holder = await access.require_on(
                    unit, self._scope.principal, Permission.HIERARCHY_WRITE, holder_reference
                )
                ensure_name_is(holder, options.expected_name)
                return await remove_whole(self._context, unit, holder, with_content=with_content)

            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("deleteHolder", holder_reference, with_content),
                codec=_DELETION_CODEC,
                work=delete,
            )

    async def rotate(
        self,
        *,
        secret_id: str,
        value: str,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Secret:
        """Set the next value of a built-in or external secret.

        Raises:
            InvalidInput: for an invalid value.
            SecretNotFound: if it is not visible to the principal, or of another type.
            Forbidden: if the principal cannot change the hierarchy.
            VersionConflict: if it is not at the expected version.

        """
        principal = self._scope.principal
        content.ensure_value(value)
        async with self._scope.writing(options) as unit:
            access.require_somewhere(principal, Permission.HIERARCHY_WRITE)

            async def rotate() -> Secret:
                secret = await _find_provided(unit, secret_id, principal)
                ensure_version(secret, options.expected_version)
                return await self._give_value(unit, secret, value)

            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("rotate", secret_id, value),
                codec=SECRET_CODEC,
                work=rotate,
                before_repeat=partial(_require_shaping_at, principal),
            )

    async def _give_value(self, unit: WriteUnit, secret: Secret, value: str) -> Secret:
        at = secret.next_time(self._context.now())
        rotated = replace(secret, version=secret.version + 1, updated_at=at)
        await update_with_value(self._scope, unit, rotated, value)
        return rotated

    async def register(
        self,
        *,
        holder_reference: HolderReference,
        draft: ProvidedDraft,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Secret:
        """Add a built-in or external secret.

        Raises:
            InvalidInput: for an invalid key, value or name.
            HolderNotFound: if the holder is not visible to the principal.
            Forbidden: if the principal cannot change the hierarchy.
            KeyConflict: if the key is taken along the chain.

        """
        principal = self._scope.principal
        draft.ensure_valid()
        spec = SecretSpec(
            variable_type=draft.variable_type,
            key=draft.key,
            source=draft.source,
            owned_by=draft.owned_by,
        )
        async with self._scope.writing(options) as unit:
            holder = await access.require_on(
                unit, principal, Permission.HIERARCHY_WRITE, holder_reference
            )

            async def register() -> Secret:
                await ensure_key_is_free(unit, holder, draft.key, principal=principal)
                secret = build_secret(self._context, holder, draft, spec)
                await add_with_value(self._scope, unit, secret, draft.value)
                return secret

            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("register", holder_reference, draft),
                codec=SECRET_CODEC,
                work=register,
            )


async def _rename(unit: WriteUnit, holder: Holder, name: str, options: WriteOptions) -> Holder:
    ensure_name_is(holder, options.expected_name)
    renamed = replace(holder, name=name)
    if renamed != holder:
        await _ensure_name_is_free(unit, renamed)
        await holders.rename(unit, renamed)
    return renamed


async def _find_provided(unit: ReadUnit, secret_id: str, principal: Principal) -> Secret:
    secret = await secrets.find(unit, secret_id) if is_canonical_id(secret_id) else None
    if secret is None or not access.can_see(principal, secret) or not secret.is_provided:
        raise SecretNotFound(secret_id)
    access.require(principal, Permission.HIERARCHY_WRITE, on=secret.holder)
    return secret


def _require_shaping_at(principal: Principal, rotated: Secret) -> None:
    access.require(principal, Permission.HIERARCHY_WRITE, on=rotated.holder)


async def _ensure_name_is_free(unit: ReadUnit, holder: Holder) -> None:
    taken = await holders.find_child(
        unit,
        organization_id=holder.organization_id,
        parent_id=holder.parent_id,
        kind=holder.kind,
        name=holder.name,
    )
    if taken:
        raise NameConflict(holder.kind)
