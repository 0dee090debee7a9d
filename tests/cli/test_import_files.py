"""Files with secrets, as they are read: texts as written, nothing twice, nothing told."""

import pytest

from gateway.cli.import_files import ImportFormat, UnknownFormat, format_of, read_entries
from gateway.cli.printing import Misread
from gateway.domain.env_files import file_marks

DOTENV, JSON, YAML = ImportFormat
MARKER = "marker-77c1e0"


def _read(text: str, written: ImportFormat) -> dict[str, str]:
    return {entry.key: entry.value for entry in read_entries(text, written)}


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (".env", DOTENV),
        ("folder/live.env", DOTENV),
        ("live.ENV", DOTENV),
        ("live.json", JSON),
        ("live.yaml", YAML),
        ("live.yml", YAML),
        (".env.production", DOTENV),
        (".env.local", DOTENV),
        (".env.production.local", DOTENV),
        ("live.env.example", DOTENV),
        ("folder/.envrc", DOTENV),
        (".env.json", JSON),
        ("live.env.yaml", YAML),
    ],
)
def test_name_of_a_file_says_how_it_is_written(path: str, written: ImportFormat) -> None:
    assert format_of(path) is written


@pytest.mark.parametrize(
    "path", ["-", "env", "live.txt", "live", "folder.env/live", "env.production", ".environment"]
)
def test_other_names_need_the_format(path: str) -> None:
    with pytest.raises(UnknownFormat):
        format_of(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1", {"A": "1"}),
        ("export A = two words # comment\n", {"A": "two words"}),
        ("A='$x ${A}'\nB=\"one\\ntwo\"", {"A": "$x ${A}", "B": "one\ntwo"}),
        ("# only a comment\n\n", {}),
        ("A=\nB=''", {"A": "", "B": ""}),
        ("A='one\r\ntwo'\r\n", {"A": "one\ntwo"}),
    ],
)
def test_dotenv_is_read_without_interpolation(text: str, found: dict[str, str]) -> None:
    assert _read(text, DOTENV) == found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('{"A": 10}', JSON),
        ("A: 10", YAML),
        ("A: '10'", YAML),
        ("A: 10 # comment", YAML),
    ],
)
def test_numbers_are_texts(text: str, written: ImportFormat) -> None:
    assert _read(text, written) == {"A": "10"}


@pytest.mark.parametrize(
    "written_value",
    ["0123", "1e3", "1_000", "no", "Yes", "12:30:45", "2026-01-01", "0x1F", ".inf", "1.10", "="],
)
def test_yaml_is_taken_as_it_is_written(written_value: str) -> None:
    assert _read(f"A: {written_value}", YAML) == {"A": written_value}


@pytest.mark.parametrize("number", ["1e3", "1.10", "-0", "9" * 5_000])
def test_json_numbers_are_taken_as_they_are_written(number: str) -> None:
    assert _read(f'{{"A": {number}, "B": true}}', JSON) == {"A": number, "B": "true"}


@pytest.mark.parametrize(
    ("text", "written", "path"),
    [
        (f"A=1\nA={MARKER}", DOTENV, "line 2"),
        (f"A=1\n\n{MARKER}", DOTENV, "line 3"),
        (f"A=1\nB='{MARKER}", DOTENV, "line 2"),
        (f'{{"A": 1, "A": "{MARKER}"}}', JSON, "line 1, entry 2"),
        (f'{{"A": {{"B": "{MARKER}"}}}}', JSON, "line 1, entry 1"),
        ('{"A": {"a": 1, "b": [2]},\n\n "B":\n null}', JSON, "line 1, entry 1"),
        ('\n{"A": "x\\ny",\n\n "B":\n null}', JSON, "line 4, entry 2"),
        ('{"A": 1, "B": null}', JSON, "line 1, entry 2"),
        (f'{{"A": ["{MARKER}"]}}', JSON, "line 1, entry 1"),
        (f'{{\n"A": {MARKER}}}', JSON, "line 2"),
        (f'["{MARKER}"]', JSON, "this"),
        (f'"{MARKER}"', JSON, "this"),
        ('{"A": NaN}', JSON, "NaN"),
        ("[" * 100_000, JSON, "this"),
        (f"A: 1\nA: {MARKER}", YAML, "line 2"),
        (f"A: 1\nB:\n  C: {MARKER}", YAML, "line 3"),
        (f"A: 1\nB: [{MARKER}]", YAML, "line 2"),
        ("A:\n", YAML, "line 1"),
        ("A: ~", YAML, "line 1"),
        (f"A: !!binary {MARKER}", YAML, "line 1"),
        (f"A: !{MARKER} x", YAML, "line 1"),
        (f"A: &x {MARKER}\nB: *x", YAML, "line 2"),
        (f"<<: {{A: {MARKER}}}", YAML, "line 1"),
        (f"? [A]\n: {MARKER}", YAML, "line 1"),
        (f"A: 1\n--- \nB: {MARKER}", YAML, "line 2"),
        (f"A: '{MARKER}", YAML, "line 1"),
        (f"A: {MARKER}\n\tB: 1", YAML, "line 2"),
        (f"A: \x07{MARKER}", YAML, "there"),
        (f"- {MARKER}", YAML, "line 1"),
        ("[" * 1_000, YAML, "this"),
    ],
)
def test_what_is_wrong_is_reported_by_its_place_alone(
    text: str, written: ImportFormat, path: str
) -> None:
    with pytest.raises(Misread) as refused:
        read_entries(text, written)

    assert str(refused.value).startswith(path)
    assert MARKER not in str(refused.value)
    assert MARKER not in repr(refused.value.__cause__)


@pytest.mark.parametrize(("text", "written"), [("", DOTENV), ("{}", JSON), ("", YAML)])
def test_nothing_is_nothing_to_import(text: str, written: ImportFormat) -> None:
    assert _read(text, written) == {}


def test_entries_do_not_show_what_they_hold() -> None:
    (entry,) = read_entries(f"A={MARKER}", DOTENV)

    assert MARKER not in f"{entry} {entry!r}"


@pytest.mark.parametrize(
    ("text", "written", "paths"),
    [
        ("A=1\n\n# x\nB='\n'\nC=2", DOTENV, ["line 1", "line 4", "line 6"]),
        ("A: 1\n\nB: 2", YAML, ["line 1", "line 3"]),
        ('{"A": "1", \n"B": 2e1,\n\n"C":\ntrue}', JSON, [1, 2, 4]),
        ("{}", JSON, []),
    ],
)
def test_entries_know_their_lines(text: str, written: ImportFormat, paths: list[object]) -> None:
    found = [entry.position for entry in read_entries(text, written)]

    lines = [f"line {path}, entry {n}" for n, path in enumerate(paths, start=1)]
    assert found == (lines if written is JSON else paths)


@pytest.mark.parametrize("written", [DOTENV, YAML])
def test_comments_of_an_export_say_which_values_are_mount_paths(written: ImportFormat) -> None:
    """One that was replaced by a content since is a value again."""
    sign = "=" if written is DOTENV else ": "
    rows = [f"A{sign}'/etc/a b'", f"B{sign}'content'", f"C{sign}'/etc/a b'"]
    text = "\n".join(rows) + "\n" + file_marks({"A": "/etc/a b", "B": "/etc/b"})

    found = {entry.key: entry.is_mount_path for entry in read_entries(text, written)}

    assert found == {"A": True, "B": False, "C": False}
