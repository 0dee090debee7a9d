"""Commands around who may do what: grants, and the users that have them."""

from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, DryRun, KeepCreated, OnHolder, OrganizationName
from gateway.cli.printing import say, say_json, title_of
from gateway.cli.running import operator_of, run
from gateway.cli.tokens import say_revoked
from gateway.domain.drafts import WriteOptions
from gateway.domain.grants import Grant, GranteeKind, GranteeReference, User
from gateway.domain.pages import MAX_PAGE_SIZE, Window
from gateway.domain.permissions import Role
from gateway.runtime import Runtime
from gateway.services.grants import UserRemoval

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
