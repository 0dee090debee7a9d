"""Builds the mutations that manage access."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final

import strawberry
from strawberry import ID, argument

from gateway.domain.errors import Argument
from gateway.domain.permissions import Permission
from gateway.services.tokens import NewToken, lifetime_of
from schema.access import (
    GRANTEE,
    ApiTokenPayload,
    CreateApiTokenPayload,
    EndApiTokenPayload,
    GranteeRef,
    RoleGrantPayload,
    UserPayload,
)
from schema.arguments import DryRun, IdempotencyKey, mutation, options
from schema.context import Info
from schema.enums import RoleEnum
from schema.inputs import SecretHolderRef, unset_to_none
from schema.run_mutation import ARGUMENT_PATHS, run_mutation

RoleHolder = Annotated[
    SecretHolderRef | None,
    strawberry.argument(
        description=(
            "The holder that the role applies to, with all below it; the whole organization if "
            "omitted."
        )
    ),
]
Days = Annotated[
    int | None,
    strawberry.argument(
        description=(
            "The number of days until the token expires; it does not expire if omitted. A token "
            "that is created with a token expires with that one at the latest, and one with a role "
            "that only claim rules let you give with your credential."
        )
    ),
]
KeepCreated = Annotated[
    bool | None, strawberry.argument(description="Keep the tokens that it created valid.")
]
_MANAGES = Permission.ACCESS_MANAGE
_GRANTEE: Final = ARGUMENT_PATHS | {
    Argument.TOKEN: ["grantee", "tokenId"],
    Argument.USER: ["grantee", "userId"],
}
_DISPLAY_NAME: Final = ARGUMENT_PATHS | {Argument.NAME: ["displayName"]}


@mutation(
    "Create an API token with a role. You cannot grant a role with more permissions than you "
    "have there. Only this answer contains the token's text.",
    permission=_MANAGES,
)
async def create_api_token(
    info: Info,
    name: Annotated[str, argument(description="What the token is for.")],
    role: Annotated[RoleEnum, argument(description="The role to grant.")],
    holder: RoleHolder = strawberry.UNSET,
    days: Days = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> CreateApiTokenPayload:
    holder, conditions = (
        unset_to_none(holder),
        options(idempotency_key=idempotency_key, dry_run=dry_run),
    )

    async def work() -> NewToken:
        return await info.context.services.tokens.create(
            name=name,
            role=role,
            on=holder.reference() if holder else None,
            lifetime=lifetime_of(unset_to_none(days)),
            options=conditions,
        )

    to_payload = partial(CreateApiTokenPayload.of, dry_run=conditions.dry_run)
    return await run_mutation(info, work(), to_payload)


@mutation(
    "Revoke an API token and the tokens that were created with it. The next request with one "
    "of them is refused. Claim rules, grants and users that they created stay.",
    permission=_MANAGES,
)
async def revoke_api_token(
    info: Info,
    token_id: Annotated[ID, argument(description="The UUID of an API token.")],
    keep_created: KeepCreated = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> ApiTokenPayload:
    work = info.context.services.tokens.revoke(
        token_id=token_id,
        keep_created=unset_to_none(keep_created) is True,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, ApiTokenPayload.of)


@mutation(
    "Bring the end of an API token forward, such as that of a token with a successor. The tokens "
    "that were created with it end then too, at the latest.",
    permission=_MANAGES,
)
async def end_api_token(
    info: Info,
    token_id: Annotated[ID, argument(description="The UUID of an API token.")],
    at: Annotated[
        datetime,
        argument(
            description="When it ends: later than now, and not later than its present `expiresAt`."
        ),
    ],
    keep_created: KeepCreated = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> EndApiTokenPayload:
    work = info.context.services.tokens.end(
        token_id=token_id,
        at=at,
        keep_created=unset_to_none(keep_created) is True,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, EndApiTokenPayload.of)


@mutation(
    "Grant a role to a token or a user. You cannot grant a role with more permissions than you "
    "have there.",
    permission=_MANAGES,
)
async def grant_role(
    info: Info,
    grantee: Annotated[GranteeRef, GRANTEE],
    role: Annotated[RoleEnum, argument(description="The role to grant.")],
    holder: RoleHolder = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> RoleGrantPayload:
    holder = unset_to_none(holder)
    work = info.context.services.grants.grant(
        grantee=grantee.reference(),
        role=role,
        on=holder.reference() if holder else None,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, RoleGrantPayload.of, _GRANTEE)


@mutation("Revoke a role. The next request is judged without it.", permission=_MANAGES)
async def revoke_role(
    info: Info,
    grant_id: Annotated[ID, argument(description="The UUID of the grant.")],
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> RoleGrantPayload:
    work = info.context.services.grants.revoke(
        grant_id=grant_id, options=options(idempotency_key=idempotency_key, dry_run=dry_run)
    )
    return await run_mutation(info, work, RoleGrantPayload.of)


@mutation(
    "Register a person whom an OpenID Connect provider authenticates. Grant roles to the user "
    "separately.",
    permission=_MANAGES,
)
async def register_user(
    info: Info,
    issuer: Annotated[
        str, argument(description="The issuer identifier of the OpenID Connect provider.")
    ],
    subject: Annotated[
        str, argument(description="The user's id at the provider: the claim `sub`.")
    ],
    display_name: Annotated[str, argument(description="The display name.")],
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> UserPayload:
    work = info.context.services.identities.register(
        issuer=issuer,
        subject=subject,
        display_name=display_name,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, UserPayload.of_registered, _DISPLAY_NAME)


@mutation(
    "Remove a user with all their roles, and revoke the tokens that they created. The next "
    "request of the user or with one of these tokens is refused, unless a claim rule lets the same "
    "person in. Claim rules, grants and users that they created stay.",
    permission=_MANAGES,
)
async def remove_user(
    info: Info,
    user_id: Annotated[ID, argument(description="The UUID of a user.")],
    keep_created: KeepCreated = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> UserPayload:
    work = info.context.services.identities.remove(
        user_id=user_id,
        keep_created=unset_to_none(keep_created) is True,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, UserPayload.of_removed)
