"""A traced gateway under writers, and what its clients may rely on at each moment of the trace."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from re import Match, search
from typing import Any, Final

from gateway.services.demo import Demo
from tests.faults.power_scene import DEMO, LOG
from tests.faults.trace import Event, events, tracing
from tests.patience import PATIENCE, wait_until

WRITERS: Final = 3
ROTATIONS: Final = ("rotate", "rotate --data", "rewrap", "retire --yes")

# A row: its type, its version, and its value or its target's key.
Row = tuple[str, int, str]
Rows = dict[str, Row]


@dataclass(slots=True)
class Writer:
    """One connection to the server, on which a change is asked for when the last is answered."""

    number: int
    job_id: str
    connection: HTTPConnection
    port: int
    headers: dict[str, str]
    # What there is after none, one, two … of its changes.
    states: list[Rows] = field(default_factory=lambda: [{}])

    def write(self, until: float) -> None:
        """Create, alias, change and delete, until it is time to end."""
        turn = 0
        with closing(self.connection):
            while time.monotonic() < until:
                turn += 1
                self._turn(f"W{self.number}_{turn}", is_deleted=turn % 3 == 0)

    def _turn(self, key: str, *, is_deleted: bool) -> None:
        path = f"/job/{self.job_id}/secret"
        secret_id = self._ask(
            "POST", path, {"key": key, "value": f"{key} one"}, {key: ("VALUE", 1, f"{key} one")}
        )["id"]
        own = f"{path}/{secret_id}"
        alias = {f"{key}_ALIAS": ("ALIAS", 1, key)}
        self._ask("POST", f"{own}/alias", {"key": f"{key}_ALIAS"}, alias)
        after = {key: ("VALUE", 2, f"{key} two")}
        self._ask("PUT", own, {"key": key, "value": f"{key} two"}, after)
        if is_deleted:
            self._ask("DELETE", own, None, {}, gone=(key, f"{key}_ALIAS"))

    def _ask(
        self, method: str, path: str, body: Any, after: Rows, *, gone: Sequence[str] = ()
    ) -> Any:
        kept = {key: row for key, row in self.states[-1].items() if key not in gone}
        self.states.append(kept | after)
        self.connection.request(method, path, body and json.dumps(body), self.headers)
        response = self.connection.getresponse()
        answer = response.read()
        assert response.status // 100 == 2, answer
        return json.loads(answer) if answer else None


@dataclass(frozen=True, slots=True)
class Traced:
    """What happened, in order, and who wrote."""

    events: Sequence[Event]
    writers: Sequence[Writer]
    demo: Demo


def traced(folder: Path, *, seconds: float, settings: dict[str, str]) -> Traced:
    """Let a gateway live for so long, written to while its keys are rotated; return the trace."""
    trace, data_dir = folder / "trace", folder / "data"
    with _tracing(trace, data_dir, settings) as scene:
        address, demo = _address(folder / LOG), Demo(**json.loads((folder / DEMO).read_text()))
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(WRITERS) as threads:
            writers = [_writer(number, address, demo) for number in range(WRITERS)]
            running = [threads.submit(writer.write, until) for writer in writers]
            assert scene.stdin
            for command in ROTATIONS:
                scene.stdin.write(f"{command}\n")
                scene.stdin.flush()
            for each in running:
                each.result()
    with trace.open() as lines:
        return Traced(list(events(lines, data_dir)), writers, demo)


@contextmanager
def _tracing(
    trace: Path, data_dir: Path, settings: dict[str, str]
) -> Iterator["subprocess.Popen[str]"]:
    data_dir.mkdir(mode=0o700)
    program = (sys.executable, "-m", "tests.faults.power_scene", str(data_dir))
    with subprocess.Popen(
        tracing(trace, *program), env=os.environ | settings, stdin=subprocess.PIPE, text=True
    ) as scene:
        try:
            yield scene
            assert scene.stdin
            scene.stdin.close()
            assert scene.wait(PATIENCE) == 0
        finally:
            scene.kill()


def _address(log: Path) -> tuple[str, int]:
    def listens() -> Match[str] | None:
        written = log.read_text() if log.exists() else ""
        return search(r"running on http://([\d.]+):(\d+)", written)

    found = wait_until(listens)
    return found[1], int(found[2])


def _writer(number: int, address: tuple[str, int], demo: Demo) -> Writer:
    connection = HTTPConnection(*address, timeout=PATIENCE)
    connection.connect()
    headers = {"Authorization": f"Bearer {demo.token}", "Content-Type": "application/json"}
    port = connection.sock.getsockname()[1]
    return Writer(number, demo.job_id, connection, port, headers)
