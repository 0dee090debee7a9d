"""The command line on a laptop: an empty environment, and a user folder of its own."""

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import pytest

from gateway.cli import main
from gateway.services.demo import Demo
from tests.cli.client.canned import CannedGateway, serving_canned
from tests.cli.conftest import Finished
from tests.patience import PATIENCE
from tests.servers import LiveServer, command, measured, serving

ROOT: Final = Path(__file__).parents[3]
SERVICE: Final = "shop/production/nightly-invoices"

# Runs the program with these arguments, variables, folder and standard input.
Execute = Callable[[list[str], dict[str, str], Path, str], Finished]


@dataclass(frozen=True, slots=True)
class Laptop:
    """A machine with neither a database nor a key file; the folder is its user's."""

    home: Path
    execute: Execute = field(repr=False)
    url: str | None = None
    token: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def but(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def __call__(self, *arguments: str, stdin: str = "", **settings: str) -> Finished:
        return self.execute(list(arguments), self.environment(**settings), self.home, stdin)

    def environment(self, **settings: str) -> dict[str, str]:
        given = {"URL": self.url, "TOKEN": self.token} | settings
        named = {f"SECRETS_GATEWAY_{name}": text for name, text in given.items() if text}
        system = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        return system | named | dict(self.variables)

    def pin(self, text: str, mode: int = 0o644) -> Path:
        """Write the file that pins a gateway and a service for the folder."""
        path = self.home / ".secrets-gateway.toml"
        path.write_text(text)
        path.chmod(mode)
        return path


def run_as_process(
    arguments: list[str], variables: dict[str, str], folder: Path, stdin: str
) -> Finished:
    """Run the program as its users do."""
    ended = subprocess.run(
        command(*arguments),
        env=measured(variables),
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Finished(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def execute(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Execute:
    """Run the program in this process, which takes a fraction of the time."""

    def run(arguments: list[str], variables: dict[str, str], folder: Path, stdin: str) -> Finished:
        with monkeypatch.context() as patch:
            for name in list(os.environ):
                patch.delenv(name)
            for name, text in variables.items():
                patch.setenv(name, text)
            patch.chdir(folder)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            patch.setattr("sys.argv", ["secrets-gateway", *arguments])
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            return Finished(int(ended.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture(scope="package")
def server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A gateway of this folder's own; its demo changes with the tests."""
    folder = Path(shutil.copytree(template[0], tmp_path_factory.mktemp("gateway") / "data"))
    with serving(folder, template[1], FAILED_LOGINS_PER_MINUTE="0") as running:
        yield running


@pytest.fixture
def canned() -> Iterator[CannedGateway]:
    with serving_canned() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def stranger(home: Path, execute: Execute) -> Laptop:
    """One that knows nothing."""
    return Laptop(home, execute)


@pytest.fixture
def laptop(server: LiveServer, stranger: Laptop) -> Laptop:
    """One that knows the gateway's URL and an administrator's token."""
    return stranger.but(url=server.url, token=server.demo["token"])


def printed(finished: Finished) -> str:
    """Return what a command printed, which must have ended well."""
    assert finished.code == 0, finished.err
    return finished.out
