"""Types that never show their content."""

from dataclasses import dataclass, field
from typing import NoReturn, SupportsIndex


class NeverStored:
    """The base of types that hold a value or a key in plaintext: they cannot be pickled."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse.

        Raises:
            TypeError: always.

        """
        message = f"{type(self).__name__} cannot be pickled."
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class SealedValue:
    data_key_id: str
    box: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueIdentity:
    """What a sealed value is bound to: moved to another row, it does not open."""

    organization_id: str
    project_id: str
    secret_id: str
    value_version: int


def starred(self: object) -> str:
    """Serve as the `__repr__` of a type that carries a value in plaintext."""
    return f"{type(self).__name__}(***)"
