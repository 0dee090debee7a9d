"""Pages of a list: what is asked for, and what comes back. Nothing is unbounded."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from gateway.domain.content import MAX_KEY_LENGTH, utf8_length
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType

MAX_PAGE_SIZE: Final = 100
DEFAULT_PAGE_SIZE: Final = 50

Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list is wanted. Cursors are opaque: they come from a page of that list."""

    size: int = DEFAULT_PAGE_SIZE
    is_backward: bool = False
    after: str | None = None
    before: str | None = None


def window(
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Window:
    """Return the window that Relay's four arguments describe.

    Raises:
        InvalidInput: if both `first` and `last` are given, or one is out of bounds.

    """
    if first is not None and last is not None:
        raise InvalidInput(Argument.PAGE, "Give `first` or `last`, not both.")
    size = next((count for count in (first, last) if count is not None), DEFAULT_PAGE_SIZE)
    ensure_page_size(size)
    return Window(size=size, is_backward=last is not None, after=after, before=before)


def ensure_page_size(size: int) -> None:
    """Refuse to give more at once than a page holds.

    Raises:
        InvalidInput: naming the bound.

    """
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise InvalidInput(Argument.PAGE, f"A page has 0 to {MAX_PAGE_SIZE} entries.")


@dataclass(frozen=True, slots=True)
class Entry(Generic[Item_co]):
    """One item of a page. The cursor that names its place is made when somebody asks for it."""

    item: Item_co
    make_cursor: Callable[[], str]

    @property
    def cursor(self) -> str:
        """The cursor."""
        return self.make_cursor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item_co]):
    """A part of a list. `count` runs only when somebody asks how long the whole list is."""

    entries: tuple[Entry[Item_co], ...]
    has_next: bool
    has_previous: bool
    count: Callable[[], Awaitable[int]]


class SecretOrderField(StrEnum):
    """By what a page of secrets is ordered. SCOPE puts targets before what refers to them."""

    KEY = "KEY"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    SCOPE = "SCOPE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretOrder:
    """An order of secrets; ties are broken by id."""

    field: SecretOrderField = SecretOrderField.KEY
    is_descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFilter:
    """Which secrets are wanted; what is None does not filter."""

    key_prefix: str | None = None
    keys: tuple[str, ...] | None = None
    scopes: tuple[Scope, ...] | None = None
    variable_types: tuple[SecretType, ...] | None = None

    def ensure_valid(self) -> None:
        """Refuse what no key could be, and more keys than a page has.

        Raises:
            InvalidInput: naming the rule.

        """
        ensure_page_size(len(self.keys or ()))
        for text in (self.key_prefix or "", *(self.keys or ())):
            if utf8_length(text, Argument.FILTER) > MAX_KEY_LENGTH:
                raise InvalidInput(
                    Argument.FILTER, f"No key is longer than {MAX_KEY_LENGTH} characters."
                )


ANY_SECRET: Final = SecretFilter()
BY_KEY: Final = SecretOrder()
BY_SCOPE: Final = SecretOrder(field=SecretOrderField.SCOPE)
