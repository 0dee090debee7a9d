"""JSON with only one reading."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

# No time, exponent or size needs more digits, and Python reads long integers slowly.
_MAX_INTEGER_DIGITS: Final = 16


class AmbiguousJson(ValueError):
    """The text is not a JSON object, or two parsers could read it differently."""


def read_object(text: bytes) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        AmbiguousJson: if it is not a JSON object in UTF-8, repeats a key, or exceeds a bound.

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
    # With a repeated key, one parser takes the first value, another the last.
    unique = dict(pairs)
    return unique if len(unique) == len(pairs) else _refuse()


def _to_integer(digits: str) -> int:
    return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else _refuse()


def _to_float(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse()


def _refuse(*_: str) -> NoReturn:
    raise AmbiguousJson
