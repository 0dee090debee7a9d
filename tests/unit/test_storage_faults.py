"""What a driver's errors mean; what is a defect of ours stays one."""

import sqlite3

import pytest
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gateway.domain.errors import Unavailable
from gateway.storage.dialects.faults import (
    UnusableDatabase,
    map_db_errors,
    map_error,
    refusing_to_start,
)

DEFECT = ProgrammingError("SELECT", None, sqlite3.ProgrammingError("wrong number of bindings"))
BUSY = OperationalError("BEGIN", None, sqlite3.OperationalError("database is locked"))


@pytest.mark.rule("S59")
def test_a_pool_without_a_free_connection_is_a_matter_of_time() -> None:
    assert isinstance(map_error(PoolTimeoutError()), Unavailable)


def test_a_defect_of_ours_is_not_reported_as_one_of_storage() -> None:
    assert map_error(DEFECT) is DEFECT
    with pytest.raises(ProgrammingError), map_db_errors():
        raise DEFECT
    with pytest.raises(ProgrammingError), refusing_to_start("here"):
        raise DEFECT


@pytest.mark.rule("S58")
def test_a_database_that_is_held_keeps_from_starting() -> None:
    answer = "here cannot be used: database is locked"
    with pytest.raises(UnusableDatabase, match=answer), refusing_to_start("here"):
        raise BUSY


def test_an_unknown_error_of_the_driver_is_no_damage() -> None:
    unknown = DatabaseError("SELECT", None, sqlite3.DatabaseError("something"))

    assert map_error(unknown) is unknown
