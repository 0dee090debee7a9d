"""Commands on access: API tokens, grants, and the users that have them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, DryRun, KeepCreated, OnHolder, OrganizationName
from gateway.cli.printing import Refused, say, say_json, title_of
from gateway.cli.running import operator_of, run
from gateway.domain.drafts import WriteOptions
from gateway.domain.grants import Grant, GranteeKind, GranteeReference, User
from gateway.domain.pages import MAX_PAGE_SIZE, Window
from gateway.domain.permissions import Role
from gateway.domain.tokens import ApiToken
from gateway.runtime import Runtime
from gateway.services.grants import TokenRevocation, UserRemoval
from gateway.services.tokens import MAX_DAYS, NewToken, lifetime_of


def create_token(
    name: Annotated[str, typer.Option(help="What the token is for.")],
    organization: OrganizationName,
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.EDITOR,
    days: Annotated[
        int | None, typer.Option(min=1, max=MAX_DAYS, help="Days until it expires.")
    ] = None,
    *,
    on: OnHolder = None,
    as_json: AsJson = False,
) -> None:
    async def create(runtime: Runtime) -> NewToken:
        return await runtime.services.for_principal(
            await operator_of(runtime, organization)
        ).tokens.create(name=name, role=role, on=on, lifetime=lifetime_of(days))

    made = run(create)
    if as_json:
        say_json({"id": made.facts.id, "token": made.text})
    else:
        say(made.text)


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

    found = run(list_rows)
    if as_json:
        say_json({"tokens": found})
        return
    for token in found:
        say(_line(token))


def _line(token: Mapping[str, str | None]) -> str:
    notes = [
        f"expires {_day(token['expires_at'])}" if token["expires_at"] else "does not expire",
        f"last used {_day(token['last_used_at'])}" if token["last_used_at"] else "never used",
    ]
    if token["created_by"]:
        notes.append(f"created by {token['created_by']}")
    return (
        f"{token['id']}  {token['state']}  {token['role']:<8} {token['name']}  {', '.join(notes)}"
    )


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _day(moment: str | None) -> str:
    # UTC, to the minute: a use is stored once an hour.
    return (moment or "")[:16].replace("T", " ")


def _grant_text(grant: Grant) -> str:
    holder = grant.held.holder
    return f"{grant.held.role} on {title_of(holder)}" if holder else str(grant.held.role)


def _creator(token: ApiToken) -> str | None:
    return f"{token.created_by.kind.lower()}:{token.created_by.id}" if token.created_by else None


def revoke_token(
    token_id: Annotated[str, typer.Argument(help="The token's id.")],
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
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
    say_revoked([revoked.revoked, *revoked.created], dry_run=dry_run)


def say_revoked(tokens: Iterable[ApiToken], *, dry_run: bool) -> None:
    """Print which tokens are revoked, or would be."""
    for token in tokens:
        say(f"{'would revoke' if dry_run else 'revoked'} {token.id}  {token.name}")


_KINDS = {kind.lower(): kind for kind in GranteeKind}


def grantee_reference(text: str) -> GranteeReference:
    """Read `token:ID` or `user:ID`."""
    kind, _, grantee_id = text.partition(":")
    if kind not in _KINDS or not grantee_id:
        message = f"a grantee is KIND:ID, the kind one of {', '.join(_KINDS)}."
        raise typer.BadParameter(message)
    return GranteeReference(kind=_KINDS[kind], id=grantee_id)


Grantee = Annotated[
    GranteeReference,
    typer.Option(
        "--to", parser=grantee_reference, metavar="KIND:ID", help="Who gets it, e.g. token:ID."
    ),
]


def add_grant(
    to: Grantee,
    role: Annotated[Role, typer.Option(help="What may be done.")],
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

    _report_grant(run(add), as_json=as_json)


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

    found = run(listed)
    if as_json:
        say_json({"grants": [_facts(grant) for grant in found]})
        return
    for grant in found:
        _report_grant(grant, as_json=False)


def remove_grant(
    grant_id: Annotated[str, typer.Argument(metavar="GRANT_ID", help="The grant's id.")],
    organization: OrganizationName,
) -> None:
    async def remove(runtime: Runtime) -> Grant:
        principal = await operator_of(runtime, organization)
        return await runtime.services.for_principal(principal).grants.revoke(grant_id=grant_id)

    say(f"removed {run(remove).id}")


def add_user(
    issuer: Annotated[str, typer.Option(help="The provider, as its tokens' `iss` says.")],
    subject: Annotated[str, typer.Option(help="The person, as its tokens' `sub` says.")],
    name: Annotated[str, typer.Option(help="For people.")],
    organization: OrganizationName,
    *,
    as_json: AsJson = False,
) -> None:
    async def add(runtime: Runtime) -> User:
        return await runtime.services.for_principal(
            await operator_of(runtime, organization)
        ).identities.register(issuer=issuer, subject=subject, display_name=name)

    user = run(add)
    if as_json:
        say_json({"id": user.id, "name": user.display_name})
    else:
        say(f"{user.id}  {user.display_name}")


def remove_user(
    user_id: Annotated[str, typer.Argument(metavar="USER_ID", help="The user's id.")],
    organization: OrganizationName,
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
) -> None:
    async def remove(runtime: Runtime) -> UserRemoval:
        return await runtime.services.for_principal(
            await operator_of(runtime, organization)
        ).identities.remove(
            user_id=user_id, keep_created=keep_created, options=WriteOptions(dry_run=dry_run)
        )

    removed = run(remove)
    say(f"{'would remove' if dry_run else 'removed'} {removed.user.id}")
    say_revoked(removed.created, dry_run=dry_run)


def _report_grant(grant: Grant, *, as_json: bool) -> None:
    if as_json:
        say_json(_facts(grant))
        return
    where = title_of(grant.held.holder) if grant.held.holder else "the organization"
    kind = grant.grantee.kind.lower()
    say(f"{grant.id}  {grant.held.role} on {where} for {kind} {grant.grantee_name}")


def _facts(grant: Grant) -> dict[str, Any]:
    holder = grant.held.holder
    return {
        "id": grant.id,
        "role": grant.held.role,
        "on": f"{holder.kind.lower()}:{holder.id}" if holder else None,
        "to": f"{grant.grantee.kind.lower()}:{grant.grantee.id}",
        "name": grant.grantee_name,
    }
