"""`run --watch`: the command starts again when what its service gets has changed."""

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.cli import launching
from tests.cli.client.canned import CannedGateway
from tests.cli.client.conftest import SERVICE, Laptop
from tests.patience import PATIENCE, wait_until
from tests.servers import LiveServer, command, measured

# Marks each start with the value that it got. The first one does not end by SIGTERM.
_STUBBORN: Final = """
echo "$PHASE" >> started
if [ "$PHASE" = one ]; then trap '' TERM; touch ready; while :; do sleep 0.1; done; fi
exit 7
"""
_WATCH: Final = ("run", "--watch", "--every", "1", "--service")


def _put(server: LiveServer, key: str, value: str) -> None:
    """Change a job's secret without the command line, which runs in this process already."""
    jobs = httpx.Client(
        base_url=f"{server.url}/job/{server.demo['job_id']}",
        headers={"Authorization": f"Token {server.demo['token']}"},
        timeout=PATIENCE,
    )
    with jobs:
        (found,) = (row for row in jobs.get("/secret").json()["results"] if row["key"] == key)
        jobs.put(f"/secret/{found['id']}", json={"key": key, "value": value}).raise_for_status()


def test_a_command_starts_again_with_the_new_values(
    laptop: Laptop, server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed if it does not end by itself; the exit code is that of the last run."""
    monkeypatch.setattr(launching, "GRACE_SECONDS", 0.1)
    laptop("secret", "set", "PHASE", "--at", SERVICE, stdin="one")

    def change() -> None:
        wait_until(Path(laptop.home, "ready").exists)
        _put(server, "PHASE", "two")

    thread = threading.Thread(target=change)
    thread.start()
    ended = laptop(*_WATCH, SERVICE, "--", "sh", "-c", _STUBBORN)
    thread.join()

    assert (ended.code, ended.complaint) == (
        7,
        "what the service gets has changed: starting the command again.",
    )
    assert (laptop.home / "started").read_text() == "one\ntwo\n"


# Asks the program to end when it is told to end itself.
_LEAVING: Final = """
told() { n=$((n + 1)); [ $n = 2 ] && exit 5; kill -TERM $PPID; }
n=0; trap told TERM; touch ready; while :; do sleep 0.05; done
"""


def test_a_signal_during_a_restart_ends_the_command_for_good(
    laptop: Laptop, server: LiveServer
) -> None:
    laptop("secret", "set", "ROUND", "--at", SERVICE, stdin="one")

    def change() -> None:
        wait_until(Path(laptop.home, "ready").exists)
        _put(server, "ROUND", "two")

    thread = threading.Thread(target=change)
    thread.start()
    ended = laptop(*_WATCH, SERVICE, "--", "sh", "-c", _LEAVING)
    thread.join()

    assert (ended.code, ended.err) == (5, "")


_ID: Final = "3f0e9b5e-52a1-4c0b-9d2b-6a5a3c7d1e10"


def _delivery(*, is_unchanged: bool, fingerprint: str = "f") -> object:
    secrets = [{"key": "KEY", "value": "v", "file": None}]
    facts = {"fingerprint": fingerprint, "isUnchanged": is_unchanged, "secrets": secrets}
    return {"data": {"delivery": facts}}


def test_a_command_goes_on_while_the_gateway_is_away(
    canned: CannedGateway, stranger: Laptop
) -> None:
    """What is in the way is said once."""
    canned.answer(200, _delivery(is_unchanged=False))
    client = stranger.but(url=canned.url, token="sgw_x")

    def refuse() -> None:
        wait_until(Path(client.home, "ready").exists)
        canned.refuse(503, "UNAVAILABLE", "Later.")
        before = len(canned.received)
        wait_until(lambda: len(canned.received) > before + 1)
        (client.home / "end").touch()

    thread = threading.Thread(target=refuse)
    thread.start()
    script = "touch ready; until [ -e end ]; do sleep 0.1; done; exit 9"
    ended = client(*_WATCH, _ID, "--", "sh", "-c", script)
    thread.join()

    assert (ended.code, ended.complaint) == (9, "cannot look for changes: Later.")


def test_an_answer_of_no_gateway_does_not_end_the_looks(
    canned: CannedGateway, stranger: Laptop
) -> None:
    canned.answer(200, _delivery(is_unchanged=False))
    client = stranger.but(url=canned.url, token="sgw_x")

    def change() -> None:
        wait_until(Path(client.home, "ready").exists)
        canned.answer(200, {"data": {"delivery": None}})
        before = len(canned.received)
        wait_until(lambda: len(canned.received) > before + 1)
        canned.answer(200, _delivery(is_unchanged=False, fingerprint="g"))

    thread = threading.Thread(target=change)
    thread.start()
    script = "[ -e ready ] && exit 9; touch ready; while :; do sleep 0.1; done"
    ended = client(*_WATCH, _ID, "--", "sh", "-c", script)
    thread.join()

    assert ended.code == 9
    assert ended.err.count("cannot look for changes: this is not the answer of a gateway.") == 1


def test_a_first_delivery_cannot_be_unchanged(canned: CannedGateway, stranger: Laptop) -> None:
    canned.answer(200, _delivery(is_unchanged=True))

    ended = stranger.but(url=canned.url, token="sgw_x")(*_WATCH, _ID, "--", "touch", "started")

    assert ended.code == 1
    assert not (stranger.home / "started").exists()


# Ends by Ctrl-C only, and notes that it should have ended before.
_INTERRUPTED: Final = """
echo start >> started; trap 'touch asked' TERM; trap 'exit 6' INT; touch ready
while :; do sleep 0.05; done
"""


@pytest.mark.skipif(sys.platform != "linux", reason="signals say where they are from")
def test_ctrl_c_during_a_restart_ends_the_command_for_good(
    canned: CannedGateway, stranger: Laptop
) -> None:
    """The terminal sends it to the command too, which does not get it twice."""
    canned.answer(200, _delivery(is_unchanged=False))
    variables = stranger.but(url=canned.url, token="sgw_x").environment()
    keyboard, terminal = pty.openpty()
    name = os.ttyname(terminal)
    # A session of its own, whose terminal the first one that it opens becomes.
    opening = ["sh", "-c", f'exec "$0" "$@" <{name} >{name} 2>&1']
    program = command(*_WATCH, _ID, "--", "sh", "-c", _INTERRUPTED)

    with subprocess.Popen(
        [*opening, *program], env=measured(variables), cwd=stranger.home, start_new_session=True
    ) as process:
        try:
            wait_until(Path(stranger.home, "ready").exists)
            canned.answer(200, _delivery(is_unchanged=False, fingerprint="g"))
            wait_until(Path(stranger.home, "asked").exists)
            os.write(keyboard, b"\x03")
            code = process.wait(PATIENCE)
        finally:
            process.kill()

    os.close(terminal)
    os.close(keyboard)
    assert code == 6
    assert (stranger.home / "started").read_text() == "start\n"
