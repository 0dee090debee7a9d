"""JSON that has one reading only."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

# More is no time, no exponent and no size; and Python is slow at reading long ones.
_MAX_INTEGER_DIGITS: Final = 16


class AmbiguousJson(ValueError):
    """The text is no JSON object, or two parsers could read it differently."""


def read_object(text: bytes) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        AmbiguousJson: if it is none, is not UTF-8, has a key twice, or a number beyond bounds.

    """
    try:
        read = json.loads(
            text.decode(),
            object_pairs_hook=_unique,
            parse_int=_to_integer,
            parse_float=_to_float,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise AmbiguousJson from None
    return read if isinstance(read, dict) else _refuse()


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Of two equal keys one parser takes the first, another the last.
    unique = dict(pairs)
    return unique if len(unique) == len(pairs) else _refuse()


def _to_integer(digits: str) -> int:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else _refuse()


def _to_float(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse()


def _refuse(*_: str) -> NoReturn:
    raise AmbiguousJson
