"""The document: its examples print what it says, and it leaves no command out."""

import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from string import Template

import pytest

from gateway.cli.commands import COMMANDS, GROUPS
from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine
from tests.docs.sessions import DOCS, Shell, steps, with_the_program

_DOCUMENT = (DOCS / "cli.md").read_text()
_BLOCKS = re.findall(r"```console\n(.*?)```", _DOCUMENT, re.DOTALL)
_GIVEN = 8
# A command of the program and nothing that only a shell understands, apart from variables.
_ALONE = re.compile(r"secrets-gateway [\w $:./-]+\n")


@pytest.fixture
def ids(demo: Demo) -> dict[str, str]:
    """The demo's ids, as the variables that a reader has set."""
    return {name.upper(): value for name, value in asdict(demo).items()}


@pytest.fixture
def shell(data_dir: Path, ids: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    """A reader's shell, with the demo's data and its ids."""
    settings = {
        "SECRETS_GATEWAY_DATA_DIR": str(data_dir),
        "SECRETS_GATEWAY_LOG_LEVEL": "warning",
    }
    with closing(
        Shell.started(tmp_path, with_the_program(tmp_path / "programs") | ids | settings)
    ) as started:
        yield started


def _arguments(command: str, ids: dict[str, str]) -> list[str] | None:
    """Return the arguments of a command of the program alone; None if it needs a shell."""
    template = Template(command)
    if not _ALONE.fullmatch(command) or not ids.keys() >= set(template.get_identifiers()):
        return None
    return shlex.split(template.substitute(ids))[1:]


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(
    "document", ["cli.md", "configuration.md", "keys.md", "map.md", "operations.md"]
)
def test_examples_print_what_the_text_says(  # noqa: PLR0917 - fixtures have names
    shell: Shell,
    ids: dict[str, str],
    tmp_path: Path,
    line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    document: str,
) -> None:
    """All of them one after the other, since later ones depend on earlier ones.

    A command alone runs in this process, which takes a fraction of the time, unless the page
    changes the shell that its commands run in.
    """
    monkeypatch.chdir(tmp_path)
    page = steps(document)
    changes_shell = any(re.match(r"(cd|export|umask) ", step.command) for step in page)
    for step in page:
        arguments = None if changes_shell else _arguments(step.command, ids)
        if arguments is None:
            code, printed = shell.run(step.command)
        else:
            ended = line(*arguments)
            code, printed = ended.code, ended.out + ended.err

        assert code == 0, f"{step.command}{printed}"
        assert step.prints(printed), f"{step.command}{printed}"


def test_examples_run_in_this_process_and_in_a_shell(ids: dict[str, str]) -> None:
    found = [_arguments(step.command, ids) is None for step in steps("cli.md")]

    assert set(found) == {True, False}


def test_document_has_examples_of_every_part() -> None:
    assert len(_BLOCKS) > _GIVEN
    assert all(block.startswith("$ ") for block in _BLOCKS)


@pytest.mark.parametrize("command", [*(item for item in COMMANDS if " " not in item), *GROUPS])
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

    current = (name for name, row in COMMANDS.items() if row.name_now is None)
    names = [name for name in current if name.startswith(f"{group} ")]
    assert names
    assert all(f"{name.removeprefix(group).strip()}`" in row for name in names)
