"""`secret …`: list and change the secrets of a holder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gateway.cli.client.documents import (
    CREATE_ALIAS,
    CREATE_OVERRIDE,
    CREATE_SECRET,
    DELETE_SECRET,
    EDIT_SECRET,
    OWN_SECRETS,
    SECRETS_OF_KEY,
    VISIBLE_SECRETS,
)
from gateway.cli.client.holders import (
    AtPath,
    FoundHolder,
    argument_of,
    chosen_holder,
    facts_of,
    title_and_id_of,
    title_of,
)
from gateway.cli.client.refusals import NotFound, RefusedByGateway
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson, DryRun, Exact, ValueFile, read_value
from gateway.cli.printing import Refused, complain, counted, line_of, say, say_json, say_table
from gateway.domain.errors import ErrorCode

Key = Annotated[str, typer.Argument(metavar="KEY", help="The secret's key.")]
MountPath = Annotated[str | None, typer.Option(help="Where a new secret is mounted as a file.")]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="Take an empty value; else it is refused.")
]
_DRY_RUN: Final = "Dry run: nothing was changed."


class NotHere(NotFound):
    def __init__(self, key: str) -> None:
        super().__init__(
            f"{line_of(key)} is not defined there. `secret list` shows what is, and what is "
            "inherited."
        )


def list_secrets(
    context: typer.Context,
    at: AtPath = None,
    *,
    own: Annotated[bool, typer.Option("--own", help="Leave out what is inherited.")] = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    found = own_secrets(gateway, holder) if own else visible_secrets(gateway, holder)
    if as_json:
        say_json({"secrets": [_facts(secret) for secret in found]})
        return
    rows = [
        (secret["key"], _type(secret), title_of(secret["holder"]), _day(secret), secret["id"])
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
    found = next(iter(own_secrets(gateway, holder, key)), None)
    draft = {"key": key, "value": _read_value(value_file, exact=exact, allow_empty=allow_empty)}
    if description is not None:
        draft["description"] = description
    if found:
        payload = gateway.change(EDIT_SECRET, id=found["id"], input=draft, dryRun=dry_run)
        _report("changed", payload, dry_run=dry_run, as_json=as_json)
        return
    if mount_path is not None:
        draft["mountPath"] = mount_path
    payload = _create(gateway, holder, draft, dry_run=dry_run)
    _report("created", payload, dry_run=dry_run, as_json=as_json)


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


def _create(gateway: Gateway, holder: FoundHolder, draft: dict[str, str], *, dry_run: bool) -> Data:
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
    target = _visible(gateway, holder, of)[0]
    payload = gateway.change(
        CREATE_ALIAS,
        holder=argument_of(holder),
        id=target["id"],
        input={"key": key, "description": description},
        dryRun=dry_run,
    )
    _report("created alias", payload, dry_run=dry_run, as_json=as_json)


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
    target = _visible(gateway, holder, key)[-1]
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
    _report("created override", payload, dry_run=dry_run, as_json=as_json)


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
    _report("renamed", payload, dry_run=dry_run, as_json=as_json)


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
    _warn(payload)
    deleted = payload["deletedSecretIds"]
    if as_json:
        say_json({"dry_run": dry_run, "deleted": deleted})
        return
    more = f", and {counted(len(deleted) - 1, 'secret')} with it" if len(deleted) > 1 else ""
    say(f"deleted {found['key']} on {title_and_id_of(found['holder'])}{more}")
    if dry_run:
        say(_DRY_RUN)


def own_secrets(gateway: Gateway, holder: FoundHolder, key: str | None = None) -> Sequence[Data]:
    keys = None if key is None else [key]
    return list(gateway.nodes(OWN_SECRETS, "node", "secrets", id=holder.id, keys=keys))


def own_secret(gateway: Gateway, holder: FoundHolder, key: str) -> Data:
    """Return the secret that a holder itself has under a key.

    Raises:
        NotHere: if it has none.

    """
    for secret in own_secrets(gateway, holder, key):
        return secret
    raise NotHere(key)


def visible_secrets(gateway: Gateway, holder: FoundHolder) -> Sequence[Data]:
    """Return a holder's secrets and those that it inherits, wider scopes first."""
    return list(gateway.nodes(VISIBLE_SECRETS, "node", "visibleSecrets", id=holder.id))


def _visible(gateway: Gateway, holder: FoundHolder, key: str) -> Sequence[Data]:
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


def _report(done: str, payload: Data, *, dry_run: bool, as_json: bool) -> None:
    _warn(payload)
    secret = payload["secret"]
    if as_json:
        say_json({"dry_run": dry_run, "secret": _facts(secret)})
        return
    where = title_and_id_of(secret["holder"])
    say(f"{done} {secret['key']} on {where}, version {secret['version']}")
    if dry_run:
        say(_DRY_RUN)


def _warn(payload: Data) -> None:
    for warning in payload["warnings"]:
        complain(line_of(warning["message"]))


def _facts(secret: Data) -> dict[str, Any]:
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


def _type(secret: Data) -> str:
    target = secret["aliasedSecret"]
    kind = str(secret["variableType"]).lower().replace("_", " ")
    return f"{kind} of {target['key']}" if target else kind


def _day(secret: Data) -> str:
    return str(secret["updatedAt"] or secret["createdAt"])[:16].replace("T", " ")
