"""`secret history`, `deleted`, `rollback`, `restore` and `purge`: bring back what was."""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, Final

import typer

from gateway.cli.client.documents import (
    DELETED_SECRETS,
    PURGE_VERSIONS,
    RESTORE_SECRET,
    ROLLBACK_SECRET,
    VERSIONS,
)
from gateway.cli.client.holders import (
    AtPath,
    FoundHolder,
    chosen_holder,
    title_and_id_of,
)
from gateway.cli.client.refusals import NotFound
from gateway.cli.client.secret_rows import (
    DRY_RUN,
    Key,
    own_secret,
    own_secrets,
    report_secret,
    secret_facts,
    warn_of,
)
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson, DryRun
from gateway.cli.printing import counted, line_of, say, say_json, say_table

To = Annotated[int, typer.Option("--to", metavar="VERSION", help="The version to bring back.")]
Most = Annotated[int, typer.Option("--most", min=1, help="How many, newest first.")]
_PRESENT: Final = "present"
_ENDINGS: Final[Mapping[str | None, str]] = {
    None: _PRESENT,
    "CHANGED": "changed",
    "DELETED": "deleted",
}


class NothingDeleted(NotFound):
    def __init__(self, key: str) -> None:
        super().__init__(
            f"no deleted secret there had the key {line_of(key)}. `secret deleted` shows what is "
            "kept."
        )


def show_history(
    context: typer.Context,
    key: Key,
    at: AtPath = None,
    *,
    most: Most = 50,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    found = next(iter(own_secrets(gateway, holder, keys=[key])), None)
    secret = found or _deleted_secret(gateway, holder, key)
    versions = [
        _version_facts(version)
        for version in islice(gateway.nodes(VERSIONS, "secretVersions", id=secret["id"]), most)
    ]
    if as_json:
        say_json({"id": secret["id"], "versions": versions})
        return
    rows = [
        (
            str(version["version"]),
            version["key"],
            "new value" if version["is_new_value"] else "same value",
            version["at"][:16].replace("T", " "),
            line_of(version["by"] or ""),
            version["ended"] if version["is_value_kept"] else f"{version['ended']}, value gone",
        )
        for version in versions
    ]
    say_table([("VERSION", "KEY", "VALUE", "MADE", "WHO", "NOW"), *rows])


def _version_facts(version: Data) -> dict[str, Any]:
    return {
        "version": version["version"],
        "key": version["key"],
        "description": version["description"],
        "is_new_value": version["isNewValue"],
        "is_value_kept": version["isValueKept"],
        "at": version["at"],
        "by": _name(version["by"]),
        "face": version["face"],
        "ended": _ENDINGS.get(version["endedHow"], version["endedHow"]),
    }


def _name(actor: Data | None) -> str | None:
    # Each kind of actor has one of these.
    names = ((actor or {}).get(field) for field in ("name", "displayName", "subject"))
    return next((str(name) for name in names if name), None)


def list_deleted(context: typer.Context, at: AtPath = None, *, as_json: AsJson = False) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    found = [_deleted_facts(each) for each in _deleted_secrets(gateway, holder)]
    if as_json:
        say_json({"deleted": found})
        return
    rows = [
        (
            each["key"],
            each["variable_type"].lower().replace("_", " "),
            each["deleted_at"][:16].replace("T", " "),
            line_of(each["deleted_by"] or ""),
            each["id"],
        )
        for each in found
    ]
    say_table([("KEY", "TYPE", "DELETED", "WHO", "ID"), *rows])


def _deleted_secrets(gateway: Gateway, holder: FoundHolder) -> list[Data]:
    return list(gateway.nodes(DELETED_SECRETS, "node", "deletedSecrets", id=holder.id))


def _deleted_secret(gateway: Gateway, holder: FoundHolder, key: str) -> Data:
    """Return the deleted secret of a holder that had a key, or has this id; the newest one.

    Raises:
        NothingDeleted: if there is none.

    """
    for secret in _deleted_secrets(gateway, holder):
        if key in {secret["key"], secret["id"]}:
            return secret
    raise NothingDeleted(key)


def _deleted_facts(secret: Data) -> dict[str, Any]:
    return {
        "id": secret["id"],
        "key": secret["key"],
        "variable_type": secret["variableType"],
        "version": secret["version"],
        "is_value_kept": secret["isValueKept"],
        "deleted_at": secret["deletedAt"],
        "deleted_by": _name(secret["deletedBy"]),
    }


def roll_back(
    context: typer.Context,
    key: Key,
    to: To,
    at: AtPath = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    found = own_secret(gateway, chosen_holder(context, gateway, at), key)
    payload = gateway.change(
        ROLLBACK_SECRET,
        id=found["id"],
        toVersion=to,
        version=found["version"],
        dryRun=dry_run,
    )
    report_secret(f"brought version {to} back of", payload, dry_run=dry_run, as_json=as_json)


def restore_secret(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key that it had, or its id.")],
    at: AtPath = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    found = _deleted_secret(gateway, chosen_holder(context, gateway, at), key)
    payload = gateway.change(
        RESTORE_SECRET, id=found["id"], version=found["version"], dryRun=dry_run
    )
    warn_of(payload)
    secret, others = payload["secret"], payload["alsoRestored"]
    if as_json:
        facts = [secret_facts(each) for each in (secret, *others)]
        say_json({"dry_run": dry_run, "restored": facts})
        return
    more = f", and {counted(len(others), 'secret')} with it" if others else ""
    say(f"restored {secret['key']} on {title_and_id_of(secret['holder'])}{more}")
    if dry_run:
        say(DRY_RUN)


def purge_versions(
    context: typer.Context,
    key: Key,
    at: AtPath = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    found = next(iter(own_secrets(gateway, holder, keys=[key])), None)
    secret = found or _deleted_secret(gateway, holder, key)
    payload = gateway.change(PURGE_VERSIONS, id=secret["id"], dryRun=dry_run)
    count = payload["purgedCount"]
    if as_json:
        say_json({"dry_run": dry_run, "id": secret["id"], "purged": count})
        return
    say(f"destroyed {counted(count, 'former value')} of {secret['key']}")
    if dry_run:
        say(DRY_RUN)
