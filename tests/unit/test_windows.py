"""Windows: which part of a list is wanted, and that none is unbounded."""

import pytest

from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Window, window


def test_without_a_size_a_window_has_the_default_one() -> None:
    assert window() == Window(size=DEFAULT_PAGE_SIZE)


@pytest.mark.parametrize("size", [0, 1, MAX_PAGE_SIZE])
def test_a_window_has_at_most_a_hundred_entries(size: int) -> None:
    assert window(first=size, after="cursor") == Window(size=size, after="cursor")
    assert window(last=size, before="cursor") == Window(
        size=size, before="cursor", is_backward=True
    )


@pytest.mark.parametrize("size", [-1, MAX_PAGE_SIZE + 1, 2**31 - 1, 2**63])
def test_any_other_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        window(first=size)
    with pytest.raises(InvalidInput):
        window(last=size)

    assert refused.value.argument is Argument.PAGE


def test_a_window_has_one_direction() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        window(first=1, last=1)
