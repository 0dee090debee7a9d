"""Cursors: a place in a list comes back as it was, and anything else is refused."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, String, literal

from gateway.domain.errors import Argument, InvalidInput
from gateway.storage.columns import UtcDateTime
from gateway.storage.ordering import Ordering

ORDERING = Ordering(
    "PLACES", (Column("rank", Integer), Column("key", String), Column("at", UtcDateTime))
)
PLACE = (1, "KEY", datetime(2026, 3, 1, tzinfo=UTC))
texts = st.text(
    alphabet=st.characters(exclude_categories=["Cs"]), max_size=100
)  # what a database can hold


def _cursor(plain: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


@given(st.integers(-(2**62), 2**62), texts, st.datetimes(timezones=st.just(UTC)))
def test_a_cursor_leads_back_to_its_place(rank: int, key: str, moment: datetime) -> None:
    cursor = ORDERING.cursor_at((rank, key, moment))

    assert ORDERING.sort_keys(cursor) == [rank, key, moment]
    assert cursor.isascii()


@given(st.text())
def test_any_text_is_a_cursor_or_invalid_input(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ORDERING.sort_keys(text)

    assert refused.value.argument is Argument.PAGE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    json_values | st.lists(json_values, min_size=3, max_size=3).map(lambda item: ["PLACES", *item])
)
def test_any_json_is_a_cursor_or_invalid_input(plain: object) -> None:
    with pytest.raises(InvalidInput):
        ORDERING.sort_keys(_cursor(plain))


@pytest.mark.parametrize(
    "plain",
    [
        pytest.param(["OTHER", 1, "KEY", "2026-03-01T00:00:00+00:00"], id="another list"),
        pytest.param(["PLACES", 1, "KEY"], id="a place too few"),
        pytest.param(["PLACES", 1, "KEY", "2026-03-01T00:00:00+00:00", 1], id="one too many"),
        pytest.param(["PLACES", "1", "KEY", "2026-03-01T00:00:00+00:00"], id="text for a number"),
        pytest.param(["PLACES", True, "KEY", "2026-03-01T00:00:00+00:00"], id="true for a number"),
        pytest.param(["PLACES", 1.0, "KEY", "2026-03-01T00:00:00+00:00"], id="a fraction"),
        pytest.param(["PLACES", 2**63, "KEY", "2026-03-01T00:00:00+00:00"], id="over 64 bits"),
        pytest.param(["PLACES", 1, 1, "2026-03-01T00:00:00+00:00"], id="a number for text"),
        pytest.param(["PLACES", 1, "\ud800", "2026-03-01T00:00:00+00:00"], id="a lone surrogate"),
        pytest.param(["PLACES", 1, "KEY", "2026-03-01T00:00:00"], id="a time without an offset"),
        pytest.param(["PLACES", 1, "KEY", "yesterday"], id="no time"),
        pytest.param(["PLACES", 1, "KEY", None], id="null"),
        pytest.param([], id="an empty array"),
        pytest.param({"PLACES": 1}, id="an object"),
    ],
)
def test_a_cursor_of_something_else_is_refused(plain: object) -> None:
    assert ORDERING.sort_keys(_cursor(["PLACES", 1, "KEY", "2026-03-01T00:00:00+00:00"])) == list(
        PLACE
    )
    with pytest.raises(InvalidInput):
        ORDERING.sort_keys(_cursor(plain))


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=23))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))),
    ],
    ids=["before the first", "after the last"],
)
def test_a_time_that_has_no_place_in_utc_is_refused(moment: datetime) -> None:
    """Reading such a time succeeds; bringing it to UTC overflows."""
    with pytest.raises(InvalidInput):
        ORDERING.sort_keys(_cursor(["PLACES", 1, "KEY", moment.isoformat()]))


@pytest.mark.parametrize(
    "cursor",
    ["", "=", "====", "a", "é", "\ud800", "[]", "A" * 3_000, _cursor(["PLACES"] * 700)],
    ids=ascii,
)
def test_what_was_never_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        ORDERING.sort_keys(cursor)


@pytest.mark.parametrize(
    ("is_descending", "is_backward", "sign"),
    [(False, False, ">"), (False, True, "<"), (True, False, "<"), (True, True, ">")],
    ids=["ascending", "ascending backward", "descending", "descending backward"],
)
def test_beyond_lies_where_the_reader_is_heading(
    *, is_descending: bool, is_backward: bool, sign: str
) -> None:
    ordering = Ordering("PLACES", ORDERING.columns, is_descending=is_descending)

    condition = ordering.beyond(map(literal, PLACE), is_backward=is_backward)

    assert f" {sign} " in str(condition)
