"""`token rotate`: give a token a successor, and let it end when the successor is in place."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from gateway.cli.client.documents import (
    CREATE_TOKEN,
    END_TOKEN,
    GRANT_ROLE,
    REVOKE_TOKEN,
    TOKENS,
)
from gateway.cli.client.holders import KINDS
from gateway.cli.client.refusals import NotFound
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.facts import TokenDays, TokenId, print_new_token
from gateway.cli.options import AsJson, duration
from gateway.cli.printing import Refused, complain, line_of

Overlap = Annotated[
    timedelta | None,
    typer.Option(
        "--overlap",
        parser=duration,
        metavar="DURATION",
        help="End the former token after this time, such as 30m, 1h or 7d.",
    ),
]
_DAY: Final = timedelta(days=1)
_NOT_COPIED: Final = "roles that this command's token cannot see are not copied"
_STILL_VALID: Final = "the former token is still valid"


class HasEnded(Refused):
    def __init__(self, token: Data) -> None:
        super().__init__(
            f"the token {line_of(token['name'])} is revoked, or has expired: create another one "
            "with `token create`."
        )


class UnknownLifetime(Refused):
    def __init__(self, token: Data) -> None:
        super().__init__(
            f"the token {line_of(token['name'])} ends before its lifetime is over, at "
            f"{token['expiresAt']}: say with --days how long the new one is to work."
        )


def rotate_token(
    context: typer.Context,
    token_id: TokenId,
    days: TokenDays = None,
    *,
    overlap: Overlap = None,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    listed = {token["id"]: token for token in gateway.nodes(TOKENS, "apiTokens")}
    former = _token(listed, token_id)
    _ensure_valid(former)
    if not former["grants"]:
        message = f"the token {line_of(former['name'])} has no role to give to another one."
        raise Refused(message)
    first, *more = former["grants"]
    days = days or _lifetime_days(former, listed)
    made = gateway.change(CREATE_TOKEN, name=former["name"], days=days, **_role_of(first))
    new_id = made["apiToken"]["id"]
    with _revoked_on_failure(gateway, new_id):
        for grant in more:
            gateway.change(GRANT_ROLE, grantee={"tokenId": new_id}, **_role_of(grant))
        print_new_token(new_id, made["token"], as_json=as_json)
    end = made["apiToken"]["expiresAt"]
    lasts = f"the new token {f'ends at {end}' if end else 'does not expire'}"
    complain(f"{_NOT_COPIED}, {lasts}, and {_end(gateway, former, made['apiToken'], overlap)}")


def _end(gateway: Gateway, former: Data, successor: Data, overlap: timedelta | None) -> str:
    """Let the former token end after the overlap, unless it ends before; say until when it works.

    The tokens that it created stay: they are in use too.
    """
    expires_at = former["expiresAt"]
    if overlap is None:
        return f"{_STILL_VALID}: when nothing uses it, `token revoke {former['id']}`."
    # The gateway's clock decides, so the time of its answer counts, and not this machine's.
    end = datetime.fromisoformat(successor["createdAt"]) + overlap
    if expires_at is None or datetime.fromisoformat(expires_at) > end:
        try:
            ended = gateway.change(END_TOKEN, id=former["id"], at=end.isoformat(), keepCreated=True)
        except Refused:
            complain(f"{_STILL_VALID}: `token revoke {former['id']}`.")
            raise
        expires_at = ended["apiToken"]["expiresAt"]
    return f"the former token ends at {expires_at}."


@contextmanager
def _revoked_on_failure(gateway: Gateway, token_id: str) -> Iterator[None]:
    """Revoke a token that is not complete, or that nobody has been shown."""
    try:
        yield
    except BaseException:
        try:
            gateway.change(REVOKE_TOKEN, id=token_id)
        except Exception:  # noqa: BLE001 - the first failure is the one that is reported
            complain(f"the new token is still valid: `token revoke {token_id}`.")
        raise


def _token(listed: Mapping[str, Data], token_id: str) -> Data:
    if token_id not in listed:
        message = "this token sees no token with that id."
        raise NotFound(message)
    return listed[token_id]


def _ensure_valid(token: Data) -> None:
    expires_at = token["expiresAt"]
    is_over = expires_at and datetime.fromisoformat(expires_at) <= datetime.now(UTC)
    if is_over or token["revokedAt"]:
        raise HasEnded(token)


def _role_of(grant: Data) -> dict[str, object]:
    holder = grant["holder"]
    at = {KINDS[holder["__typename"]].id_argument: holder["id"]} if holder else None
    return {"role": grant["role"], "holder": at}


def _lifetime_days(token: Data, listed: Mapping[str, Data]) -> int | None:
    """Return for how many days a token was made, rounded up; None if it does not expire.

    Raises:
        UnknownLifetime: if its end was brought forward. Then its lifetime is not in whole days,
            and it does not end with the token that created it.

    """
    if not token["expiresAt"]:
        return None
    created, expires = (datetime.fromisoformat(token[name]) for name in ("createdAt", "expiresAt"))
    creator = listed.get(str((token["createdBy"] or {}).get("id")), {})
    if (expires - created) % _DAY and creator.get("expiresAt") != token["expiresAt"]:
        raise UnknownLifetime(token)
    return -((created - expires) // _DAY)
