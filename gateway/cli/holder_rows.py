"""Print holders that were created, renamed or deleted, from the facts that `--json` prints."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from gateway.cli.printing import counted, line_of, say, say_json

Facts = Mapping[str, Any]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]


def print_holder(done: str, holder: Facts, *, as_json: bool) -> None:
    if as_json:
        say_json(holder)
    else:
        say(f"{done} {_title(holder)} ({holder['id']})")


def print_deleted_holders(holders: Sequence[Facts], *, dry_run: bool, as_json: bool) -> None:
    """Print which holders are deleted, or would be: the one that was named, then those below it."""
    if as_json:
        say_json({"dry_run": dry_run, "holders": holders})
        return
    first, *below = holders
    done = "would delete" if dry_run else "deleted"
    say(f"{done} {_title(first)} ({first['id']}), with {counted(first['secrets'], 'secret')}")
    for found in below:
        say(f"  and {_title(found)}, with {counted(found['secrets'], 'secret')}")


def _title(holder: Facts) -> str:
    return f"{holder['kind'].replace('_', ' ')} {line_of(holder['name'])}"
