"""How much room the system has for a command's arguments and variables, and what exceeds it."""

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Final

# Linux takes at most so many pages for one argument or one variable with its name.
_PAGES_OF_ONE: Final = 32
# A text ends in a NUL, and a pointer leads to it.
_NUL: Final = 1
_POINTER: Final = 8


def too_large(command: list[str], environment: Mapping[bytes, bytes]) -> str:
    """Return which text is too large to start the command, or that all are together."""
    most_of_one = _most_of_one()
    for what, size in _texts(command, environment):
        if most_of_one is not None and size > most_of_one:
            return (
                f"{what} has {size:,} bytes with its name; this system takes at most "
                f"{most_of_one:,} for one"
            )
    largest, size = max(_texts(command, environment), key=lambda text: text[1])
    total = sum(size + _POINTER for _, size in _texts(command, environment))
    return (
        f"its arguments and variables have {total:,} bytes together; this system takes at most "
        f"{_most_together():,}; the largest is {largest} with {size:,}"
    )


def _texts(command: list[str], environment: Mapping[bytes, bytes]) -> Iterator[tuple[str, int]]:
    for number, argument in enumerate(command):
        yield f"argument {number}", len(os.fsencode(argument)) + _NUL
    for name, value in environment.items():
        shown = name.decode(errors="replace")
        yield f"the variable {shown}", len(name) + len(b"=") + len(value) + _NUL


def _most_of_one() -> int | None:
    return _PAGES_OF_ONE * os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else None


def _most_together() -> int:
    return os.sysconf("SC_ARG_MAX")
