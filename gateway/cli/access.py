"""Commands on access: API tokens, grants, and the users that have them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from gateway.cli.facts import (
    EndsIn,
    GrantedRole,
    Grantee,
    GrantId,
    TokenDays,
    TokenId,
    TokenName,
    TokenRole,
    UserId,
    UserIssuer,
    UserName,
    UserSubject,
    print_ended,
    print_grant,
    print_grants,
    print_new_token,
    print_removed_grant,
    print_removed_user,
    print_revoked,
    print_tokens,
    print_user,
    role_text,
)
from gateway.cli.host_options import OnHolder
from gateway.cli.options import AsJson, DryRun, KeepCreated, OrganizationName
from gateway.cli.printing import Refused, holder_facts
from gateway.cli.running import operator_of, run
from gateway.domain.drafts import WriteOptions
from gateway.domain.grants import Grant, User
from gateway.domain.pages import MAX_PAGE_SIZE, Window
from gateway.domain.permissions import Role
from gateway.domain.tokens import ApiToken
from gateway.runtime import Runtime
from gateway.services.grants import TokenEnding, TokenRevocation, UserRemoval
from gateway.services.tokens import NewToken, lifetime_of


def create_token(
    name: TokenName,
    organization: OrganizationName,
    role: TokenRole = Role.EDITOR,
    days: TokenDays = None,
    *,
    on: OnHolder = None,
    as_json: AsJson = False,
) -> None:
    async def create(runtime: Runtime) -> NewToken:
        return await runtime.services.for_principal(
            await operator_of(runtime, organization)
        ).tokens.create(name=name, role=role, on=on, lifetime=lifetime_of(days))

    made = run(create)
    print_new_token(made.facts.id, made.text, as_json=as_json)


def list_tokens(organization: OrganizationName, *, as_json: AsJson = False) -> None:
    async def list_rows(runtime: Runtime) -> list[dict[str, str | None]]:
        owner = await runtime.operator.directory.organization(named=organization)
        found = await runtime.operator.tokens.of_organization(owner.id)
        now = runtime.services.authentication.now()
        return [
            {
                "id": token.id,
                "state": "valid" if token.is_valid(now) else "ended",
                "role": ", ".join(_grant_text(grant) for grant in grants) or "nothing",
                "name": token.name,
                "created_by": _creator(token),
                "expires_at": _moment(token.expires_at),
                "last_used_at": _moment(token.last_used_at),
            }
            for token, grants in found
        ]

    print_tokens(run(list_rows), as_json=as_json)


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _grant_text(grant: Grant) -> str:
    holder = grant.held.holder
    return role_text(grant.held.role, holder_facts(holder) if holder else None)


def _creator(token: ApiToken) -> str | None:
    return f"{token.created_by.kind.lower()}:{token.created_by.id}" if token.created_by else None


def revoke_token(
    token_id: TokenId,
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    async def revoke(runtime: Runtime) -> TokenRevocation | None:
        options = WriteOptions(dry_run=dry_run)
        return await runtime.operator.tokens.revoke(
            token_id, keep_created=keep_created, options=options
        )

    revoked = run(revoke)
    if revoked is None:
        message = "no valid token has this id."
        raise Refused(message)
    names = _names([revoked.revoked, *revoked.created])
    print_revoked(names, dry_run=dry_run, as_json=as_json)


def end_token(
    token_id: TokenId,
    within: EndsIn,
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    async def end(runtime: Runtime) -> TokenEnding:
        return await runtime.operator.tokens.end(
            token_id,
            at=runtime.services.authentication.now() + within,
            keep_created=keep_created,
            options=WriteOptions(dry_run=dry_run),
        )

    ending = run(end)
    names = _names([ending.ended, *ending.created])
    print_ended(names, str(_moment(ending.ended.expires_at)), dry_run=dry_run, as_json=as_json)


def _names(tokens: Iterable[ApiToken]) -> Iterator[dict[str, str]]:
    return ({"id": token.id, "name": token.name} for token in tokens)


def add_grant(
    to: Grantee,
    role: GrantedRole,
    organization: OrganizationName,
    *,
    on: OnHolder = None,
    as_json: AsJson = False,
) -> None:
    async def add(runtime: Runtime) -> Grant:
        principal = await operator_of(runtime, organization)
        return await runtime.services.for_principal(principal).grants.grant(
            grantee=to, role=role, on=on
        )

    print_grant(_facts(run(add)), as_json=as_json)


def list_grants(organization: OrganizationName, *, as_json: AsJson = False) -> None:
    async def listed(runtime: Runtime) -> list[Grant]:
        principal = await operator_of(runtime, organization)
        found: list[Grant] = []
        window: Window | None = Window(size=MAX_PAGE_SIZE)
        async with runtime.database.read() as unit:
            while window:
                page = await runtime.services.for_principal(principal, unit).grants.page(
                    window=window
                )
                found += [entry.item for entry in page.entries]
                after = page.entries[-1].cursor if page.has_next else None
                window = Window(size=MAX_PAGE_SIZE, after=after) if after else None
        return found

    print_grants([_facts(grant) for grant in run(listed)], as_json=as_json)


def remove_grant(
    grant_id: GrantId,
    organization: OrganizationName,
    *,
    as_json: AsJson = False,
) -> None:
    async def remove(runtime: Runtime) -> Grant:
        principal = await operator_of(runtime, organization)
        return await runtime.services.for_principal(principal).grants.revoke(grant_id=grant_id)

    print_removed_grant(run(remove).id, as_json=as_json)


def add_user(
    issuer: UserIssuer,
    subject: UserSubject,
    name: UserName,
    organization: OrganizationName,
    *,
    as_json: AsJson = False,
) -> None:
    async def add(runtime: Runtime) -> User:
        return await runtime.services.for_principal(
            await operator_of(runtime, organization)
        ).identities.register(issuer=issuer, subject=subject, display_name=name)

    user = run(add)
    print_user(user.id, user.display_name, as_json=as_json)


def remove_user(
    user_id: UserId,
    organization: OrganizationName,
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    async def remove(runtime: Runtime) -> UserRemoval:
        return await runtime.services.for_principal(
            await operator_of(runtime, organization)
        ).identities.remove(
            user_id=user_id, keep_created=keep_created, options=WriteOptions(dry_run=dry_run)
        )

    removed = run(remove)
    print_removed_user(removed.user.id, _names(removed.created), dry_run=dry_run, as_json=as_json)


def _facts(grant: Grant) -> dict[str, Any]:
    holder = grant.held.holder
    return {
        "id": grant.id,
        "role": grant.held.role,
        "on": f"{holder.kind.lower()}:{holder.id}" if holder else None,
        "holder": holder_facts(holder) if holder else None,
        "to": f"{grant.grantee.kind.lower()}:{grant.grantee.id}",
        "name": grant.grantee_name,
    }
