"""Why a database cannot be used: what SQLite leaves open is asked of the file system."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.storage.dialects.faults import is_missing, obstacle_at, reason_of


def _failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorcode = code
    return error


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda item: item.mkdir(), sqlite3.SQLITE_CANTOPEN, "it is a folder"),
        (lambda item: item.touch(), sqlite3.SQLITE_FULL, "its disk is full: free some space"),
        (lambda item: item.touch(), sqlite3.SQLITE_READONLY_DBMOVED, "read-only for this user"),
        # Nothing that the file system could say: SQLite's own words.
        (lambda item: item.touch(), sqlite3.SQLITE_CANTOPEN, "unable to open database file"),
        (lambda item: item.touch(), sqlite3.SQLITE_BUSY, "unable to open database file"),
    ],
    ids=["a folder", "full", "read-only", "nothing to see", "held"],
)
def test_the_reason_is_what_is_so(
    tmp_path: Path, make: Callable[[Path], object], code: int, words: str
) -> None:
    place = tmp_path / "secrets.db"
    make(place)

    assert words in reason_of(_failure(code), str(place))


def test_only_what_is_not_there_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "secrets.db"
    file.touch()

    assert not is_missing(str(file))
    assert is_missing(str(tmp_path / "other.db"))
    assert is_missing(str(file / "below.db"))


def test_control_a_folder_with_room_has_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "secrets.db").touch()

    assert obstacle_at(str(tmp_path / "secrets.db")) is None
