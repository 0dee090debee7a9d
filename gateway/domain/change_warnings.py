"""What a change does besides what was asked for, and is reported beside its outcome."""

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
    """One warning: the secret that was written, and which argument it is about."""

    code: WarningCode
    message: str
    secret_id: str
    argument: Argument


_COLLECTED: Final[ContextVar[list[ChangeWarning] | None]] = ContextVar("warnings", default=None)


@contextmanager
def collecting_warnings() -> Iterator[list[ChangeWarning]]:
    """Give the list that warnings of changes inside the block go to."""
    collected: list[ChangeWarning] = []
    token = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(token)


def are_warnings_wanted() -> bool:
    """Whether anybody collects warnings; without a collector none is looked for."""
    return _COLLECTED.get() is not None


def warn(warning: ChangeWarning) -> None:
    """Report a warning to the collector, if there is one."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.append(warning)
