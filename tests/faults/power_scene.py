"""A gateway's life for a tracer to watch: a schema, a demo, a server, and keys that are rotated.

Run as a program with a data folder. Each line of its input is a command of `keys`; when the input
ends, the server is stopped. With `SYNCHRONOUS=1` the gateway is one that keeps less than it says.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.cli import main
from gateway.storage import engine, migrate
from tests.patience import PATIENT_SETTINGS
from tests.servers import environment

DEMO: Final = "demo.json"
LOG: Final = "server.log"
SYNCHRONOUS: Final = "SYNCHRONOUS"
_PROGRAM: Final = (sys.executable, "-m", "tests.faults.power_scene", "gateway")


def _gateway(arguments: list[str]) -> None:
    """Be the gateway's command line."""
    if SYNCHRONOUS in os.environ:
        changed = {**engine.SQLITE_PRAGMAS, "synchronous": int(os.environ[SYNCHRONOUS])}
        for module in (engine, migrate):
            vars(module)["SQLITE_PRAGMAS"] = MappingProxyType(changed)
    sys.argv[1:] = arguments
    main()


def _live(data_dir: Path) -> None:
    beside, settings = (
        data_dir.parent,
        environment(data_dir, **PATIENT_SETTINGS, AUDIT_CHECKPOINT_SECONDS="1"),
    )
    subprocess.run([*_PROGRAM, "migrate"], env=settings, check=True)
    with (beside / DEMO).open("wb") as demo:
        subprocess.run([*_PROGRAM, "demo", "--json"], env=settings, check=True, stdout=demo)
    with (beside / LOG).open("wb") as log:
        server = subprocess.Popen(
            [*_PROGRAM, "serve", "--host", "127.0.0.1", "--port", "0"],
            env=settings,
            stdout=log,
            stderr=log,
        )
        for line in sys.stdin:
            subprocess.run([*_PROGRAM, "keys", *line.split()], env=settings, check=True)
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1] == "gateway":
        _gateway(sys.argv[2:])
    else:
        _live(Path(sys.argv[1]))
