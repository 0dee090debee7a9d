"""Aliases: a secret of the chain under another key."""

from functools import partial

from gateway.domain.drafts import AT_ONCE, AliasDraft, HolderReference, WriteTerms
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.rules import ensure_can_be_aliased, ensure_is_known
from gateway.domain.secrets import Secret, SecretType
from gateway.services import access
from gateway.services.delivery_limits import growth_of_alias
from gateway.services.foundation import Foundation
from gateway.services.idempotency import once
from gateway.services.recorded_answers import SECRETS
from gateway.services.writing import (
    Shape,
    assembled,
    ensure_key_is_free,
    ensure_room,
    target_in_reach,
)
from gateway.storage import secrets
from gateway.storage.unit_of_work import WriteUnit


class Aliases:
    """The use cases around aliases."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation

    async def create(
        self,
        *,
        viewer: Principal,
        at: HolderReference,
        target_id: str,
        draft: AliasDraft,
        terms: WriteTerms = AT_ONCE,
    ) -> Secret:
        """Create an alias at the holder. It has no value of its own; it follows its target.

        Raises:
            InvalidInput: for a key or description against the rules.
            HolderNotFound: if the holder is not there for the viewer.
            SecretNotFound: if the target is not in the holder's chain, whether or not it exists,
                or the viewer may not see it.
            Forbidden: if the viewer may not write.
            ScopeViolation: if the target is of a lower scope.
            AliasOfAlias: if the target is an alias.
            KeyConflict: if the key is taken along the chain.
            IdempotencyConflict: if the idempotency key was used for another request.

        """
        draft.ensure_valid()
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            holder = await access.require_on(unit, viewer, Permission.SECRET_WRITE, at)
            return await once(
                self._foundation,
                unit,
                viewer=viewer,
                terms=terms,
                request=("alias", at, target_id, draft),
                recording=SECRETS,
                make=partial(self._add, unit, holder, target_id, draft, viewer=viewer, terms=terms),
            )

    async def _add(
        self,
        unit: WriteUnit,
        holder: Holder,
        target_id: str,
        draft: AliasDraft,
        *,
        viewer: Principal,
        terms: WriteTerms,
    ) -> Secret:
        target = await target_in_reach(unit, target_id, holder, viewer=viewer)
        ensure_is_known(target, knows_external=terms.knows_external)
        ensure_can_be_aliased(target, access.seen_target(viewer, target))
        await ensure_key_is_free(unit, holder, draft.key, viewer=viewer)
        shape = Shape(
            variable_type=SecretType.ALIAS,
            key=draft.key,
            target=target.facts,
            target_holder_id=target.holder.id,
            target_version=target.version,
        )
        alias = assembled(self._foundation, holder, draft, shape)
        await ensure_room(
            self._foundation, unit, alias, growth_of_alias(alias, target), viewer=viewer
        )
        await secrets.add(unit, alias)
        return alias
