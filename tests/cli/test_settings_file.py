"""The file of settings is believed only where nobody else can write it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from gateway.config.settings_file import SETTINGS_FILE
from tests.cli.conftest import CommandLine

IS_ROOT: Final = os.geteuid() == 0
ANOTHER: Final = 65_534


def _write(folder: Path) -> Path:
    path = folder / SETTINGS_FILE
    path.write_text("port = 8081\n")
    path.chmod(0o644)
    return path


def _file_for(mode: int) -> Callable[[Path], None]:
    return lambda folder: _write(folder).chmod(mode)


def _folder_for(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        _write(folder)
        folder.chmod(mode)

    return make


def _link_to_file_for(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        aside = folder / "aside"
        aside.mkdir(mode=0o755)
        _write(aside).chmod(mode)
        (folder / SETTINGS_FILE).symlink_to(aside / SETTINGS_FILE)

    return make


def _link_into_folder_for(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        _link_to_file_for(0o644)(folder)
        (folder / "aside").chmod(mode)

    return make


def _second_link_in_folder_for(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        _link_to_file_for(0o644)(folder)
        between = folder / "between"
        between.mkdir()
        between.chmod(mode)
        (folder / SETTINGS_FILE).rename(between / SETTINGS_FILE)
        (folder / SETTINGS_FILE).symlink_to(Path("between") / SETTINGS_FILE)

    return make


def _link_in_folder_for(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        _link_to_file_for(0o644)(folder)
        folder.chmod(mode)

    return make


UNSAFE: Final = {
    "written by anybody": _file_for(0o666),
    "written by its group": _file_for(0o664),
    "in a folder for anybody": _folder_for(0o777),
    "in a folder for its group": _folder_for(0o775),
    "a link to what anybody writes": _link_to_file_for(0o646),
    "a link into a folder for anybody": _link_into_folder_for(0o777),
    "a link in a folder for anybody": _link_in_folder_for(0o777),
    "a link to a link in a folder for anybody": _second_link_in_folder_for(0o777),
}
SAFE: Final = {
    "for all to read": _file_for(0o644),
    "for its owner": _file_for(0o600),
    "in a sticky folder": _folder_for(0o1777),
    "a link": _link_to_file_for(0o644),
    "a link to a link": _second_link_in_folder_for(0o755),
    "a link to itself": lambda item: (item / SETTINGS_FILE).symlink_to(item / SETTINGS_FILE),
    "a link to nothing": lambda item: (item / SETTINGS_FILE).symlink_to(item / "nothing"),
}


@pytest.mark.rule("S74")
@pytest.mark.parametrize("command", ["check", "doctor", "serve"])
@pytest.mark.parametrize("make", UNSAFE.values(), ids=UNSAFE)
def test_a_file_that_others_can_write_is_refused(
    line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    make: Callable[[Path], None],
    command: str,
) -> None:
    """By every command, in one line, before anything in it counts."""
    make(tmp_path)
    monkeypatch.chdir(tmp_path)

    refused = line(command)

    assert refused.code == 1
    assert refused.complaint.startswith("secrets-gateway.toml is not used: ")
    assert refused.complaint.endswith("): chmod go-w it.")


@pytest.mark.rule("S74")
@pytest.mark.parametrize("make", SAFE.values(), ids=SAFE)
def test_a_file_that_only_its_owner_can_write_is_read(
    line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    make: Callable[[Path], None],
) -> None:
    """The control."""
    make(tmp_path)
    monkeypatch.chdir(tmp_path)

    assert line("check").code == 0


@pytest.mark.rule("S74")
@pytest.mark.skipif(not IS_ROOT, reason="Only root can give a file away.")
@pytest.mark.parametrize("given", [SETTINGS_FILE, Path()], ids=["the file", "its folder"])
def test_a_file_of_another_user_is_refused(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: Path
) -> None:
    _write(tmp_path)
    os.chown(tmp_path / given, ANOTHER, ANOTHER)
    monkeypatch.chdir(tmp_path)

    refused = line("check")

    assert refused.code == 1
    assert refused.complaint.endswith("belongs to another user: it must be this user's or root's.")


@pytest.mark.rule("S74")
@pytest.mark.skipif(not IS_ROOT, reason="Only root can give a link away.")
def test_a_link_of_another_user_is_refused(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its owner can point it elsewhere."""
    _link_to_file_for(0o644)(tmp_path)
    os.lchown(tmp_path / SETTINGS_FILE, ANOTHER, ANOTHER)
    monkeypatch.chdir(tmp_path)

    assert "belongs to another user" in line("check").complaint
