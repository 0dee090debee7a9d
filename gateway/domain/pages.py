"""Pages of a list. Every page is bounded."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Generic, TypeVar

from gateway.domain.content import MAX_KEY_LENGTH, utf8_length
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.holders import is_canonical_id
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType

MAX_PAGE_SIZE: Final = 100
DEFAULT_PAGE_SIZE: Final = 50
# Of the gateway's own documents, where a client gets the whole list at once.
LIST_PAGE_SIZE: Final = 500

Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The requested part of a list. Cursors are opaque and come from a page of that list."""

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
    max_size: int = MAX_PAGE_SIZE,
) -> Window:
    """Return the window that Relay's four arguments describe.

    Raises:
        InvalidInput: if both `first` and `last` are set, or one is out of bounds.

    """
    if first is not None and last is not None:
        raise InvalidInput(Argument.PAGE, "Give `first` or `last`, not both.")
    size = next((count for count in (first, last) if count is not None), DEFAULT_PAGE_SIZE)
    ensure_page_size(size, max_size)
    return Window(size=size, is_backward=last is not None, after=after, before=before)


def ensure_page_size(size: int, maximum: int = MAX_PAGE_SIZE) -> None:
    """Refuse a page size out of bounds.

    Raises:
        InvalidInput: naming the bound.

    """
    if not 0 <= size <= maximum:
        raise InvalidInput(Argument.PAGE, f"A page must have 0 to {maximum} entries.")


@dataclass(frozen=True, slots=True)
class Entry(Generic[Item_co]):
    item: Item_co
    make_cursor: Callable[[], str]

    @property
    def cursor(self) -> str:
        return self.make_cursor()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item_co]):
    """A part of a list. `count` runs only if the caller wants the length of the whole list."""

    entries: tuple[Entry[Item_co], ...]
    has_next: bool
    has_previous: bool
    count: Callable[[], Awaitable[int]]


class SecretOrderField(StrEnum):
    """What orders a page of secrets. SCOPE puts targets before their aliases and overrides."""

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
    """Conditions on secrets; None does not filter."""

    key_prefix: str | None = None
    keys: tuple[str, ...] | None = None
    scopes: tuple[Scope, ...] | None = None
    variable_types: tuple[SecretType, ...] | None = None

    def ensure_valid(self) -> None:
        """Refuse texts that cannot be keys, and more keys than fit on a page.

        Raises:
            InvalidInput: naming the rule.

        """
        _ensure_keys(self.keys, self.key_prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSearch:
    """Conditions on all secrets that a principal can see; None does not filter."""

    key_contains: str | None = None
    keys: tuple[str, ...] | None = None
    scopes: tuple[Scope, ...] | None = None
    variable_types: tuple[SecretType, ...] | None = None
    updated_since: datetime | None = None
    # Not delivered at this time or later.
    unused_since: datetime | None = None
    # At these holders or below.
    holder_ids: tuple[str, ...] | None = None

    def ensure_valid(self) -> None:
        """Refuse texts that cannot be keys or ids, and more of them than fit on a page.

        Raises:
            InvalidInput: naming the rule.

        """
        _ensure_keys(self.keys, self.key_contains)
        ensure_page_size(len(self.holder_ids or ()))
        if not all(map(is_canonical_id, self.holder_ids or ())):
            raise InvalidInput(Argument.FILTER, "An id in the filter must be a UUID.")


def _ensure_keys(keys: tuple[str, ...] | None, part: str | None) -> None:
    ensure_page_size(len(keys or ()))
    for text in (part or "", *(keys or ())):
        if utf8_length(text, Argument.FILTER) > MAX_KEY_LENGTH:
            raise InvalidInput(
                Argument.FILTER, f"A key must be at most {MAX_KEY_LENGTH} characters long."
            )


ANY_SECRET: Final = SecretFilter()
EVERY_SECRET: Final = SecretSearch()
BY_KEY: Final = SecretOrder()
BY_SCOPE: Final = SecretOrder(field=SecretOrderField.SCOPE)
