"""Who may do what: tokens, users, and the roles that they were granted at places."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Self

import strawberry

from gateway.domain.errors import BusinessError
from gateway.domain.grants import Grant, GranteeKind, GranteeReference, TokenAlreadyShown
from gateway.domain.grants import User as DomainUser
from gateway.domain.pages import MAX_PAGE_SIZE
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.sealed import starred
from gateway.domain.tokens import ApiToken as DomainToken
from gateway.domain.tokens import Creator
from gateway.services.revocation import TokenRevocation, UserRemoval
from gateway.services.tokens import NewToken
from schema.context import Info
from schema.enums import ActorKind, RoleEnum
from schema.errors import MutationError
from schema.holders import SecretHolder, holder_type
from schema.inputs import given
from schema.pages import Connection
from schema.payloads import ArgumentPaths, to_errors


@strawberry.type(
    description="A role of a token or a user, at one place and all below it. It counts at once."
)
class RoleGrant:
    id: strawberry.ID
    role: RoleEnum
    holder: SecretHolder | None = strawberry.field(
        description="Where it counts, as everywhere below; null for the whole organization."
    )
    token_id: strawberry.ID | None = strawberry.field(description="Whose it is, if a token's.")
    user_id: strawberry.ID | None = strawberry.field(description="Whose it is, if a user's.")
    grantee_name: str
    created_at: datetime

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Tell a grant."""
        holder, grantee = grant.held.holder, grant.grantee
        is_token = grantee.kind is GranteeKind.TOKEN
        return cls(
            id=strawberry.ID(grant.id),
            role=grant.held.role,
            holder=holder_type(holder) if holder else None,
            token_id=strawberry.ID(grantee.id) if is_token else None,
            user_id=None if is_token else strawberry.ID(grantee.id),
            grantee_name=grant.grantee_name,
            created_at=grant.created_at,
        )


@strawberry.type(description="A page of grants.")
class RoleGrantConnection(Connection[RoleGrant]):
    """A page of a list."""


@strawberry.type(description="Who created an API token.")
class ApiTokenCreator:
    kind: ActorKind = strawberry.field(description="A token, a user or the operator.")
    id: strawberry.ID | None = strawberry.field(
        description="Null unless the viewer manages access in the whole organization."
    )

    @classmethod
    def of(cls, creator: Creator, principal: Principal) -> Self:
        """Show a creator, as far as the viewer can see it."""
        is_visible = principal.may(Permission.ACCESS_MANAGE, on=None) or creator.id == principal.id
        return cls(kind=creator.kind, id=strawberry.ID(creator.id) if is_visible else None)


@strawberry.type(description="What is known of an API token; its text is told once, when made.")
class ApiToken:
    id: strawberry.ID
    name: str
    created_at: datetime
    expires_at: datetime | None = strawberry.field(description="Null where it does not expire.")
    revoked_at: datetime | None
    last_used_at: datetime | None = strawberry.field(description="To about an hour.")
    creator: strawberry.Private[Creator | None]

    @strawberry.field(description="Who created it; null for a token from before this was recorded.")
    def created_by(self, info: Info) -> ApiTokenCreator | None:
        """Show the creator."""
        return ApiTokenCreator.of(self.creator, info.context.principal) if self.creator else None

    @strawberry.field(description="What it may do, as far as the viewer manages access there.")
    async def grants(self, info: Info) -> list[RoleGrant]:
        """Load the token's grants."""
        return [RoleGrant.of(grant) for grant in await info.context.token_grants.load(self.id)]

    @classmethod
    def of(cls, token: DomainToken) -> Self:
        """Tell a token."""
        return cls(
            id=strawberry.ID(token.id),
            name=token.name,
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            last_used_at=token.last_used_at,
            creator=token.created_by,
        )


@strawberry.type(description="A page of API tokens.")
class ApiTokenConnection(Connection[ApiToken]):
    """A page of a list."""


@strawberry.type(description="A person whom an OpenID Connect provider vouches for.")
class User:
    id: strawberry.ID
    issuer: str
    subject: str
    display_name: str
    created_at: datetime

    @classmethod
    def of(cls, user: DomainUser) -> Self:
        """Tell a user."""
        return cls(
            id=strawberry.ID(user.id),
            issuer=user.issuer,
            subject=user.subject,
            display_name=user.display_name,
            created_at=user.created_at,
        )


@strawberry.type(description="A page of users.")
class UserConnection(Connection[User]):
    """A page of a list."""


@strawberry.input(
    one_of=True, description="Names who is granted a role. Exactly one of the fields is to be set."
)
class GranteeRef:
    token_id: strawberry.ID | None = strawberry.UNSET
    user_id: strawberry.ID | None = strawberry.UNSET

    def reference(self) -> GranteeReference:
        """Return the token or user that is named."""
        token_id, user_id = given(self.token_id), given(self.user_id)
        kind = GranteeKind.USER if token_id is None else GranteeKind.TOKEN
        return GranteeReference(kind=kind, id=str(token_id or user_id or ""))


@strawberry.type(
    description=(
        "`apiToken` is set where `errors` is empty, and where a repeated request under an "
        "idempotency key is answered: then without `token`, and with TOKEN_ALREADY_SHOWN."
    )
)
class CreateApiTokenPayload:
    __repr__ = starred

    api_token: ApiToken | None = None
    token: str | None = strawberry.field(
        default=None,
        description="The token itself. It is told here only, and once; null on a dry run.",
    )
    grant: RoleGrant | None = None
    errors: list[MutationError]

    @classmethod
    async def of(
        cls, info: Info, work: Awaitable[NewToken], paths: ArgumentPaths, *, dry_run: bool
    ) -> Self:
        """Wait for the use case; tell what it made, or why nothing."""
        try:
            made = await info.context.finish(work)
        except TokenAlreadyShown as error:
            token, grant = ApiToken.of(error.token), RoleGrant.of(error.grant)
            return cls(api_token=token, grant=grant, errors=to_errors(error, paths))
        except BusinessError as error:
            return cls(errors=to_errors(error, paths))
        await info.context.renew()
        return cls(
            api_token=ApiToken.of(made.facts),
            token=None if dry_run else made.text,
            grant=RoleGrant.of(made.grant),
            errors=[],
        )


@strawberry.type(description="`apiToken` is set exactly where `errors` is empty.")
class ApiTokenPayload:
    api_token: ApiToken | None = None
    also_revoked: list[ApiToken] = strawberry.field(
        default_factory=list,
        description=(
            "The first 100 tokens that were revoked with it, because it or one of them created "
            "them; those that the viewer can list."
        ),
    )
    errors: list[MutationError]

    @classmethod
    async def of(cls, info: Info, work: Awaitable[TokenRevocation], paths: ArgumentPaths) -> Self:
        """Wait for the use case; show what it wrote, or why it wrote nothing."""
        try:
            revoked = await info.context.finish(work)
        except BusinessError as error:
            return cls(errors=to_errors(error, paths))
        await info.context.renew()
        also = [ApiToken.of(token) for token in revoked.created[:MAX_PAGE_SIZE]]
        return cls(api_token=ApiToken.of(revoked.revoked), also_revoked=also, errors=[])


@strawberry.type(description="`grant` is set exactly where `errors` is empty.")
class RoleGrantPayload:
    grant: RoleGrant | None = None
    errors: list[MutationError]

    @classmethod
    async def of(cls, info: Info, work: Awaitable[Grant], paths: ArgumentPaths) -> Self:
        """Wait for the use case; tell what it wrote, or why it wrote nothing."""
        try:
            grant = await info.context.finish(work)
        except BusinessError as error:
            return cls(errors=to_errors(error, paths))
        await info.context.renew()
        return cls(grant=RoleGrant.of(grant), errors=[])


@strawberry.type(description="`user` is set exactly where `errors` is empty.")
class UserPayload:
    user: User | None = None
    revoked_tokens: list[ApiToken] = strawberry.field(
        default_factory=list,
        description=(
            "The first 100 tokens that were revoked with a removed user, because the user or one "
            "of them created them."
        ),
    )
    errors: list[MutationError]

    @classmethod
    async def of(cls, info: Info, work: Awaitable[UserRemoval], paths: ArgumentPaths) -> Self:
        """Wait for the use case; show what it wrote, or why it wrote nothing."""
        try:
            written = await info.context.finish(work)
        except BusinessError as error:
            return cls(errors=to_errors(error, paths))
        await info.context.renew()
        tokens = [ApiToken.of(token) for token in written.created[:MAX_PAGE_SIZE]]
        return cls(user=User.of(written.user), revoked_tokens=tokens, errors=[])
