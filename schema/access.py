"""Access: API tokens, users, and the roles granted to them."""

from datetime import datetime
from typing import Annotated, Final, Self

import strawberry
from strawberry import ID, argument, field

from gateway.domain.content import repr_without_values
from gateway.domain.grants import Grant, GranteeKind, GranteeReference, TokenAlreadyShown
from gateway.domain.grants import User as DomainUser
from gateway.domain.pages import MAX_PAGE_SIZE
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken as DomainToken
from gateway.domain.tokens import Creator
from gateway.services.grants import TokenEnding, TokenRevocation, UserRemoval
from gateway.services.tokens import NewToken
from schema.context import Info
from schema.enums import ActorKind, RoleEnum
from schema.errors import Errors
from schema.fields import CreatedAt, Id, optional, pure_field
from schema.holders import SecretHolder, holder_type
from schema.inputs import unset_to_none
from schema.pages import Connection
from schema.run_mutation import Result


@strawberry.type(
    description=(
        "A role of a token or a user, on one holder and all below it. It takes effect at once."
    )
)
class RoleGrant:
    id: Id
    role: RoleEnum = field(description="The granted role.")
    holder: SecretHolder | None = field(
        description=(
            "The holder that the role applies to, with all below it; null for the whole "
            "organization."
        )
    )
    token_id: ID | None = field(
        description="The API token that has the role; null if a user has it."
    )
    user_id: ID | None = field(description="The user who has the role; null if a token has it.")
    grantee_name: str = field(description="The name of the token or the user.")
    created_at: CreatedAt

    @classmethod
    def of(cls, grant: Grant) -> Self:
        holder, grantee = grant.held.holder, grant.grantee
        is_token = grantee.kind is GranteeKind.TOKEN
        return cls(
            id=ID(grant.id),
            role=grant.held.role,
            holder=holder_type(holder) if holder else None,
            token_id=ID(grantee.id) if is_token else None,
            user_id=None if is_token else ID(grantee.id),
            grantee_name=grant.grantee_name,
            created_at=grant.created_at,
        )


@strawberry.type(description="A page of grants.")
class RoleGrantConnection(Connection[RoleGrant]):
    """A page of a list."""


@strawberry.type(description="Who created an API token.")
class ApiTokenCreator:
    kind: ActorKind = field(description="A token, a user, an identity or the operator.")
    id: ID | None = field(
        description=(
            "The creator's id. Null unless you manage access in the whole organization, or it is "
            "your own."
        )
    )

    @classmethod
    def of(cls, creator: Creator, principal: Principal) -> Self:
        """Wrap a creator; hide its id from a principal that cannot see it."""
        is_visible = principal.may(Permission.ACCESS_MANAGE, on=None) or creator.id == principal.id
        return cls(kind=creator.kind, id=ID(creator.id) if is_visible else None)


@strawberry.type(
    description=("An API token. Its text is shown only once, when the token is created.")
)
class ApiToken:
    id: Id
    name: str = field(description="What the token is for, in its creator's words.")
    created_at: CreatedAt
    expires_at: datetime | None = field(description="When it expires; null if it does not expire.")
    revoked_at: datetime | None = field(
        description="When the token was revoked; null if it is not revoked."
    )
    last_used_at: datetime | None = field(description="When it was last used, to about an hour.")
    creator: strawberry.Private[Creator | None]

    @pure_field(description="Who created it; null for a token that is older than this record.")
    def created_by(self, info: Info) -> ApiTokenCreator | None:
        return (
            ApiTokenCreator.of(self.creator, info.context.services.principal)
            if self.creator
            else None
        )

    @field(description="The token's roles, on the holders where you manage access.")
    async def grants(self, info: Info) -> list[RoleGrant]:
        return [RoleGrant.of(grant) for grant in await info.context.token_grants.load(self.id)]

    @classmethod
    def of(cls, token: DomainToken) -> Self:
        return cls(
            id=ID(token.id),
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


@strawberry.type(description="A person whom an OpenID Connect provider authenticates.")
class User:
    id: Id
    issuer: str = field(description="The OpenID Connect provider that authenticates the user.")
    subject: str = field(
        description="The user's id at the provider: the claim `sub` of their access tokens."
    )
    display_name: str = field(description="The display name.")
    created_at: CreatedAt

    @classmethod
    def of(cls, user: DomainUser) -> Self:
        return cls(
            id=ID(user.id),
            issuer=user.issuer,
            subject=user.subject,
            display_name=user.display_name,
            created_at=user.created_at,
        )


@strawberry.type(description="A page of users.")
class UserConnection(Connection[User]):
    """A page of a list."""


@strawberry.type(description="A person at the command line of the gateway's machine.")
class Operator:
    name: str = field(description="The person's name, or the login or user of the system.")


@strawberry.type(description="A subject of an OpenID Connect provider that is not a user.")
class Identity:
    issuer: str = field(description="The provider, which signs its tokens.")
    subject: str = field(description="The claim `sub` of its tokens.")


Actor = Annotated[
    ApiToken | User | Identity | Operator, strawberry.union("Actor", description="Who acted.")
]


async def actor_of(info: Info, kind: ActorKind, actor_id: str) -> Actor | None:
    """Return who acted; None for the gateway itself, and if the principal cannot list them."""
    if kind is ActorKind.OPERATOR:
        return Operator(name=actor_id)
    if kind is ActorKind.IDENTITY:
        issuer, _, subject = actor_id.partition(" ")
        return Identity(issuer=issuer, subject=subject)
    if kind is ActorKind.TOKEN:
        token = await info.context.tokens.load(actor_id)
        return ApiToken.of(token) if token else None
    if kind is ActorKind.USER:
        user = await info.context.users.load(actor_id)
        return User.of(user) if user else None
    return None


GRANTEE: Final = argument(description="The API token or the user.")
Token = Annotated[
    ApiToken | None, field(description="The token without its text; null if nothing was written.")
]
Granted = Annotated[
    RoleGrant | None, field(description="The granted role; null if nothing was written.")
]


@strawberry.input(one_of=True, description="The grantee of a role. Exactly one field must be set.")
class GranteeRef:
    token_id: ID | None = optional("The UUID of an API token.")
    user_id: ID | None = optional("The UUID of a user.")

    def reference(self) -> GranteeReference:
        """Return the reference to the named token or user."""
        token_id, user_id = unset_to_none(self.token_id), unset_to_none(self.user_id)
        kind = GranteeKind.USER if token_id is None else GranteeKind.TOKEN
        return GranteeReference(kind=kind, id=str(token_id or user_id or ""))


@strawberry.type(
    description=(
        "`apiToken` is set if `errors` is empty. It is also set when a request is repeated under "
        "its idempotency key; then `token` is null and the error code is TOKEN_ALREADY_SHOWN."
    )
)
class CreateApiTokenPayload:
    __repr__ = repr_without_values

    api_token: Token = None
    token: str | None = field(
        default=None,
        description=(
            "The text of the token. It is returned only here, and only once; null on a dry run."
        ),
    )
    grant: Granted = None
    errors: Errors

    @classmethod
    def of(cls, result: Result[NewToken], *, dry_run: bool) -> Self:
        """Convert the domain object; `token` is not set for a dry run."""
        if isinstance(result.error, TokenAlreadyShown):
            token, grant = ApiToken.of(result.error.token), RoleGrant.of(result.error.grant)
            return cls(api_token=token, grant=grant, errors=result.errors)
        if (made := result.outcome) is None:
            return cls(errors=result.errors)
        return cls(
            api_token=ApiToken.of(made.facts),
            token=None if dry_run else made.text,
            grant=RoleGrant.of(made.grant),
            errors=[],
        )


@strawberry.type(description="`apiToken` is set exactly if `errors` is empty.")
class ApiTokenPayload:
    api_token: Token = None
    also_revoked: list[ApiToken] = field(
        default_factory=list,
        description=(
            "The first 100 tokens that were revoked with it, because it or one of them created "
            "them. Only tokens that you can list are included."
        ),
    )
    errors: Errors

    @classmethod
    def of(cls, result: Result[TokenRevocation]) -> Self:
        if (revocation := result.outcome) is None:
            return cls(errors=result.errors)
        also_revoked = [ApiToken.of(token) for token in revocation.created[:MAX_PAGE_SIZE]]
        return cls(api_token=ApiToken.of(revocation.revoked), also_revoked=also_revoked, errors=[])


@strawberry.type(description="`apiToken` is set exactly if `errors` is empty.")
class EndApiTokenPayload:
    api_token: Token = None
    also_ended: list[ApiToken] = field(
        default_factory=list,
        description=(
            "The first 100 tokens that now end with it, because it or one of them created them. "
            "Only tokens that you can list are included."
        ),
    )
    errors: Errors

    @classmethod
    def of(cls, result: Result[TokenEnding]) -> Self:
        if (ending := result.outcome) is None:
            return cls(errors=result.errors)
        also_ended = [ApiToken.of(token) for token in ending.created[:MAX_PAGE_SIZE]]
        return cls(api_token=ApiToken.of(ending.ended), also_ended=also_ended, errors=[])


@strawberry.type(description="`grant` is set exactly if `errors` is empty.")
class RoleGrantPayload:
    grant: Granted = None
    errors: Errors

    @classmethod
    def of(cls, result: Result[Grant]) -> Self:
        grant = RoleGrant.of(result.outcome) if result.outcome else None
        return cls(grant=grant, errors=result.errors)


@strawberry.type(description="`user` is set exactly if `errors` is empty.")
class UserPayload:
    user: User | None = field(default=None, description="The user; null if nothing was written.")
    revoked_tokens: list[ApiToken] = field(
        default_factory=list,
        description=(
            "The first 100 tokens that were revoked with a removed user, because the user or one "
            "of these tokens created them."
        ),
    )
    errors: Errors

    @classmethod
    def of_registered(cls, result: Result[DomainUser]) -> Self:
        user = User.of(result.outcome) if result.outcome else None
        return cls(user=user, errors=result.errors)

    @classmethod
    def of_removed(cls, result: Result[UserRemoval]) -> Self:
        if (removal := result.outcome) is None:
            return cls(errors=result.errors)
        revoked = [ApiToken.of(token) for token in removal.created[:MAX_PAGE_SIZE]]
        return cls(user=User.of(removal.user), revoked_tokens=revoked, errors=[])
