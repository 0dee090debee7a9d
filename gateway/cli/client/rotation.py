"""`token rotate`: a new token with the name, the roles and the lifetime of another one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import typer

from gateway.cli.access_rows import TokenDays, TokenId, print_new_token
from gateway.cli.client.documents import CREATE_TOKEN, GRANT_ROLE, REVOKE_TOKEN, TOKENS
from gateway.cli.client.holders import KINDS
from gateway.cli.client.refusals import NotFound, RefusedByGateway
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import Refused, complain, line_of

_DAY_SECONDS: Final = 24 * 60 * 60


def rotate_token(
    context: typer.Context, token_id: TokenId, days: TokenDays = None, *, as_json: AsJson = False
) -> None:
    gateway = connect(context)
    former = _token(gateway, token_id)
    if not former["grants"]:
        message = f"the token {line_of(former['name'])} has no role to give to another one."
        raise Refused(message)
    made = _create_twin(gateway, former, days or _lifetime_days(former))
    print_new_token(made["apiToken"]["id"], made["token"], as_json=as_json)
    complain(
        f"the former token is still valid: when nothing uses it, `token revoke {former['id']}`."
    )


def _token(gateway: Gateway, token_id: str) -> Data:
    for token in gateway.nodes(TOKENS, "apiTokens"):
        if token["id"] == token_id:
            return token
    message = "this token sees no token with that id."
    raise NotFound(message)


def _create_twin(gateway: Gateway, former: Data, days: int | None) -> Data:
    first, *more = former["grants"]
    made = gateway.change(CREATE_TOKEN, name=former["name"], days=days, **_role(first))
    new_id = made["apiToken"]["id"]
    try:
        _grant(gateway, new_id, more)
    except RefusedByGateway:
        gateway.change(REVOKE_TOKEN, id=new_id)
        raise
    return made


def _grant(gateway: Gateway, token_id: str, grants: Sequence[Data]) -> None:
    for grant in grants:
        gateway.change(GRANT_ROLE, grantee={"tokenId": token_id}, **_role(grant))


def _role(grant: Data) -> dict[str, object]:
    holder = grant["holder"]
    at = {KINDS[holder["__typename"]].id_argument: holder["id"]} if holder else None
    return {"role": grant["role"], "holder": at}


def _lifetime_days(token: Data) -> int | None:
    """Return for how many days a token was made, rounded up; None if it does not expire."""
    if not token["expiresAt"]:
        return None
    created, expires = (datetime.fromisoformat(token[name]) for name in ("createdAt", "expiresAt"))
    return -int(-(expires - created).total_seconds() // _DAY_SECONDS)
