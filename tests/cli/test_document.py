"""The document: its examples print what it says, and it leaves no command out."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from gateway.cli.entry import COMMANDS, GROUPS
from gateway.services.demo import Demo
from tests.servers import environment

_DOCS = Path(__file__).parents[2] / "docs"
_DOCUMENT = (_DOCS / "cli.md").read_text()
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_BLOCKS = _CONSOLE.findall(_DOCUMENT)
_GIVEN = 8


def _examples(block: str) -> Iterator[tuple[str, str]]:
    """Give commands, with the lines that go on with them, and what the text says they print."""
    for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        first, *lines = example.splitlines(keepends=True)
        more = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
        printed = [line for line in lines if not line.startswith("> ")]
        yield "".join([first, *more]), "".join(printed)


def _all_examples(document: str) -> Iterator[tuple[str, str]]:
    for block in _CONSOLE.findall((_DOCS / document).read_text()):
        yield from _examples(block)


def _pattern(printed: str) -> str:
    return "[^\n]+".join(map(re.escape, printed.split("…")))


@pytest.fixture
def shell(data_dir: Path, demo: Demo, tmp_path: Path) -> dict[str, str]:
    """The environment of a reader: the program on the path, the demo's ids, its data."""
    programs = tmp_path / "programs"
    programs.mkdir()
    program = programs / "secrets-gateway"
    program.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c 'from gateway.cli import main; main()' \"$@\"\n"
    )
    program.chmod(0o755)
    ids = {name.upper(): value for name, value in asdict(demo).items()}
    path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return environment(data_dir, LOG_LEVEL="warning") | ids | path


# Every example is a process of its own.
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("document", ["cli.md", "keys.md", "map.md", "operations.md"])
def test_examples_print_what_the_text_says(
    shell: dict[str, str], tmp_path: Path, document: str
) -> None:
    """All of them one after the other, since later ones stand on earlier ones."""
    # The package itself, which is not installed where the examples run.
    shell["PYTHONPATH"] = str(Path(__file__).parents[2])
    for command, printed in _all_examples(document):
        answer = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path,
            env=shell,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

        assert answer.returncode == 0, f"{command}{answer.stdout}"
        assert re.fullmatch(_pattern(printed), answer.stdout), f"{command}{answer.stdout}"


def test_document_has_examples_of_every_part() -> None:
    assert len(_BLOCKS) > _GIVEN
    assert all(list(_examples(block)) for block in _BLOCKS)


@pytest.mark.parametrize("command", [*COMMANDS, "run", *GROUPS])
def test_document_names_every_command(command: str) -> None:
    assert f"`{command}" in _DOCUMENT
    assert re.search(rf"secrets-gateway {command}\b", _DOCUMENT) or command in {
        "migrate",
        "demo",
        "serve",
    }


@pytest.mark.parametrize("group", GROUPS)
def test_document_names_the_commands_of_every_group(group: str) -> None:
    (row,) = (
        line for line in _DOCUMENT.splitlines() if line.startswith("| `") and f"`{group}" in line
    )

    assert all(f"{name}`" in row for name in GROUPS[group][1])


def test_every_command_explains_itself() -> None:
    commands = [
        *COMMANDS.values(),
        *(item for _, group in GROUPS.values() for item in group.values()),
    ]

    assert all(command.__doc__ for command in commands)
