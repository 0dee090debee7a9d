"""`secret search`: where keys are defined, in all projects that the token sees."""

import re
from collections.abc import Iterator
from fnmatch import translate
from typing import Annotated

import typer

from gateway.cli.client.holders import all_holders
from gateway.cli.client.secret_rows import day_of, own_secrets, secret_facts, type_of
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import line_of, say_json, say_table, show_progress

Pattern = Annotated[
    str, typer.Argument(metavar="PATTERN", help="A key; * is any text, and ? any character.")
]


def search_secrets(context: typer.Context, pattern: Pattern, *, as_json: AsJson = False) -> None:
    found = list(_matching(connect(context), pattern))
    if as_json:
        say_json({"secrets": [{**secret_facts(secret), "path": path} for path, secret in found]})
        return
    rows = [
        (secret["key"], type_of(secret), line_of(path), day_of(secret), secret["id"])
        for path, secret in found
    ]
    say_table([("KEY", "TYPE", "HOLDER", "CHANGED", "ID"), *rows])


def _matching(gateway: Gateway, pattern: str) -> Iterator[tuple[str, Data]]:
    """Yield each secret whose key matches, with the path of its holder."""
    matches, prefix = re.compile(translate(pattern)).match, re.split(r"[*?[]", pattern)[0]
    filters = {"keyPrefix": prefix} if prefix else {}
    for path, holder in show_progress(list(all_holders(gateway)), "Searching"):
        for secret in own_secrets(gateway, holder, **filters):
            if matches(secret["key"]):
                yield path, secret
