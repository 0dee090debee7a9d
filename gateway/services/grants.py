"""Granting roles at places, and taking them away."""

from dataclasses import replace
from functools import partial
from typing import Final

from gateway.domain.drafts import AT_ONCE, HolderReference, WriteTerms
from gateway.domain.grants import (
    MAX_GRANTS,
    Grant,
    GrantConflict,
    GranteeKind,
    GranteeReference,
    GrantNotFound,
    Held,
    TokenNotFound,
    TooManyGrants,
    UserNotFound,
)
from gateway.domain.ids import is_canonical_id
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Permission, Role
from gateway.domain.principals import Principal
from gateway.domain.visibility import Visibility
from gateway.services import access
from gateway.services.foundation import Foundation
from gateway.services.idempotency import once
from gateway.services.recorded_answers import recording_of
from gateway.storage import grants, tokens, users
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_GRANTS: Final = recording_of(Grant)


class Grants:
    """The use cases of those who say who may do what."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation

    async def grant(
        self,
        *,
        viewer: Principal,
        grantee: GranteeReference,
        role: Role,
        on: HolderReference | None = None,
        terms: WriteTerms = AT_ONCE,
    ) -> Grant:
        """Grant a role at a holder and all below it; without one, in the whole organization.

        Raises:
            HolderNotFound: if the holder is not there for the viewer.
            TokenNotFound: if the token is not there for the viewer.
            UserNotFound: if the organization has no such user.
            Forbidden: if the viewer may not manage access there, or has less than the role there.
            GrantConflict: if the grantee has it already.
            TooManyGrants: if the grantee has as many as there can be.

        """
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            place = await access.require_at(unit, viewer, Permission.ACCESS_MANAGE, on)
            access.require_role(viewer, role, on=place)
            held = Held(role=role, place=place)
            return await once(
                self._foundation,
                unit,
                viewer=viewer,
                terms=terms,
                request=("grantRole", grantee, role, on),
                recording=_GRANTS,
                make=partial(self._add, unit, viewer, grantee, held),
            )

    async def _add(
        self, unit: WriteUnit, viewer: Principal, grantee: GranteeReference, held: Held
    ) -> Grant:
        name = await _name_of(unit, viewer, grantee)
        there = await grants.held_by(unit, grantee)
        if held in there:
            raise GrantConflict
        if len(there) >= MAX_GRANTS:
            raise TooManyGrants
        made = Grant(
            id=self._foundation.new_id(),
            organization_id=viewer.organization_id,
            grantee=grantee,
            grantee_name=name,
            held=held,
            created_at=self._foundation.now(),
        )
        await grants.add(unit, made)
        return made

    async def revoke(
        self, *, viewer: Principal, grant_id: str, terms: WriteTerms = AT_ONCE
    ) -> Grant:
        """Take a grant away; the next request is judged without it.

        Raises:
            GrantNotFound: if it is not there for the viewer.
            Forbidden: if the viewer could not have given it.

        """
        sight = access.require_somewhere(viewer, Permission.ACCESS_MANAGE)
        async with self._foundation.writing(terms, viewer=viewer) as unit:
            return await once(
                self._foundation,
                unit,
                viewer=viewer,
                terms=terms,
                request=("revokeRole", grant_id),
                recording=_GRANTS,
                make=partial(_remove, unit, viewer, grant_id, sight),
                before_repeat=partial(_require_giving, viewer),
            )

    async def page(
        self,
        unit: ReadUnit,
        *,
        viewer: Principal,
        window: Window,
        of: GranteeReference | None = None,
    ) -> Page[Grant]:
        """Return a page of the grants where the viewer manages access; of one grantee, or of all.

        Raises:
            Forbidden: if the viewer manages access nowhere.
            InvalidInput: for a cursor of another list.

        """
        sight = access.require_somewhere(viewer, Permission.ACCESS_MANAGE)
        if of is not None and not is_canonical_id(of.id):
            # Nobody has such an id, and not every text can be asked for.
            of = replace(of, id="")
        return await grants.page(unit, window, sight=sight, of=of)


async def _remove(unit: WriteUnit, viewer: Principal, grant_id: str, sight: Visibility) -> Grant:
    known = is_canonical_id(grant_id)
    found = await grants.find(unit, grant_id, sight=sight) if known else None
    if found is None:
        raise GrantNotFound(grant_id)
    _require_giving(viewer, found)
    await grants.remove(unit, grant_id)
    return found


def _require_giving(viewer: Principal, grant: Grant) -> None:
    access.require_role(viewer, grant.held.role, on=grant.held.place)


async def _name_of(unit: ReadUnit, viewer: Principal, grantee: GranteeReference) -> str:
    known = is_canonical_id(grantee.id)
    if grantee.kind is GranteeKind.USER:
        organization_id = viewer.organization_id
        user = (
            await users.find(unit, grantee.id, organization_id=organization_id) if known else None
        )
        if user is None:
            raise UserNotFound(grantee.id)
        return user.display_name
    sight = viewer.sight(Permission.ACCESS_MANAGE)
    token = await tokens.find(unit, grantee.id, sight=sight) if known else None
    if token is None:
        raise TokenNotFound(grantee.id)
    return token.name
