"""Grant roles on holders or an organization, and revoke them."""

from dataclasses import replace
from functools import partial
from typing import Final

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference, WriteOptions
from gateway.domain.grants import (
    MAX_GRANTS,
    Grant,
    GrantConflict,
    GranteeKind,
    GranteeReference,
    GrantNotFound,
    RoleAssignment,
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
from gateway.services.context import ScopedService
from gateway.services.idempotency import run_once
from gateway.services.recorded_answers import codec_of
from gateway.storage import grants, tokens, users
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_GRANT_CODEC: Final = codec_of(Grant)


class Grants(ScopedService):
    """The use cases around grants."""

    async def grant(
        self,
        *,
        grantee: GranteeReference,
        role: Role,
        on: HolderReference | None = None,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Grant:
        """Grant a role at a holder and all below it; without a holder, in the whole organization.

        Raises:
            HolderNotFound: if the holder is not visible to the principal.
            TokenNotFound: if the token is not visible to the principal.
            UserNotFound: if the organization has no such user.
            Forbidden: if the principal cannot manage access there, or lacks a permission of
                the role there.
            GrantConflict: if the grantee already has it.
            TooManyGrants: if the grantee has the maximum number of grants.

        """
        principal = self._scope.principal
        async with self._scope.writing(options) as unit:
            holder = await access.require_at(unit, principal, Permission.ACCESS_MANAGE, on)
            access.require_role(principal, role, on=holder)
            held = RoleAssignment(role=role, holder=holder)
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("grantRole", grantee, role, on),
                codec=_GRANT_CODEC,
                work=partial(self._add, unit, grantee, held),
            )

    async def _add(self, unit: WriteUnit, grantee: GranteeReference, held: RoleAssignment) -> Grant:
        name = await _name_of(unit, self._scope.principal, grantee)
        there = await grants.assigned_to(unit, grantee)
        if held in there:
            raise GrantConflict
        if len(there) >= MAX_GRANTS:
            raise TooManyGrants
        made = Grant(
            id=self._context.new_id(),
            organization_id=self._scope.principal.organization_id,
            grantee=grantee,
            grantee_name=name,
            held=held,
            created_at=self._context.now(),
        )
        await grants.add(unit, made)
        return made

    async def revoke(
        self, *, grant_id: str, options: WriteOptions = DEFAULT_WRITE_OPTIONS
    ) -> Grant:
        """Revoke a grant; it no longer applies to the next request.

        Raises:
            GrantNotFound: if it is not visible to the principal.
            Forbidden: if the principal could not have granted it.

        """
        principal = self._scope.principal
        visibility = access.require_somewhere(principal, Permission.ACCESS_MANAGE)
        async with self._scope.writing(options) as unit:
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("revokeRole", grant_id),
                codec=_GRANT_CODEC,
                work=partial(_remove, unit, principal, grant_id, visibility),
                before_repeat=partial(_require_giving, principal),
            )

    async def page(
        self,
        *,
        window: Window,
        of: GranteeReference | None = None,
    ) -> Page[Grant]:
        """Return a page of the grants where the principal manages access, of one grantee or all.

        Raises:
            Forbidden: if the principal manages access nowhere.
            InvalidInput: for a cursor of another list.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        if of is not None and not is_canonical_id(of.id):
            # No grantee has such an id, and the database does not accept every text.
            of = replace(of, id="")
        return await grants.page(self._scope.view, window, visibility=visibility, of=of)


async def _remove(
    unit: WriteUnit, principal: Principal, grant_id: str, visibility: Visibility
) -> Grant:
    known = is_canonical_id(grant_id)
    found = await grants.find(unit, grant_id, visibility=visibility) if known else None
    if found is None:
        raise GrantNotFound(grant_id)
    _require_giving(principal, found)
    await grants.remove(unit, grant_id)
    return found


def _require_giving(principal: Principal, grant: Grant) -> None:
    access.require_role(principal, grant.held.role, on=grant.held.holder)


async def _name_of(unit: ReadUnit, principal: Principal, grantee: GranteeReference) -> str:
    known = is_canonical_id(grantee.id)
    if grantee.kind is GranteeKind.USER:
        organization_id = principal.organization_id
        user = (
            await users.find(unit, grantee.id, organization_id=organization_id) if known else None
        )
        if user is None:
            raise UserNotFound(grantee.id)
        return user.display_name
    visibility = principal.visibility(Permission.ACCESS_MANAGE)
    token = await tokens.find(unit, grantee.id, visibility=visibility) if known else None
    if token is None:
        raise TokenNotFound(grantee.id)
    return token.name
