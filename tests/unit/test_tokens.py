"""The form of API tokens, and until when they are valid."""

from datetime import UTC, datetime, timedelta
from math import log2
from string import ascii_letters, digits

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.domain.tokens import PREFIX, ApiToken, is_token_text, new_token_text

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
TOKEN = new_token_text()


def _token(*, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> ApiToken:
    return ApiToken(
        id="id",
        organization_id="organization",
        name="a token",
        created_at=NOW - timedelta(days=1),
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


def test_a_new_token_has_the_prefix_and_only_letters_and_digits() -> None:
    assert TOKEN.startswith(PREFIX)
    assert set(TOKEN.removeprefix(PREFIX)) <= set(ascii_letters + digits)
    assert is_token_text(TOKEN)


@pytest.mark.rule("S8")
def test_a_token_holds_at_least_160_random_bits() -> None:
    """All of it but the prefix and the six characters of the checksum."""
    characters = len(TOKEN) - len(PREFIX) - 6

    assert characters * log2(len(ascii_letters + digits)) >= 160


def test_no_token_is_made_twice() -> None:
    assert len({new_token_text() for _ in range(1_000)}) == 1_000


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_a_token_with_any_character_changed_is_refused(place: int, character: str) -> None:
    assume(TOKEN[place] != character)

    assert not is_token_text(TOKEN[:place] + character + TOKEN[place + 1 :])


@given(st.integers(0, len(TOKEN) - 2))
def test_a_token_with_two_neighbours_swapped_is_refused(place: int) -> None:
    one, other = TOKEN[place], TOKEN[place + 1]
    assume(one != other)

    assert not is_token_text(TOKEN[:place] + other + one + TOKEN[place + 2 :])


@given(st.integers(0, len(TOKEN) - 1))
def test_a_token_that_is_cut_off_is_refused(length: int) -> None:
    assert not is_token_text(TOKEN[:length])
    assert not is_token_text(TOKEN[length + 1 :])


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    assert not is_token_text(text)
    assert not is_token_text(PREFIX + text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX,
        f"{TOKEN}\n",
        f" {TOKEN}",
        TOKEN + TOKEN,
        TOKEN.upper(),
        TOKEN.removeprefix(PREFIX),
        # Full-width digits are digits to `str.isdigit`, and no part of a token.
        PREFIX + "\N{FULLWIDTH DIGIT ZERO}" * 38,
    ],
    ids=[
        "empty",
        "prefix only",
        "trailing newline",
        "leading space",
        "twice",
        "upper case",
        "no prefix",
        "full-width digits",
    ],
)
def test_what_only_resembles_a_token_is_refused(text: str) -> None:
    assert not is_token_text(text)


@pytest.mark.parametrize(
    ("token", "is_valid"),
    [
        (_token(), True),
        (_token(expires_at=NOW + MOMENT), True),
        (_token(expires_at=NOW), False),
        (_token(expires_at=NOW - MOMENT), False),
        (_token(revoked_at=NOW - MOMENT), False),
        (_token(revoked_at=NOW, expires_at=NOW + MOMENT), False),
    ],
    ids=["endless", "expires later", "expires now", "expired", "revoked", "revoked before its end"],
)
def test_a_token_is_valid_until_it_expires_or_is_revoked(
    token: ApiToken,
    is_valid: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert token.is_valid(NOW) is is_valid
