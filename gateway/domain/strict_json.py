"""JSON with only one reading, as far as the caller asks for it."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final, NoReturn

# The largest whole number that every JSON parser reads exactly.
MAX_INTEGER: Final = 2**53
# Python reads long integers slowly, so their length is checked first.
_MAX_DIGITS: Final = len(str(MAX_INTEGER)) + 1


class JsonFault(Enum):
    NOT_TEXT = auto()
    NOT_JSON = auto()
    NOT_A_NUMBER = auto()
    REPEATED = auto()
    TOO_LARGE_NUMBER = auto()
    TOO_DEEP = auto()


class RefusedJson(ValueError):
    """The text is not JSON, or two parsers could read it differently."""

    def __init__(self, fault: JsonFault, line: int = 0) -> None:
        super().__init__(fault.name)
        self.fault = fault
        self.line = line


class Pairs(list[tuple[str, Any]]):
    """A JSON object with all its members in their order, also those with the same name."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # An attacker could exploit two parsers that pick different values of a repeated name.
    unique = dict(pairs)
    return unique if len(unique) == len(pairs) else _refuse(JsonFault.REPEATED)


def _exact(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or abs(int(digits)) > MAX_INTEGER:
        raise RefusedJson(JsonFault.TOO_LARGE_NUMBER)
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(JsonFault.TOO_LARGE_NUMBER)


def read_json(
    text: str | bytes,
    *,
    to_object: Callable[[Sequence[tuple[str, Any]]], object] = _unique,
    to_integer: Callable[[str], object] = _exact,
    to_float: Callable[[str], object] = _finite,
) -> object:
    """Parse JSON. A name cannot occur twice in an object, unless `to_object` allows it.

    Raises:
        RefusedJson: if it is not JSON in UTF-8, or ambiguous.

    """
    try:
        parsed: object = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=to_object,
            parse_int=to_integer,
            parse_float=to_float,
            parse_constant=lambda _: _refuse(JsonFault.NOT_A_NUMBER),
        )
    except UnicodeDecodeError:
        raise RefusedJson(JsonFault.NOT_TEXT) from None
    except json.JSONDecodeError as error:
        raise RefusedJson(JsonFault.NOT_JSON, error.lineno) from None
    except RecursionError:
        raise RefusedJson(JsonFault.TOO_DEEP) from None
    return parsed


def read_object(text: bytes) -> Mapping[str, Any]:
    """Parse a JSON object.

    Raises:
        RefusedJson: if it is anything else, or ambiguous.

    """
    parsed = read_json(text)
    return parsed if isinstance(parsed, dict) else _refuse(JsonFault.NOT_JSON)


def _refuse(fault: JsonFault) -> NoReturn:
    raise RefusedJson(fault)
