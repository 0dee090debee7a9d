"""`secret search`: where keys are defined, in all projects that the token sees."""

import re
from collections.abc import Iterator
from fnmatch import translate
from typing import Annotated

import typer

from gateway.cli.client.documents import SEARCH
from gateway.cli.client.secret_rows import day_of, secret_facts, type_of
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import line_of, say_json, say_table

Pattern = Annotated[
    str, typer.Argument(metavar="PATTERN", help="A key; * is any text, and ? any character.")
]


def search_secrets(context: typer.Context, pattern: Pattern, *, as_json: AsJson = False) -> None:
    found = [(_path(secret["at"]), secret) for secret in _matching(connect(context), pattern)]
    if as_json:
        say_json({"secrets": [{**secret_facts(secret), "path": path} for path, secret in found]})
        return
    rows = [
        (secret["key"], type_of(secret), line_of(path), day_of(secret), secret["id"])
        for path, secret in found
    ]
    say_table([("KEY", "TYPE", "HOLDER", "CHANGED", "ID"), *rows])


def _matching(gateway: Gateway, pattern: str) -> Iterator[Data]:
    """Yield each secret whose key matches; the gateway looks for the longest literal part."""
    matches = re.compile(translate(pattern)).match
    part = max(re.split(r"[*?]|\[.*?\]", pattern), key=len)
    filters = {"keyContains": part} if part else {}
    for secret in gateway.nodes(SEARCH, "secrets", filter=filters):
        if matches(secret["key"]):
            yield secret


def _path(holder: Data) -> str:
    """Return a holder's names, from its project on."""
    above = holder.get("environment") or holder.get("project")
    return f"{_path(above)}/{holder['name']}" if above else str(holder["name"])
