"""dotenv, written and read back: any value comes back as it was, with interpolation off."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given

from gateway.cli.import_files import ImportFormat, read_entries
from gateway.domain.formats import dotenv_text
from tests.cli.texts import SEARCHED, VARIABLES


def _read_back(text: str) -> Mapping[str, str | None]:
    return dotenv_values(stream=io.StringIO(text), interpolate=False)


@SEARCHED
@given(VARIABLES)
def test_any_value_comes_back_through_python_dotenv(variables: Mapping[str, str]) -> None:
    assert _read_back(dotenv_text(variables)) == variables


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


def test_references_to_variables_come_back_only_without_interpolation() -> None:
    """The format has no way to escape them; the document says so."""
    text = dotenv_text({"KEY": "${HOME}"})

    assert _read_back(text) == {"KEY": "${HOME}"}
    assert dotenv_values(stream=io.StringIO(text)) != {"KEY": "${HOME}"}
