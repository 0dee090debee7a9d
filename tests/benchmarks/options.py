"""How `make bench` is told what to measure, and for how long: variables of the environment."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

_NAMES: Final = ("W1", "W2", "W3", "W4", "W5", "W6", "W7")


class UnknownOption(Exception):
    """A variable has a text that is not understood."""


@dataclass(frozen=True, slots=True)
class Options:
    """Seconds of each round, rounds, seconds to warm up, workloads, and further secrets."""

    seconds: int
    rounds: int
    warm_up: int
    only: Sequence[str]
    secrets: int

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Read the options; each has a default.

        Raises:
            UnknownOption: naming the variable.

        """
        only = tuple(name for name in variables.get("BENCH_ONLY", "").split(",") if name)
        if unknown := set(only) - set(_NAMES):
            message = f"BENCH_ONLY must name some of {', '.join(_NAMES)}, not {min(unknown)}."
            raise UnknownOption(message)
        return cls(
            seconds=_count(variables, "BENCH_SECONDS", 3),
            rounds=_count(variables, "BENCH_ROUNDS", 3),
            warm_up=_count(variables, "BENCH_WARM_UP", 8),
            only=only or _NAMES,
            secrets=_count(variables, "BENCH_SECRETS", 100_000),
        )


def _count(variables: Mapping[str, str], name: str, default: int) -> int:
    text = variables.get(name, str(default))
    if not text.isdecimal() or not int(text):
        message = f"{name} must be a whole number of at least 1."
        raise UnknownOption(message)
    return int(text)
