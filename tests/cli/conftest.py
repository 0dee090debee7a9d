"""The command line in this process, over a demo for one test alone."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.cli import main
from gateway.services.demo import Demo


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """What it printed for a program."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """Its one line about what stood in the way."""
        (line,) = self.err.splitlines()
        return line.removeprefix("secrets-gateway: ")


CommandLine = Callable[..., Finished]


@pytest.fixture
def demo(template: tuple[Path, Demo]) -> Demo:
    """The ids in the data folder."""
    return template[1]


@pytest.fixture
def line(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """Run commands over the demo, as an operator would; logs below warnings are left out."""
    monkeypatch.setenv("SECRETS_GATEWAY_DATA_DIR", str(data_dir))
    monkeypatch.setenv("SECRETS_GATEWAY_LOG_LEVEL", "warning")
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level

    def run(*arguments: str, stdin: str | bytes = b"") -> Finished:
        typed = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed)))
        monkeypatch.setattr("sys.argv", ["secrets-gateway", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Finished(int(ended.value.code or 0), *capfd.readouterr())

    yield run
    # Every command sends the logs to its own standard error, which is closed by now.
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**configured)
