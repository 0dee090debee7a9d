"""The tests' own way of driving clients: it fails where a client does, and never waits for ever."""

import subprocess
import sys

import pytest

from tests.clients.driver import ClientFailed, driving

_ECHO = """
import sys
for _ in sys.stdin:
    print('{"status": 200, "headers": {"Content-Type": "text/plain"}, "data": null}', flush=True)
"""
_FAIL = """
import sys
for _ in sys.stdin:
    print('{"failure": "out of order"}', flush=True)
"""
_SILENT = "import sys; sys.stdin.read()"
_ENDED = "import sys; sys.stdin.readline()"
_BROKEN = "import sys; sys.stdin.read(); sys.exit(3)"


def test_an_answer_is_handed_on() -> None:
    with driving([sys.executable, "-c", _ECHO], {}) as driver:
        answer = driver.ask()

    assert (answer.status, answer.headers, answer.data) == (
        200,
        {"content-type": "text/plain"},
        None,
    )


@pytest.mark.parametrize(
    ("program", "reason"),
    [(_FAIL, "out of order"), (_SILENT, "in time"), (_ENDED, "has ended")],
    ids=["failing", "silent", "ended"],
)
def test_a_client_that_does_not_answer_fails_the_test(program: str, reason: str) -> None:
    with (
        driving([sys.executable, "-c", program], {}, seconds=2) as driver,
        pytest.raises(ClientFailed, match=reason),
    ):
        driver.ask()


def test_a_client_that_ends_badly_fails_the_test() -> None:
    with (
        pytest.raises(subprocess.CalledProcessError, match="status 3"),
        driving([sys.executable, "-c", _BROKEN], {}),
    ):
        pass
