"""`audit show`: who did what, over the API."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Final

import typer

from gateway.cli.client.documents import AUDIT, NAMES, TOKENS, USERS
from gateway.cli.client.holders import AtPath, chosen_holder, holder_at, title_of
from gateway.cli.client.refusals import RefusedByGateway
from gateway.cli.client.secret_rows import own_secret
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import line_of, say_json, say_table
from gateway.domain.audit import AuditAction
from gateway.domain.holders import is_canonical_id

_PAGE: Final = 100
_COLUMNS: Final[Mapping[str, str]] = {
    "at": "AT",
    "action": "ACTION",
    "actor": "WHO",
    "face": "FACE",
    "key": "KEY",
    "holder": "HOLDER",
}
# The kind of an actor, the document that lists its kind, the list's field, and a name's.
_ACTORS: Final = (
    ("TOKEN", TOKENS, "apiTokens", "name"),
    ("USER", USERS, "users", "displayName"),
)


OfSecret = Annotated[
    str | None,
    typer.Option("--secret", metavar="KEY", help="Only this secret of --at; or its id."),
]
OnlyReads = Annotated[bool, typer.Option("--reads", help="Only deliveries of values.")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on, in UTC.")
]
Most = Annotated[int, typer.Option("--most", min=1, help="How many, newest first.")]


def show(
    context: typer.Context,
    secret: OfSecret = None,
    at: AtPath = None,
    *,
    reads: OnlyReads = False,
    since: Since = None,
    most: Most = 50,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    filters = _filters(context, gateway, secret, at)
    if reads:
        filters["actions"] = [AuditAction.VALUES_DELIVERED]
    if since:
        filters["since"] = since.replace(tzinfo=UTC).isoformat()
    found = gateway.nodes(AUDIT, "auditEvents", first=min(most, _PAGE), filter=filters)
    events = list(islice(found, most))
    names = {**_holder_names(gateway, events), **_actor_names(gateway, events)}
    facts = [_facts(event, names) for event in events]
    if as_json:
        say_json({"events": facts})
        return
    rows = [_row(item) for item in facts]
    say_table([list(_COLUMNS.values()), *rows])


def _row(facts: Mapping[str, Any]) -> list[str]:
    shown = {**facts, "at": facts["at"][:19].replace("T", " ")}
    return [line_of(str(shown[name] or "")) for name in _COLUMNS]


def _filters(
    context: typer.Context, gateway: Gateway, secret: str | None, at: str | None
) -> dict[str, object]:
    if secret and is_canonical_id(secret):
        return {"secretId": secret}
    if secret:
        holder = chosen_holder(context, gateway, at)
        return {"secretId": own_secret(gateway, holder, secret)["id"]}
    return {"holderId": holder_at(gateway, at).id} if at else {}


def _holder_names(gateway: Gateway, events: Sequence[Data]) -> Mapping[str, str]:
    ids = sorted({event["holderId"] for event in events if event["holderId"]})
    found = gateway.run(NAMES, ids=ids[:_PAGE])["nodes"] if ids else ()
    return {row["id"]: title_of(row) for row in found if row}


def _actor_names(gateway: Gateway, events: Sequence[Data]) -> Mapping[str, str]:
    """Return the names of tokens and users, as far as the caller sees them."""
    kinds = {event["actorKind"] for event in events}
    names: dict[str, str] = {}
    for kind, document, path, field in _ACTORS:
        if kind in kinds:
            with suppress(RefusedByGateway):
                names |= {row["id"]: row[field] for row in gateway.nodes(document, path)}
    return names


def _facts(event: Data, names: Mapping[str, str]) -> dict[str, Any]:
    actor_id = event["actorId"]
    return {
        "id": event["id"],
        "at": event["at"],
        "action": event["action"],
        "actor": f"{event['actorKind'].lower()} {names.get(actor_id, actor_id)}",
        "actor_id": actor_id,
        "face": event["face"],
        "request_id": event["requestId"],
        "subject": event["subject"],
        "subject_id": event["subjectId"],
        "holder_id": event["holderId"],
        "holder": names.get(event["holderId"] or "", event["holderId"]),
        "key": event["key"],
        "details": json.loads(event["details"]),
    }
