"""`secret …`: list and change the secrets of a holder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.client.documents import (
    CREATE_ALIAS,
    CREATE_OVERRIDE,
    CREATE_SECRET,
    DELETE_SECRET,
    EDIT_SECRET,
)
from gateway.cli.client.holders import (
    AtPath,
    FoundHolder,
    argument_of,
    chosen_holder,
    title_and_id_of,
    title_of,
)
from gateway.cli.client.refusals import RefusedByGateway
from gateway.cli.client.secret_rows import (
    DRY_RUN,
    Key,
    UnusedSince,
    day_of,
    own_secret,
    own_secrets,
    report_secret,
    secret_facts,
    seen_secrets,
    type_of,
    unused_secrets,
    visible_secrets,
    warn_of,
)
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson, DryRun, Exact, ValueFile, read_value
from gateway.cli.printing import Refused, counted, say, say_json, say_table
from gateway.domain.errors import ErrorCode

MountPath = Annotated[str | None, typer.Option(help="Where a new secret is mounted as a file.")]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="Take an empty value; else it is refused.")
]


def list_secrets(
    context: typer.Context,
    at: AtPath = None,
    *,
    own: Annotated[bool, typer.Option("--own", help="Leave out what is inherited.")] = False,
    unused_since: UnusedSince = None,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    if unused_since:
        below = unused_secrets(gateway, holder, unused_since)
        found = [each for each in below if not own or each["holder"]["id"] == holder.id]
    else:
        found = [*(own_secrets if own else visible_secrets)(gateway, holder)]
    if as_json:
        say_json({"secrets": [secret_facts(secret) for secret in found]})
        return
    rows = [
        (secret["key"], type_of(secret), title_of(secret["holder"]), day_of(secret), secret["id"])
        for secret in found
    ]
    say_table([("KEY", "TYPE", "HOLDER", "CHANGED", "ID"), *rows])


def set_secret(
    context: typer.Context,
    key: Key,
    at: AtPath = None,
    *,
    value_file: ValueFile = None,
    exact: Exact = False,
    allow_empty: AllowEmpty = False,
    mount_path: MountPath = None,
    description: Description = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    found = next(iter(own_secrets(gateway, holder, keys=[key])), None)
    draft = {"key": key, "value": _read_value(value_file, exact=exact, allow_empty=allow_empty)}
    if description is not None:
        draft["description"] = description
    if found:
        payload = gateway.change(EDIT_SECRET, id=found["id"], input=draft, dryRun=dry_run)
        report_secret("changed", payload, dry_run=dry_run, as_json=as_json)
        return
    if mount_path is not None:
        draft["mountPath"] = mount_path
    payload = create_secret(gateway, holder, draft, dry_run=dry_run)
    report_secret("created", payload, dry_run=dry_run, as_json=as_json)


def _read_value(path: Path | None, *, exact: bool, allow_empty: bool) -> str:
    """Return a value that is not empty by mistake, as it is where what should print it fails.

    Raises:
        Refused: if it is empty.

    """
    value = read_value(path, exact=exact)
    if not value and not allow_empty:
        message = "the value is empty: give one, or pass --allow-empty."
        raise Refused(message)
    return value


def create_secret(
    gateway: Gateway, holder: FoundHolder, draft: Mapping[str, object], *, dry_run: bool
) -> Data:
    try:
        return gateway.change(
            CREATE_SECRET, holder=argument_of(holder), input=draft, dryRun=dry_run
        )
    except RefusedByGateway as refused:
        if refused.code == ErrorCode.CONFLICT:
            refused.add_hint("`secret override` gives an inherited key another value.")
        raise


def set_alias(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The new key.")],
    of: Annotated[str, typer.Option("--of", metavar="KEY", help="The key of the target.")],
    at: AtPath = None,
    *,
    description: Description = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    target = seen_secrets(gateway, holder, of)[0]
    payload = gateway.change(
        CREATE_ALIAS,
        holder=argument_of(holder),
        id=target["id"],
        input={"key": key, "description": description},
        dryRun=dry_run,
    )
    report_secret("created alias", payload, dry_run=dry_run, as_json=as_json)


def override_secret(
    context: typer.Context,
    key: Key,
    at: AtPath = None,
    *,
    value_file: ValueFile = None,
    exact: Exact = False,
    allow_empty: AllowEmpty = False,
    description: Description = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    # The widest one is the secret itself; nearer ones with its key override it.
    target = seen_secrets(gateway, holder, key)[-1]
    payload = gateway.change(
        CREATE_OVERRIDE,
        holder=argument_of(holder),
        id=target["id"],
        input={
            "value": _read_value(value_file, exact=exact, allow_empty=allow_empty),
            "description": description,
        },
        dryRun=dry_run,
    )
    report_secret("created override", payload, dry_run=dry_run, as_json=as_json)


def rename_secret(
    context: typer.Context,
    key: Key,
    new_key: Annotated[str, typer.Argument(metavar="NEW_KEY", help="Its key from now on.")],
    at: AtPath = None,
    *,
    update_references: Annotated[
        bool,
        typer.Option("--update-references", help="Rewrite the values that refer to it, too."),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    found = own_secret(gateway, chosen_holder(context, gateway, at), key)
    payload = gateway.change(
        EDIT_SECRET,
        id=found["id"],
        input={"key": new_key},
        version=found["version"],
        updateReferences=update_references,
        dryRun=dry_run,
    )
    report_secret("renamed", payload, dry_run=dry_run, as_json=as_json)


def delete_secret(
    context: typer.Context,
    key: Key,
    at: AtPath = None,
    *,
    with_dependents: Annotated[
        bool,
        typer.Option("--with-dependents", help="Delete its aliases and overrides, too."),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    found = own_secret(gateway, chosen_holder(context, gateway, at), key)
    payload = gateway.change(
        DELETE_SECRET,
        id=found["id"],
        version=found["version"],
        withDependents=with_dependents,
        dryRun=dry_run,
    )
    _report_deletion(found, payload, dry_run=dry_run, as_json=as_json)


def _report_deletion(found: Data, payload: Data, *, dry_run: bool, as_json: bool) -> None:
    warn_of(payload)
    deleted = payload["deletedSecretIds"]
    if as_json:
        say_json({"dry_run": dry_run, "deleted": deleted})
        return
    more = f", and {counted(len(deleted) - 1, 'secret')} with it" if len(deleted) > 1 else ""
    say(f"deleted {found['key']} on {title_and_id_of(found['holder'])}{more}")
    if dry_run:
        say(DRY_RUN)
