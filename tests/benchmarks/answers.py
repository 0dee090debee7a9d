"""Whether servers give the same answer: no peer is measured that does not."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

# What the gateway's answers have in addition: cost and allowance.
_ADDED: Final = "extensions"
_TIMES: Final = frozenset({"createdAt", "updatedAt", "created_at", "updated_at"})
# What each server chooses by itself for a new secret.
_CHOSEN: Final = _TIMES | {"id"}


class DifferentAnswer(Exception):
    """A server that would be measured answers something else than the gateway."""

    def __init__(self, server: str, theirs: object, ours: object) -> None:
        super().__init__(f"{server} answered {_short(theirs)} and the gateway {_short(ours)}")


def comparable(text: bytes, *, new_key: str | None = None) -> object:
    """Return an answer without what servers choose: ids and times of the secret with a new key.

    Times are compared as times, because `Z` and `+00:00` mean the same.
    """
    answer = json.loads(text)
    return _reduce({name: part for name, part in answer.items() if name != _ADDED}, new_key)


def ensure_same(server: str, theirs: object, ours: object) -> None:
    """Refuse a server with another answer.

    Raises:
        DifferentAnswer: with the beginning of both answers.

    """
    if theirs != ours:
        raise DifferentAnswer(server, theirs, ours)


def _reduce(part: Any, new_key: str | None) -> object:
    if isinstance(part, list):
        return [_reduce(each, new_key) for each in part]
    if not isinstance(part, Mapping):
        return part
    is_new = new_key is not None and part.get("key") == new_key
    return {
        name: _time(each) if name in _TIMES else _reduce(each, new_key)
        for name, each in part.items()
        if not (is_new and name in _CHOSEN)
    }


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _short(answer: object) -> str:
    return repr(answer)[:300]
