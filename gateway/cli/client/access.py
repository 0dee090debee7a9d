"""`token …`, `grant …` and `user list`, over the API."""

from datetime import UTC, datetime
from typing import Any

import typer

from gateway.cli.client.documents import (
    CREATE_TOKEN,
    END_TOKEN,
    GRANT_ROLE,
    GRANTS,
    REGISTER_USER,
    REMOVE_USER,
    REVOKE_ROLE,
    REVOKE_TOKEN,
    TOKENS,
    USERS,
)
from gateway.cli.client.holders import OnPath, argument_of, facts_of, holder_at
from gateway.cli.client.transport import Data, Gateway, connect
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
from gateway.cli.options import AsJson, DryRun, KeepCreated
from gateway.cli.printing import line_of, say_json, say_table
from gateway.domain.permissions import Role


def create_token(
    context: typer.Context,
    name: TokenName,
    role: TokenRole = Role.EDITOR,
    days: TokenDays = None,
    *,
    on: OnPath = None,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    made = gateway.change(
        CREATE_TOKEN, name=name, role=role.upper(), holder=_argument(gateway, on), days=days
    )
    print_new_token(made["apiToken"]["id"], made["token"], as_json=as_json)


def _argument(gateway: Gateway, on: str | None) -> dict[str, str] | None:
    return None if on is None else argument_of(holder_at(gateway, on))


def list_tokens(context: typer.Context, *, as_json: AsJson = False) -> None:
    tokens = connect(context).nodes(TOKENS, "apiTokens")
    print_tokens([_token_facts(token) for token in tokens], as_json=as_json)


def _token_facts(token: Data) -> dict[str, str | None]:
    expires_at, creator = token["expiresAt"], token["createdBy"]
    is_over = expires_at and datetime.fromisoformat(expires_at) <= datetime.now(UTC)
    roles = [_role(grant) for grant in token["grants"]]
    return {
        "id": token["id"],
        "state": "ended" if is_over or token["revokedAt"] else "valid",
        "role": ", ".join(roles) or "nothing",
        "name": token["name"],
        "created_by": creator and f"{creator['kind'].lower()}:{creator['id']}",
        "expires_at": expires_at,
        "last_used_at": token["lastUsedAt"],
    }


def _role(grant: Data) -> str:
    holder = grant["holder"]
    return role_text(grant["role"].lower(), facts_of(holder) if holder else None)


def revoke_token(
    context: typer.Context,
    token_id: TokenId,
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    revoked = connect(context).change(
        REVOKE_TOKEN, id=token_id, keepCreated=keep_created, dryRun=dry_run
    )
    names = [revoked["apiToken"], *revoked["alsoRevoked"]]
    print_revoked(names, dry_run=dry_run, as_json=as_json)


def end_token(
    context: typer.Context,
    token_id: TokenId,
    within: EndsIn,
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    ended = connect(context).change(
        END_TOKEN,
        id=token_id,
        at=(datetime.now(UTC) + within).isoformat(),
        keepCreated=keep_created,
        dryRun=dry_run,
    )
    names = [{"id": token["id"], "name": token["name"]} for token in _ended(ended)]
    print_ended(names, ended["apiToken"]["expiresAt"], dry_run=dry_run, as_json=as_json)


def _ended(payload: Data) -> list[Data]:
    return [payload["apiToken"], *payload["alsoEnded"]]


def add_grant(
    context: typer.Context,
    to: Grantee,
    role: GrantedRole,
    *,
    on: OnPath = None,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    made = gateway.change(
        GRANT_ROLE,
        grantee={f"{to.kind.lower()}Id": to.id},
        role=role.upper(),
        holder=_argument(gateway, on),
    )
    print_grant(_grant_facts(made["grant"]), as_json=as_json)


def list_grants(context: typer.Context, *, as_json: AsJson = False) -> None:
    grants = connect(context).nodes(GRANTS, "grants")
    print_grants([_grant_facts(grant) for grant in grants], as_json=as_json)


def remove_grant(context: typer.Context, grant_id: GrantId, *, as_json: AsJson = False) -> None:
    connect(context).change(REVOKE_ROLE, id=grant_id)
    print_removed_grant(grant_id, as_json=as_json)


def _grant_facts(grant: Data) -> dict[str, Any]:
    holder = facts_of(grant["holder"]) if grant["holder"] else None
    token_id = grant["tokenId"]
    return {
        "id": grant["id"],
        "role": grant["role"].lower(),
        "on": holder and f"{holder['kind']}:{holder['id']}",
        "holder": holder,
        "to": f"token:{token_id}" if token_id else f"user:{grant['userId']}",
        "name": grant["granteeName"],
    }


def add_user(
    context: typer.Context,
    issuer: UserIssuer,
    subject: UserSubject,
    name: UserName,
    *,
    as_json: AsJson = False,
) -> None:
    names = {"issuer": issuer, "subject": subject, "name": name}
    user = connect(context).change(REGISTER_USER, **names)["user"]
    print_user(user["id"], user["displayName"], as_json=as_json)


def remove_user(
    context: typer.Context,
    user_id: UserId,
    *,
    keep_created: KeepCreated = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    removed = connect(context).change(
        REMOVE_USER, id=user_id, keepCreated=keep_created, dryRun=dry_run
    )
    revoked = removed["revokedTokens"]
    print_removed_user(user_id, revoked, dry_run=dry_run, as_json=as_json)


def list_users(context: typer.Context, *, as_json: AsJson = False) -> None:
    users = [
        {
            "id": user["id"],
            "name": user["displayName"],
            "issuer": user["issuer"],
            "subject": user["subject"],
            "created_at": user["createdAt"],
        }
        for user in connect(context).nodes(USERS, "users")
    ]
    if as_json:
        say_json({"users": users})
        return
    rows = [[line_of(user[name]) for name in ("id", "name", "issuer", "subject")] for user in users]
    say_table([("ID", "NAME", "ISSUER", "SUBJECT"), *rows])
