"""Find secrets over the API, and print them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from gateway.cli.client.documents import OWN_SECRETS, SEARCH, SECRETS_OF_KEY, VISIBLE_SECRETS
from gateway.cli.client.holders import FoundHolder, facts_of, title_and_id_of
from gateway.cli.client.refusals import NotFound
from gateway.cli.client.transport import Data, Gateway
from gateway.cli.options import moment
from gateway.cli.printing import complain, line_of, say, say_json

Key = Annotated[str, typer.Argument(metavar="KEY", help="The secret's key.")]
UnusedSince = Annotated[
    datetime | None,
    typer.Option(
        "--unused-since",
        parser=moment,
        metavar="TIME",
        help="Only what no service got since then, such as 90d or 2026-08-31. Deliveries answered "
        "with 304 do not count; a new secret is listed until its first delivery.",
    ),
]
DRY_RUN: Final = "Dry run: nothing was changed."


class NotHere(NotFound):
    def __init__(self, key: str) -> None:
        super().__init__(
            f"{line_of(key)} is not defined there. `secret list` shows what is, and what is "
            "inherited."
        )


def own_secrets(gateway: Gateway, holder: FoundHolder, **filters: object) -> Sequence[Data]:
    """Return the secrets that a holder itself has; `filters` are fields of `SecretFilter`."""
    return list(gateway.nodes(OWN_SECRETS, "node", "secrets", id=holder.id, filter=filters))


def own_secret(gateway: Gateway, holder: FoundHolder, key: str) -> Data:
    """Return the secret that a holder itself has under a key.

    Raises:
        NotHere: if it has none.

    """
    for secret in own_secrets(gateway, holder, keys=[key]):
        return secret
    raise NotHere(key)


def visible_secrets(gateway: Gateway, holder: FoundHolder) -> Sequence[Data]:
    """Return a holder's secrets and those that it inherits, wider scopes first."""
    return list(gateway.nodes(VISIBLE_SECRETS, "node", "visibleSecrets", id=holder.id))


def unused_secrets(gateway: Gateway, holder: FoundHolder, since: datetime) -> Sequence[Data]:
    """Return the secrets of a holder and of all below it that no service got since a time."""
    filters = {"holderIds": [holder.id], "unusedSince": since.isoformat()}
    return list(gateway.nodes(SEARCH, "secrets", filter=filters))


def seen_secrets(gateway: Gateway, holder: FoundHolder, key: str) -> Sequence[Data]:
    """Return the secrets with a key that a holder sees, the nearest one first.

    Raises:
        NotHere: if there is none.

    """
    node = gateway.run(SECRETS_OF_KEY, id=holder.id, keys=[key])["node"]
    if node is None:
        raise NotHere(key)
    if "effectiveSecrets" in node:
        entries = [edge["node"] for edge in node["effectiveSecrets"]["edges"]]
        found = [secret for entry in entries for secret in (entry["secret"], *entry["shadows"])]
    else:
        holders = [node, *filter(None, (node.get("project"),))]
        found = [edge["node"] for each in holders for edge in each["secrets"]["edges"]]
    if not found:
        raise NotHere(key)
    return found


def report_secret(done: str, payload: Data, *, dry_run: bool, as_json: bool) -> None:
    warn_of(payload)
    secret = payload["secret"]
    if as_json:
        say_json({"dry_run": dry_run, "secret": secret_facts(secret)})
        return
    where = title_and_id_of(secret["holder"])
    say(f"{done} {secret['key']} on {where}, version {secret['version']}")
    if dry_run:
        say(DRY_RUN)


def warn_of(payload: Data) -> None:
    for warning in payload["warnings"]:
        complain(line_of(warning["message"]))


def secret_facts(secret: Data) -> dict[str, Any]:
    target = secret["aliasedSecret"] or secret["overriddenSecret"]
    return {
        "id": secret["id"],
        "key": secret["key"],
        "variable_type": secret["variableType"],
        "scope": secret["scope"],
        "holder": facts_of(secret["holder"]),
        "version": secret["version"],
        "description": secret["description"],
        "mount_path": secret["mountPath"],
        "target": target,
        "created_at": secret["createdAt"],
        "updated_at": secret["updatedAt"],
    }


def type_of(secret: Data) -> str:
    target = secret["aliasedSecret"]
    kind = str(secret["variableType"]).lower().replace("_", " ")
    return f"{kind} of {target['key']}" if target else kind


def day_of(secret: Data) -> str:
    return str(secret["updatedAt"] or secret["createdAt"])[:16].replace("T", " ")
