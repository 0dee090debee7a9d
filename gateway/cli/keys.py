"""Commands around keys."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson
from gateway.cli.printing import Refused, complain, counted, say, say_json
from gateway.cli.running import run
from gateway.domain.cryptographic_keys import DataKeyFacts
from gateway.runtime import Runtime
from gateway.services.operator.keys import Rewrapped


def key_status(*, as_json: AsJson = False) -> None:
    status, now = run(lambda runtime: runtime.operator.keys.status()), datetime.now(UTC)
    if as_json:
        facts = [_facts(data_key, now) for data_key in status.data_keys]
        say_json({"provider": status.provider, "kek_id": status.kek_id, "data_keys": facts})
        return
    say(f"{status.kek_id} of the provider {status.provider} wraps data keys.")
    for data_key in status.data_keys:
        say(_line(data_key, now, current=status.kek_id))


def rotate_keys(
    *,
    data: Annotated[
        bool, typer.Option("--data", help="Make new data keys instead, and seal values with them.")
    ] = False,
    project: Annotated[
        str | None, typer.Option(help="With --data: the id of the only project to do it for.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    if project and not data:
        message = "--project goes with --data."
        raise typer.BadParameter(message)

    async def rotate(runtime: Runtime) -> tuple[str, Rewrapped]:
        if data:
            renewed = await runtime.operator.keys.renew(project_id=project)
            made = counted(renewed, "new data key")
        else:
            made = f"new key-encryption key {await runtime.operator.keys.rotate()}"
        return made, await runtime.operator.keys.rewrap()

    made, done = run(rotate)
    if not as_json:
        say(f"{made}")
    _report(done, as_json=as_json)


def rewrap_keys(*, as_json: AsJson = False) -> None:
    _report(run(lambda runtime: runtime.operator.keys.rewrap()), as_json=as_json)


def retire_keys(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for programs.")] = False,
    as_json: AsJson = False,
) -> None:
    if not yes and (unneeded_keys := run(lambda runtime: runtime.operator.keys.unneeded_keys())):
        _ask(unneeded_keys)
    removed = run(lambda runtime: runtime.operator.keys.retire())
    if as_json:
        say_json({"removed": removed})
        return
    for kek_id in removed:
        say(f"removed {kek_id}")
    if not removed:
        say("Every key is needed.")


def _ask(unneeded_keys: Sequence[str]) -> None:
    """Let a person confirm that backups can become useless.

    Raises:
        Refused: if they do not confirm, or nobody can answer.

    """
    complain(
        f"No data key of this database is wrapped by {', '.join(unneeded_keys)} any longer. "
        "Backups of the database from before the last `keys rotate` or `keys rewrap` can hold data "
        "keys that are: without a backup of the key file from that time, nobody can read their "
        "values again."
    )
    try:
        is_confirmed = typer.confirm("Destroy these keys?", err=True)
    except typer.Abort:
        is_confirmed = False
    if not is_confirmed:
        message = "nothing was destroyed; --yes confirms where nobody can answer."
        raise Refused(message)


def _report(done: Rewrapped, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "data_keys": done.data_keys,
                "values": done.values,
                "removed": done.removed,
                "failed": done.failed,
            }
        )
    else:
        say(
            f"wrapped {counted(done.data_keys, 'data key')} and sealed "
            f"{counted(done.values, 'value')} again; removed {counted(done.removed, 'data key')}"
        )
    if done.failed:
        message = f"{counted(done.failed, 'row')} could not be opened: see the alarms in the log."
        raise Refused(message)


def _facts(data_key: DataKeyFacts, now: datetime) -> dict[str, Any]:
    return {
        "id": data_key.id,
        "project_id": data_key.project_id,
        "kek_id": data_key.kek_id,
        "state": data_key.state,
        "values": data_key.values,
        "seals": data_key.seal_count,
        "created_at": data_key.created_at.isoformat(),
        "due": data_key.rotation_reason(now),
    }


def _line(data_key: DataKeyFacts, now: datetime, *, current: str) -> str:
    age = counted((now - data_key.created_at).days, "day")
    notes = [data_key.state.lower(), counted(data_key.values, "value"), f"{age} old"]
    if reason := data_key.rotation_reason(now):
        notes.append(f"due for rotation ({reason.lower()})")
    if data_key.kek_id != current:
        notes.append(f"still wrapped by {data_key.kek_id}")
    return f"{data_key.id}  {data_key.project_id or 'the instance':<36}  {', '.join(notes)}"
