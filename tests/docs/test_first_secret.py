"""A reader who follows docs/first-secret.md in an empty folder sees what it shows."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.docs.sessions import Shell, steps, with_the_program
from tests.servers import serving

_SERVES = "secrets-gateway serve\n"
_ADDRESS = "http://127.0.0.1:8080"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A reader's shell in an empty folder."""
    (tmp_path / "bakery").mkdir()
    variables = with_the_program(tmp_path / "programs")
    with closing(Shell.started(tmp_path / "bakery", variables)) as started:
        yield started


def test_a_reader_stores_a_secret_and_a_job_gets_it(shell: Shell, tmp_path: Path) -> None:
    address = _ADDRESS
    with ExitStack() as running:
        for step in steps("first-secret.md"):
            if step.command == _SERVES:
                server = running.enter_context(serving(tmp_path / "bakery" / "data", None))
                address = server.url
                continue
            code, printed = shell.run(step.command.replace(_ADDRESS, address))

            assert code == 0, f"{step.command}{printed}"
            assert step.prints(printed), f"{step.command}{printed}"
    assert address != _ADDRESS
