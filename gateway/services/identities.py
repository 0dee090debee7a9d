"""Users: people whom an OpenID Connect provider authenticates, and their grants."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

from gateway.domain import content
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, WriteOptions
from gateway.domain.grants import (
    GranteeKind,
    GranteeReference,
    User,
    UserConflict,
    UserNotFound,
    ensure_identity,
)
from gateway.domain.holders import is_canonical_id
from gateway.domain.origins import ActorKind
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Permission
from gateway.domain.tokens import ApiToken, Creator
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.grants import UserRemoval, revoke_created
from gateway.services.idempotency import codec_of, run_once
from gateway.storage import grants, users
from gateway.storage.unit_of_work import WriteUnit

_USER_CODEC: Final = codec_of(User)
_REMOVAL_CODEC: Final = codec_of(UserRemoval)


class Identities(ScopedService):
    """The use cases around users."""

    async def register(
        self,
        *,
        issuer: str,
        subject: str,
        display_name: str,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> User:
        """Register an identity. Its permissions are granted separately.

        Raises:
            InvalidInput: for an invalid issuer, subject or name.
            Forbidden: if the principal does not manage access in the whole organization.
            RegistrationRequired: if only claim rules let the principal in.
            UserConflict: if the identity is registered in the organization.
            QuotaExceeded: if the organization has its maximum number of users.

        """
        principal = self._scope.principal
        ensure_identity(issuer, subject)
        content.ensure_name(display_name)
        access.require(principal, Permission.ACCESS_MANAGE, on=None)
        access.require_lasting(principal)
        user = User(
            id=self._context.new_id(),
            organization_id=principal.organization_id,
            issuer=issuer,
            subject=subject,
            display_name=display_name,
            created_at=self._context.now(),
            is_invited=True,
        )
        async with self._scope.writing(options) as unit:
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("registerUser", issuer, subject, display_name),
                codec=_USER_CODEC,
                work=partial(self._add, unit, user),
            )

    async def _add(self, unit: WriteUnit, user: User) -> User:
        if await users.is_registered(unit, user):
            raise UserConflict
        count = await users.count_of(unit, user.organization_id)
        self._context.quotas.ensure_room_for_user(count)
        await users.add(unit, user)
        return user

    async def remove(
        self,
        *,
        user_id: str,
        keep_created: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> UserRemoval:
        """Remove a user and all its grants; the next request is refused.

        Unless they are kept, the tokens that the user created, directly or not, are revoked.

        Raises:
            UserNotFound: if the organization has no such user.
            Forbidden: if the principal does not manage access in the whole organization, or the
                user or its tokens have a permission that the principal cannot grant.

        """
        access.require(self._scope.principal, Permission.ACCESS_MANAGE, on=None)
        async with self._scope.writing(options) as unit:
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("removeUser", user_id, keep_created),
                codec=_REMOVAL_CODEC,
                work=partial(self._remove, unit, user_id, keep_created=keep_created),
            )

    async def _remove(self, unit: WriteUnit, user_id: str, *, keep_created: bool) -> UserRemoval:
        organization_id, known = self._scope.principal.organization_id, is_canonical_id(user_id)
        found = await users.find(unit, user_id, organization_id=organization_id) if known else None
        if found is None:
            raise UserNotFound(user_id)
        grantee = GranteeReference(kind=GranteeKind.USER, id=user_id)
        for held in await grants.find_assignments(unit, grantee):
            access.require_role(self._scope.principal, held.role, on=held.holder)
        await users.remove(unit, user_id)
        created: tuple[ApiToken, ...] = ()
        if not keep_created:
            creator, now = Creator(ActorKind.USER, user_id), self._context.now()
            created = await revoke_created(unit, creator, at=now, principal=self._scope.principal)
        return UserRemoval(user=found, created=created)

    async def find(self, *, ids: Collection[str]) -> Mapping[str, User]:
        """Return those of the users that `page` lists, by id; empty without its permission."""
        visibility = self._scope.visibility(Permission.ACCESS_MANAGE)
        if not visibility.is_anywhere:
            return {}
        found = await users.by_ids(self._scope.view, ids, visibility=visibility)
        return {user.id: user for user in found}

    async def page(self, *, window: Window) -> Page[User]:
        """Return a page of the users with a grant where the principal manages access, by name.

        A principal that manages access in the whole organization gets all users.

        Raises:
            Forbidden: if the principal manages access nowhere.
            InvalidInput: for a cursor of another list.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        return await users.page(self._scope.view, window, visibility=visibility)
