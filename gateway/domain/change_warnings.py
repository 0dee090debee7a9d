"""Warnings about side effects of a change, reported beside its result."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.domain.errors import Argument


class WarningCode(StrEnum):
    """Stable names of warnings; never reused, never renamed."""

    REFERENCE_UNKNOWN = "REFERENCE_UNKNOWN"
    REFERENCE_BROKEN = "REFERENCE_BROKEN"
    VALUE_EMPTIED = "VALUE_EMPTIED"


@dataclass(frozen=True, slots=True)
class ChangeWarning:
    """A warning about an argument of a write; `secret_id` is the written secret."""

    code: WarningCode
    message: str
    secret_id: str
    argument: Argument


_COLLECTED: Final[ContextVar[list[ChangeWarning] | None]] = ContextVar("warnings", default=None)


@contextmanager
def collecting_warnings() -> Iterator[list[ChangeWarning]]:
    """Yield the list that collects the warnings of changes inside the block."""
    collected: list[ChangeWarning] = []
    token = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(token)


def are_warnings_wanted() -> bool:
    """Return whether a collector is active; without one, the checks are skipped."""
    return _COLLECTED.get() is not None


def warn(warning: ChangeWarning) -> None:
    """Add a warning to the active collector, if any."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.append(warning)
