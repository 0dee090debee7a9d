"""Start the gateway and its peers, each over a database of its own with the same secrets."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.benchmarks.processes import Cores, Server, free_port, running, uvicorn
from tests.benchmarks.samples import copy_for_peers
from tests.servers import command, environment

# Everything is on, with limits that a benchmark does not reach.
_SETTINGS: Final = MappingProxyType(
    {
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "info",
        "RATE_PER_MINUTE": "1000000000",
        "RATE_BURST": "1000000000",
        "ORGANIZATION_RATE_PER_MINUTE": "1000000000",
        "ORGANIZATION_RATE_BURST": "1000000000",
        "SUBSCRIPTIONS_PER_CALLER": "10000",
        "DEADLINE_SECONDS": "60",
    }
)
_MERCURIUS: Final = Path(__file__).parent / "mercurius"
_NODE: Final = 20
_HEADERS: Final = Path("/usr/include/node/node.h")
_STALLS: Final = ("-m", "tests.benchmarks.loop_stalls")


class Missing(Exception):
    """A peer cannot be measured here; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where servers run, the gateway's data folder, and room for what they write."""

    folder: Path
    data: Path
    cores: Cores

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


Start = Callable[[Place], AbstractContextManager[Server]]


@contextmanager
def gateway(
    place: Place, *, data: Path | None = None, stalls: Path | None = None
) -> Iterator[Server]:
    """Serve a data folder; stalls of the event loop are noted in a file, if one is named."""
    port = free_port()
    variables = environment(data or place.data, **_SETTINGS)
    if stalls is not None:
        variables["STALLS"] = str(stalls)
    options = ("serve", "--host", "127.0.0.1", "--port", str(port))
    started = command(*options, program=_STALLS) if stalls else command(*options)
    with running(
        "gateway",
        started,
        port=port,
        cores=place.cores,
        log=place.log("gateway"),
        variables=variables,
    ) as server:
        yield server


def _by_uvicorn(name: str, application: str, *options: str) -> Start:
    @contextmanager
    def start(place: Place) -> Iterator[Server]:
        port = free_port()
        variables = {**os.environ, "PEER_DATABASE": str(_database(place, name))}
        with running(
            name,
            [*uvicorn(application, port), *options],
            port=port,
            cores=place.cores,
            log=place.log(name),
            variables=variables,
        ) as server:
            yield server

    return start


limit = _by_uvicorn(
    "limit", "tests.benchmarks.peers.limit:serve", "--lifespan", "off", "--log-level", "error"
)
stock = _by_uvicorn("stock Strawberry", "tests.benchmarks.peers.stock:serve")


@contextmanager
def mercurius(place: Place) -> Iterator[Server]:
    """Serve by mercurius with its JIT; its packages are installed at the first use.

    Raises:
        Missing: if there is no Node, or its packages cannot be installed.

    """
    _ensure_node(_NODE)
    port, name = free_port(), "mercurius-jit"
    _install_packages(place.log(name))
    with running(
        name,
        ["node", "server.mjs", str(_database(place, name)), str(port)],
        port=port,
        cores=place.cores,
        log=place.log(name),
        folder=_MERCURIUS,
    ) as server:
        yield server


def node_version() -> int | None:
    """Return the major version of Node; None where there is none."""
    if not shutil.which("node"):
        return None
    said = subprocess.run(
        ["node", "-p", "parseInt(process.versions.node)"],
        capture_output=True,
        check=True,
        text=True,
    )
    return int(said.stdout)


def _ensure_node(least: int) -> None:
    found = node_version()
    if found is None or not shutil.which("npm"):
        message = f"it needs npm and Node {least} or newer, which are not installed"
        raise Missing(message)
    if found < least:
        message = f"it needs Node {least} or newer; this is Node {found}"
        raise Missing(message)


def _install_packages(log: Path) -> None:
    """Install from the lock, and build the one package that has machine code.

    Raises:
        Missing: if that fails.

    """
    if next(_MERCURIUS.glob("node_modules/better-sqlite3/build/Release/*.node"), None):
        return
    print("Installing mercurius, and building better-sqlite3: one or two minutes", file=sys.stderr)
    # With the headers of the system nothing is downloaded.
    options = ["--build-from-source", f"--nodedir={_HEADERS.parents[2]}"]
    build = ["npm", "rebuild", "better-sqlite3", "--ignore-scripts=false"]
    build += options if _HEADERS.exists() else []
    with log.open("ab") as output:
        for step in (["npm", "ci", "--loglevel=error"], build):
            done = subprocess.run(step, cwd=_MERCURIUS, check=False, stdout=output, stderr=output)
            if done.returncode:
                message = f"`{' '.join(step[:2])}` failed: {log.read_text()[-300:].strip()}"
                raise Missing(message)


def _database(place: Place, name: str) -> Path:
    copy = place.folder / f"{name.replace(' ', '-')}.db"
    if not copy.exists():
        copy_for_peers(place.data / "secrets.db", copy)
    return copy
