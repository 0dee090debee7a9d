"""Identifiers have one spelling."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.holders import is_canonical_id, new_id

pytestmark = pytest.mark.rule("A5", "S41")

ID = "0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10"


def test_a_new_id_is_canonical() -> None:
    assert is_canonical_id(new_id())


@given(st.uuids())
def test_every_uuid_is_canonical_as_python_writes_it(identifier: UUID) -> None:
    assert is_canonical_id(str(identifier))


@given(st.text())
def test_any_other_text_is_not(text: str) -> None:
    assert not is_canonical_id(text)


@pytest.mark.parametrize(
    "spelling",
    [
        ID.upper(),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        ID.replace("-", ""),
        ID.replace("0", "\N{FULLWIDTH DIGIT ZERO}"),
        ID.replace("-", "\N{EN DASH}"),
        f"{ID}\n",
        f" {ID}",
        ID[:-1],
        f"{ID}0",
    ],
    ids=[
        "upper case",
        "braces",
        "urn",
        "no dashes",
        "full-width digits",
        "other dashes",
        "trailing newline",
        "leading space",
        "too short",
        "too long",
    ],
)
def test_another_spelling_of_an_id_is_no_id(spelling: str) -> None:
    assert is_canonical_id(ID)
    assert not is_canonical_id(spelling)
