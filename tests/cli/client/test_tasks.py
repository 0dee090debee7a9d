"""Everyday tasks with a URL and a token, far from the gateway's host."""

import re
import shlex
import sys
from dataclasses import dataclass
from string import Template
from typing import Final

import pytest

from tests.cli.client.conftest import ROOT, SERVICE, Execute, Laptop, printed, run_as_process
from tests.servers import LiveServer

_PAGE: Final = (ROOT / "docs" / "tasks.md").read_text()
_PROGRAM: Final = "secrets-gateway "
_ROW: Final = re.compile(r"^\| [^|]+ \| `((?:[^`|]|\\\|)+)` \| `([^`]+)` \|$", re.MULTILINE)
# `test_access.py` changes something while it waits.
_WAITS: Final = {"watch"}


@dataclass(frozen=True, slots=True)
class Task:
    """A command of the page, what is typed into it, and its first line."""

    command: list[str]
    typed: str
    shown: str

    def with_variables(self, variables: dict[str, str]) -> list[str]:
        return [Template(word).safe_substitute(variables) for word in self.command]

    def prints(self, line: str) -> bool:
        """Return whether a line is what the page shows, where columns may be wider."""
        pattern = r"\s+".join(map(re.escape, self.shown.split())).replace("…", ".+")
        return bool(re.fullmatch(pattern.replace(r"\ ", r"\s+"), line.strip()))


def _task(cell: str, shown: str) -> Task:
    typing, _, command = cell.replace(r"\|", "|").rpartition(_PROGRAM)
    words = shlex.split(typing.rstrip(" |"))
    return Task(shlex.split(command), " ".join(words[1:]) + "\n" if words else "", shown)


_TASKS: Final = [_task(*row) for row in _ROW.findall(_PAGE)]


@pytest.fixture
def laptop(laptop: Laptop) -> Laptop:
    """A real process each time."""
    return laptop.but(execute=run_as_process)


_SHOWS = "import os; print(os.environ['SMTP_PASSWORD'], open(os.environ['TLS_CERTIFICATE']).read())"


def test_run_an_application_with_the_secrets_of_its_service(laptop: Laptop) -> None:
    ended = laptop("run", "--service", SERVICE, "--", sys.executable, "-c", _SHOWS)

    assert printed(ended) == "demo-bulk-smtp demo certificate\n"


@pytest.mark.rule("S74")
def test_an_application_gets_neither_the_token_nor_the_url(laptop: Laptop) -> None:
    shows = "import os; print([name for name in os.environ if 'GATEWAY' in name])"

    ended = laptop("run", "--service", SERVICE, "--", sys.executable, "-c", shows)

    assert printed(ended) == "[]\n"


def test_a_token_for_one_service_that_only_reads(laptop: Laptop, server: LiveServer) -> None:
    token = printed(
        laptop("token", "create", "--name", "pod", "--role", "runtime", "--on", SERVICE)
    ).strip()
    of_pod = laptop.but(token=token)
    job_id = server.demo["job_id"]

    assert printed(of_pod("secret", "get", "SMTP_PASSWORD", "--service", job_id))
    assert of_pod("secret", "set", "NEW", "--at", f"job:{job_id}", stdin="x").code == 3
    assert of_pod("secret", "get", "X", "--service", server.demo["other_job_id"]).code == 4


@pytest.fixture
def variables(laptop: Laptop) -> dict[str, str]:
    """What the page takes as known, besides the file for an import."""
    (laptop.home / ".env").write_text("CACHE_URL='redis://one'\nSMTP_PASSWORD=local\n")
    made = laptop("token", "create", "--name", "worker", "--role", "viewer", "--json")
    return {"TOKEN_ID": made.answer["id"]}


@pytest.fixture
def quick(laptop: Laptop, execute: Execute) -> Laptop:
    """The same laptop, in this process."""
    return laptop.but(execute=execute)


def test_each_command_of_the_page_prints_what_it_says(
    quick: Laptop, variables: dict[str, str]
) -> None:
    for task in _TASKS:
        if task.command[0] in _WAITS:
            continue
        ended = quick(*task.with_variables(variables), stdin=task.typed)

        assert ended.code == 0, f"{task.command}: {ended.err}"
        first, *_ = ended.out.splitlines()
        assert task.prints(first), f"{task.command}: {first}"
        if task.command[:2] == ["user", "add"]:
            variables["USER_ID"] = first.split()[0]


def test_the_page_has_the_tasks_and_says_what_is_not_built() -> None:
    unbuilt = {"webhook"}

    assert len(_TASKS) >= 20
    assert not {task.command[0] for task in _TASKS} & unbuilt
    assert "## Not built yet" in _PAGE
