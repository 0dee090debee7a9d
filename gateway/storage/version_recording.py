"""Record what secrets were, from the changes of a transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from gateway.domain.history import FIRST_VERSION, Ending
from gateway.domain.origins import Origin
from gateway.domain.secrets import later_than
from gateway.storage.audit.changes import Key, RowChange
from gateway.storage.audit.row_macs import SECRETS, VALUES
from gateway.storage.unit_of_work import WriteUnit
from gateway.storage.version_tables import SecretVersionRow

_VERSION: Final = SecretVersionRow.__table__
# The columns of a secret's row that a former state has as its own.
_APART: Final = frozenset(_VERSION.c.keys()) | {"id", "updated_at"}
IN_STATE: Final = tuple(name for name in SECRETS.names if name not in _APART)
_IN_VALUE: Final = ("data_key_id", "ciphertext")
_NO_VALUE: Final = dict.fromkeys(_IN_VALUE)


async def keep_former_states(
    unit: WriteUnit, changes: Iterable[RowChange], *, at: datetime, seq: int, origin: Origin
) -> None:
    """Store what the secrets in a transaction's changes were before it.

    `seq` is the number of the transaction's first event. A value that is only sealed again is not
    a change. A row that somebody else changed gets no state: it would have a MAC.
    """
    by_key = {change.key: change for change in changes}
    ended_by = {"actor_kind": origin.actor_kind, "actor_id": origin.actor_id, "face": origin.face}
    rows = [
        SecretVersionRow.of({**ended, **_ended_value(by_key, change), **ended_by, "ended_in": seq})
        for change in by_key.values()
        if change.covered is SECRETS and (ended := _ended(change, at)) is not None
    ]
    await unit.insert(*rows)


def _ended(change: RowChange, at: datetime) -> Mapping[str, Any] | None:
    """Return the columns of the state that a change of a secret's row ends, if it ends one."""
    before, after = change.before, change.after
    if before is None:
        return _end_of_deletion(after) if after is not None else None
    if change.is_tampered:
        return None
    ended_at = later_than(before["updated_at"], at) if after is None else after["updated_at"]
    return _columns(before, Ending.DELETED if after is None else Ending.CHANGED) | {
        "began_at": before["updated_at"],
        "ended_at": ended_at,
    }


def _end_of_deletion(after: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the end of the time without a secret; None for a new secret."""
    if after["version"] == FIRST_VERSION:
        return None
    restored_at = after["updated_at"]
    return _columns(after, Ending.RESTORED) | {
        "version": after["version"] - 1,
        "state": "{}",
        "value_version": None,
        "began_at": restored_at,
        "ended_at": restored_at,
    }


def _columns(secret: Mapping[str, Any], ending: Ending) -> dict[str, Any]:
    own = {name: secret[name] for name in _VERSION.c.keys() if name in secret}  # noqa: SIM118 - iterating gives columns
    state = orjson.dumps({name: secret[name] for name in IN_STATE}).decode()
    return own | {"secret_id": secret["id"], "ended_how": ending, "state": state, "mac": None}


def _ended_value(by_key: Mapping[Key, RowChange], secret: RowChange) -> Mapping[str, Any]:
    """Return the value that ended with a state of the secret."""
    change = by_key.get((VALUES.table.name, secret.key[1]))
    if change is None or change.before is None or secret.before is None or change.is_tampered:
        return _NO_VALUE
    before, after = change.before, change.after
    is_ended = after is None or after["value_version"] != before["value_version"]
    is_own = before["value_version"] == secret.before["value_version"]
    return {name: before[name] for name in _IN_VALUE} if is_ended and is_own else _NO_VALUE
