"""Making what secrets hang on, and the secrets that the platform itself provides."""

from dataclasses import dataclass, replace

from gateway.domain import content
from gateway.domain.drafts import AT_ONCE, HolderReference, ProvidedDraft, WriteTerms
from gateway.domain.holders import Holder, below
from gateway.domain.ids import is_canonical_id
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotEmpty, NameConflict, SecretNotFound
from gateway.domain.rules import ensure_can_hang_on, ensure_version, service_scope
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.foundation import Foundation
from gateway.services.removal import remove_holder
from gateway.services.room import ensure_room_for_holder
from gateway.services.writing import (
    Shape,
    add_with_value,
    assembled,
    ensure_key_is_free,
    update_with_value,
)
from gateway.storage import holders, secrets
from gateway.storage.unit_of_work import ReadUnit


@dataclass(frozen=True, slots=True)
class HolderDeletion:
    """What went: the holder first, then those below it; and all their secrets."""

    holder_ids: tuple[str, ...]
    secret_ids: tuple[str, ...]


class Administration:
    """The use cases of those who shape the hierarchy."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation

    async def create_holder(
        self,
        *,
        viewer: Principal,
        kind: Scope,
        name: str,
        parent: HolderReference | None = None,
        terms: WriteTerms = AT_ONCE,
    ) -> Holder:
        """Create a project, or an environment or service below its parent.

        A project comes with the data key that its values are sealed with.

        Raises:
            InvalidInput: for a name against the rules, or a parent of the wrong kind.
            HolderNotFound: if the parent is not there for the viewer.
            Forbidden: if the viewer may not shape the hierarchy.
            NameConflict: if the parent has one of that kind and name.
            QuotaExceeded: if there are as many as the project or organization can have.

        """
        content.ensure_name(name)
        ensure_can_hang_on(kind, parent.scope if parent else None)
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            above = await access.require_at(unit, viewer, Permission.HIERARCHY_WRITE, parent)
            holder = below(
                above,
                kind=kind,
                name=name,
                holder_id=self._foundation.new_id(),
                organization_id=viewer.organization_id,
            )
            await _ensure_name_is_free(unit, holder)
            await ensure_room_for_holder(self._foundation, unit, holder)
            await holders.add(unit, holder, parent=above, at=self._foundation.now())
            if above is None:
                await self._foundation.vault.add_project_key(
                    unit, holder, at=self._foundation.now()
                )
        return holder

    async def create_service(
        self,
        *,
        viewer: Principal,
        environment_id: str,
        service_type: ServiceType,
        name: str,
        terms: WriteTerms = AT_ONCE,
    ) -> Holder:
        """Create a service of a kind that can hold secrets; errors as in `create_holder`.

        Raises:
            InvalidInput: for a database, which is only ever a source of built-in secrets.

        """
        return await self.create_holder(
            viewer=viewer,
            kind=service_scope(service_type),
            name=name,
            parent=HolderReference(Scope.ENVIRONMENT, environment_id),
            terms=terms,
        )

    async def rename_holder(
        self, *, viewer: Principal, at: HolderReference, name: str, terms: WriteTerms = AT_ONCE
    ) -> Holder:
        """Give a holder another name.

        Raises:
            InvalidInput: for a name against the rules.
            HolderNotFound: if it is not there for the viewer.
            Forbidden: if the viewer may not shape the hierarchy where the holder is.
            NameConflict: if another of its kind beside it has the name.

        """
        content.ensure_name(name)
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            holder = await access.require_on(unit, viewer, Permission.HIERARCHY_WRITE, at)
            # A name is the parent's: that it is taken tells of holders beside this one.
            parent = await holders.find(unit, holder.parent_id) if holder.parent_id else None
            access.require(viewer, Permission.HIERARCHY_WRITE, on=parent)
            renamed = replace(holder, name=name)
            if renamed != holder:
                await _ensure_name_is_free(unit, renamed)
                await holders.rename(unit, renamed)
        return renamed

    async def delete_holder(
        self,
        *,
        viewer: Principal,
        at: HolderReference,
        with_content: bool = False,
        terms: WriteTerms = AT_ONCE,
    ) -> HolderDeletion:
        """Delete a holder; what is below it and its secrets only if that is asked for.

        A deleted project's data key goes too: what a backup holds of its values stays sealed.

        Raises:
            HolderNotFound: if it is not there for the viewer.
            Forbidden: if the viewer may not shape the hierarchy.
            HolderNotEmpty: if something would go with it that was not asked for.

        """
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            holder = await access.require_on(unit, viewer, Permission.HIERARCHY_WRITE, at)
            below = await holders.ids_below(unit, holder)
            going = await secrets.ids_at(unit, [holder.id, *below])
            if (below or going) and not with_content:
                raise HolderNotEmpty(holder.id, holders=len(below), secrets=len(going))
            await remove_holder(self._foundation, unit, holder)
        return HolderDeletion((holder.id, *below), tuple(going))

    async def rotate(
        self,
        *,
        viewer: Principal,
        secret_id: str,
        value: str,
        terms: WriteTerms = AT_ONCE,
    ) -> Secret:
        """Give a secret of the platform's or of an external manager's its next value.

        Raises:
            InvalidInput: for a value against the rules.
            SecretNotFound: if it is not there for the viewer, or is none of these.
            Forbidden: if the viewer may not shape the hierarchy.
            VersionConflict: if it is not at the expected version.

        """
        content.ensure_value(value)
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            access.require_somewhere(viewer, Permission.HIERARCHY_WRITE)
            secret = await secrets.find(unit, secret_id) if is_canonical_id(secret_id) else None
            if secret is None or not access.can_see(viewer, secret) or not secret.is_provided:
                raise SecretNotFound(secret_id)
            access.require(viewer, Permission.HIERARCHY_WRITE, on=secret.holder)
            ensure_version(secret, terms.expected_version)
            rotated = replace(secret, version=secret.version + 1, updated_at=self._foundation.now())
            await update_with_value(self._foundation, unit, rotated, value)
        return rotated

    async def register(
        self,
        *,
        viewer: Principal,
        at: HolderReference,
        draft: ProvidedDraft,
        terms: WriteTerms = AT_ONCE,
    ) -> Secret:
        """Add a secret of the platform's or of an external manager's.

        Raises:
            InvalidInput: for a key, value or name against the rules.
            HolderNotFound: if the holder is not there for the viewer.
            Forbidden: if the viewer may not shape the hierarchy.
            KeyConflict: if the key is taken along the chain.

        """
        draft.ensure_valid()
        shape = Shape(
            variable_type=draft.variable_type,
            key=draft.key,
            source=draft.source,
            owned_by=draft.owned_by,
        )
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            holder = await access.require_on(unit, viewer, Permission.HIERARCHY_WRITE, at)
            await ensure_key_is_free(unit, holder, draft.key, viewer=viewer)
            secret = assembled(self._foundation, holder, draft, shape)
            await add_with_value(self._foundation, unit, secret, draft.value)
        return secret


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
