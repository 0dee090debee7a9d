"""A command imports what it needs, and no library that only other commands need."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.servers import environment

# Prints the names of all modules that were imported, after all else.
LISTING: Final = """
import atexit, sys
atexit.register(lambda: sys.stderr.write("\\n" + " ".join(sys.modules)))
from gateway.cli import main
main()
"""
SERVES: Final = frozenset({"graphql", "schema", "starlette", "strawberry", "uvicorn", "websockets"})
ASKS_ISSUERS: Final = frozenset({"httpx", "joserfc"})
MIGRATES: Final = frozenset({"alembic", "mako"})
DRAWS: Final = frozenset({"graphlay"})
STORES: Final = frozenset({"pydantic_settings", "sqlalchemy", "sqlmodel", "structlog"})
OTHERS: Final = SERVES | ASKS_ISSUERS | MIGRATES | DRAWS
LISTS: Final = OTHERS | STORES | {"asyncio", "cryptography", "yaml"}
# By a command's arguments: what it needs, which shows that the listing sees it, and what not.
IMPORTS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "--version": (frozenset({"typer"}), LISTS | {"pydantic", "rich"}),
    "--help": (frozenset({"typer", "rich"}), LISTS | {"pydantic"}),
    "token --help": (frozenset({"typer", "rich"}), LISTS),
    "organization list": (STORES, OTHERS | {"yaml"}),
    "export --service {job_id} --format json": (STORES | {"yaml"}, OTHERS),
    "graph --service {job_id}": (STORES | DRAWS, OTHERS - DRAWS | {"yaml"}),
    "check": (STORES, OTHERS | {"yaml"}),
    "migrate": (STORES | MIGRATES, OTHERS - MIGRATES | {"yaml"}),
    "serve --help": (STORES | {"uvicorn", "websockets"}, ASKS_ISSUERS | MIGRATES | {"strawberry"}),
}
ISSUER: Final = {"issuer": "https://id.example.com", "audiences": ["gateway"]}


def _imported(data_dir: Path, *arguments: str, **settings: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", LISTING, *arguments],
        env=environment(data_dir, **settings),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", IMPORTS)
def test_command_imports_no_library_that_only_others_need(
    template: tuple[Path, Demo], data_dir: Path, command: str
) -> None:
    needed, needless = IMPORTS[command]

    imported = _imported(data_dir, *command.format(job_id=template[1].job_id).split())

    assert not needed - imported
    assert not needless & imported


def test_check_imports_what_the_settings_call_for(data_dir: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"typename": "{ __typename }"}))

    imported = _imported(
        data_dir, "check", TRUSTED_DOCUMENTS=str(manifest), ISSUERS=json.dumps([ISSUER])
    )

    assert imported >= {"schema", "strawberry"} | ASKS_ISSUERS
