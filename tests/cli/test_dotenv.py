"""Texts that set variables, written and read back: any value comes back as it was."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given

from gateway.cli.import_files import ImportFormat, read_entries
from gateway.domain.env_files import (
    MAX_DOCKER_LINE_BYTES,
    docker_text,
    dotenv_text,
    file_marks,
    github_text,
    shell_text,
)
from gateway.domain.errors import InvalidInput
from tests.cli.texts import SEARCHED, VARIABLES

# Values that readers are known to trip over, but for those that need double quotes.
TRICKY = {
    "ACCOUNT": '{"type":"x","k":"-----BEGIN\\nY"}',
    "FOLDER": "D:\\temp\\new",
    "DOLLARS": "a$b ${HOME} $$ $(id)",
    "QUOTED": 'a "b" `c` #d',
    "LINES": "\n one\n\ntwo \n",
    "EMPTY": "",
    "EDGES": " a\t",
}
# What no other quoting of dotenv can hold.
APOSTROPHES = {"APOSTROPHE": "it's \\ $x", "RETURN": "a\r\nb", "LAST": "c:\\", "TWO": "\\\\host"}


def _read_back(text: str) -> Mapping[str, str | None]:
    return dotenv_values(stream=io.StringIO(text), interpolate=False)


@pytest.mark.unmeasured
@SEARCHED
@given(VARIABLES)
def test_any_value_comes_back_through_python_dotenv(variables: Mapping[str, str]) -> None:
    assert _read_back(dotenv_text(variables)) == variables


@pytest.mark.unmeasured
@SEARCHED
@given(VARIABLES)
def test_any_export_can_be_imported(variables: Mapping[str, str]) -> None:
    entries = read_entries(dotenv_text(variables), ImportFormat.DOTENV)

    assert {entry.key: entry.value for entry in entries} == variables


def test_line_ends_come_back_from_a_file_on_disk(tmp_path: Path) -> None:
    """Files that are opened as text have their line ends translated."""
    variables = {"ONE": "a\r\nb\rc\nd", "TWO": "\r\n", "THREE": "\\\r"}
    file = tmp_path / "service.env"
    file.write_bytes(dotenv_text(variables).encode())

    assert dotenv_values(file, interpolate=False) == variables


@pytest.mark.parametrize("value", ["a\nb", "a #b", '"a"', "'a'", " a", "a ", "a\r"])
def test_control_value_written_as_it_is_does_not_come_back(value: str) -> None:
    assert _read_back(f"KEY={value}\n") != {"KEY": value}


def test_single_quotes_are_used_where_every_reader_takes_them_as_they_are() -> None:
    single = dotenv_text(TRICKY)
    double = dotenv_text(APOSTROPHES)

    assert [line for line in single.splitlines() if line.startswith("FOLDER")] == [
        r"FOLDER='D:\temp\new'"
    ]
    assert '="' not in single
    assert double.splitlines() == [
        r'''APOSTROPHE="it's \\ $x"''',
        r'RETURN="a\r\nb"',
        r'LAST="c:\\"',
        r'TWO="\\\\host"',
    ]


def test_references_to_variables_come_back_only_without_interpolation() -> None:
    """python-dotenv replaces them in every kind of quotes; the document says so."""
    text = dotenv_text({"KEY": "${HOME}"})

    assert _read_back(text) == {"KEY": "${HOME}"}
    assert dotenv_values(stream=io.StringIO(text)) != {"KEY": "${HOME}"}


def _through_a_shell(shell: str, text: str, folder: Path, keys: Iterable[str]) -> object:
    file = folder / "variables"
    file.write_bytes(text.encode())
    printing = "import json, os, sys; print(json.dumps({k: os.environ[k] for k in sys.argv[1:]}))"
    sourcing = 'set -a; . "$0"; exec "$@"'
    python = [sys.executable, "-X", "utf8", "-c", printing, *keys]
    arguments = [shell, "-c", sourcing, str(file), *python]
    return json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shell_gets_every_value(shell: str, tmp_path: Path) -> None:
    values = TRICKY | APOSTROPHES
    marks = file_marks({"EMPTY": "/etc/a 'b'"})

    assert _through_a_shell(shell, shell_text(values) + marks, tmp_path, values) == values


def test_shell_reads_most_of_dotenv(tmp_path: Path) -> None:
    """The control for what dotenv promises no shell: a line end in double quotes."""
    text = dotenv_text(TRICKY | {"RETURN": "a\rb"})

    values = _through_a_shell("sh", text, tmp_path, [*TRICKY, "RETURN"])

    assert values == TRICKY | {"RETURN": "a\\rb"}


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_node_reads_what_is_in_single_quotes() -> None:
    variables = TRICKY | {"APOSTROPHE": "it's $x # y"}
    parsing = (
        "const text = require('node:fs').readFileSync(0, 'utf8');"
        "console.log(JSON.stringify(require('node:util').parseEnv(text)))"
    )
    text = dotenv_text(variables) + file_marks({"EMPTY": "/etc/a"})

    parsed = subprocess.run(
        ["node", "-e", parsing], input=text.encode(), check=True, capture_output=True
    )

    assert json.loads(parsed.stdout) == variables


def test_docker_gets_lines_as_they_are() -> None:
    values = {"A": "a 'b' \"c\" #d $e ", "B": "", "C": "x" * (MAX_DOCKER_LINE_BYTES - 3)}

    lines = docker_text(values).splitlines()

    assert dict(line.split("=", 1) for line in lines) == values


@pytest.mark.parametrize(
    ("text_of", "value"),
    [
        (docker_text, "a\nb"),
        (docker_text, "a\rb"),
        (docker_text, "x" * (MAX_DOCKER_LINE_BYTES - 2)),
        (github_text, "a\r"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_by_its_key(
    text_of: Callable[[Mapping[str, str]], str], value: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        text_of({"A": "fits", "K": value, "L": value})

    assert str(refused.value).endswith(": K, L.")


def _read_as_github_does(text: str) -> Mapping[str, str]:
    """Read as the runner does on Linux: lines end with a line feed, and nothing else is special."""
    lines, found = iter(text.split("\n")[:-1]), {}
    for line in lines:
        key, separator, delimiter = line.partition("<<")
        assert separator
        found[key] = "\n".join(iter(lines.__next__, delimiter))
    return found


@pytest.mark.unmeasured
@SEARCHED
@given(VARIABLES)
def test_any_value_reaches_a_job_of_github(variables: Mapping[str, str]) -> None:
    possible = {key: value for key, value in variables.items() if not value.endswith("\r")}

    assert _read_as_github_does(github_text(possible)) == possible


def test_delimiter_is_in_no_value() -> None:
    hostile = {"A": "SECRETS_GATEWAY_0", "B": "x\nSECRETS_GATEWAY_1\nPATH=/tmp"}

    text = github_text(hostile)

    assert "A<<SECRETS_GATEWAY_2\n" in text
    assert _read_as_github_does(text) == hostile
