"""A command imports what it needs, and no library that only other commands need."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.servers import LiveServer, environment

# Prints the names of all modules that were imported, after all else.
LISTING: Final = """
import atexit, sys
atexit.register(lambda: sys.stderr.write("\\n" + " ".join(sys.modules)))
{program}
"""
MAIN: Final = "from gateway.cli import main; main()"
# Makes the application as `serve` does, and ends before it listens.
SERVER: Final = """
from gateway.cli.loading import load_function
load_function("serving:serve")
from gateway.app import create_app
create_app()
"""
SERVES: Final = frozenset({"graphql", "schema", "starlette", "strawberry", "uvicorn", "websockets"})
ASKS_ISSUERS: Final = frozenset({"httpx", "joserfc"})
MIGRATES: Final = frozenset({"alembic", "mako"})
DRAWS: Final = frozenset({"graphlay"})
STORES: Final = frozenset({"pydantic_settings", "sqlalchemy", "sqlmodel", "structlog"})
# structlog would import it, and so each command that logs.
PRINTS: Final = frozenset({"rich"})
OTHERS: Final = SERVES | ASKS_ISSUERS | MIGRATES | DRAWS | PRINTS
LISTS: Final = (OTHERS - PRINTS) | STORES | {"asyncio", "cryptography", "yaml"}
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
    "serve --help": (
        STORES | PRINTS | {"uvicorn", "websockets"},
        ASKS_ISSUERS | MIGRATES | {"strawberry"},
    ),
}
# By a command's arguments: what a client needs, and nothing that a server needs.
CLIENT_NEEDS: Final = frozenset({"http.client", "ssl", "typer"})
SERVER_NEEDS: Final = OTHERS | STORES | {"asyncio", "cryptography", "orjson", "keyring"}
CLIENT_IMPORTS: Final[Mapping[str, frozenset[str]]] = {
    "run --service {job_id} -- true": SERVER_NEEDS | {"yaml", "gateway.domain.drafts"},
    "secret get SMTP_PASSWORD --service {job_id}": SERVER_NEEDS | {"yaml"},
    "secret list --at job:{job_id}": SERVER_NEEDS | {"yaml"},
    "explain SMTP_PASSWORD --service {job_id}": SERVER_NEEDS | {"yaml"},
    "audit show": SERVER_NEEDS | {"yaml"},
    "token list": SERVER_NEEDS | {"yaml"},
    "export --service {job_id} --format json": SERVER_NEEDS,
}
ISSUER: Final = {"issuer": "https://id.example.com", "audiences": ["gateway"]}


def _imported(data_dir: Path, *arguments: str, program: str = MAIN, **settings: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-c", LISTING.format(program=program), *arguments],
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


@pytest.mark.parametrize("command", CLIENT_IMPORTS)
def test_client_imports_nothing_of_the_server(
    live_server: LiveServer, tmp_path: Path, command: str
) -> None:
    arguments = command.format(job_id=live_server.demo["job_id"]).split()
    token = live_server.demo["token"]

    imported = _imported(tmp_path / "no-data", *arguments, URL=live_server.url, TOKEN=token)

    assert not CLIENT_NEEDS - imported
    assert not CLIENT_IMPORTS[command] & imported


def test_check_imports_what_the_settings_call_for(data_dir: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"typename": "{ __typename }"}))

    imported = _imported(
        data_dir, "check", TRUSTED_DOCUMENTS=str(manifest), ISSUERS=json.dumps([ISSUER])
    )

    assert imported >= {"schema", "strawberry", "joserfc.jwk"} | ASKS_ISSUERS


def test_a_server_imports_what_the_settings_call_for(data_dir: Path) -> None:
    """The test above is the control for issuers."""
    imported = _imported(data_dir, program=SERVER)

    assert imported >= SERVES | STORES
    assert not imported & (MIGRATES | PRINTS | {"httpx", "joserfc.jwk", "prometheus_client"})
    assert "gateway.rest.openapi.document" not in imported
