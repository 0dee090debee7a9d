"""Rows as real clients need them: never null where they would break, absent where they look."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

Selected = Mapping[str, Any]

# Rule W1: these are strings, whatever is known.
_NEVER_NULL: Final[Selected] = MappingProxyType({"description": "", "mount_path": ""})
_REFERENCES: Final = ("aliased_secret", "overridden_secret")
_VARIABLE_REFERENCES: Final = ("aliased_variable", "overridden_variable")
# Rule V2: there, and null, since a value never leaves on this way.
_NO_VALUE: Final[Selected] = MappingProxyType({"value": None})


def secret_row(selected: Selected) -> dict[str, Any]:
    """Return a selected secret as the legacy `Secret`."""
    row = _without_nulls(selected)
    return row | {name: _without_nulls(row[name]) for name in _REFERENCES if name in row}


def variable_row(selected: Selected) -> dict[str, Any]:
    """Return a selected secret as a `VariableResponse`."""
    row = {**_without_nulls(selected), **_NO_VALUE, "is_secret": True}
    references = {
        name: {**_without_nulls(row[name]), **_NO_VALUE}
        for name in _VARIABLE_REFERENCES
        if name in row
    }
    return row | references | {"mount_path": selected["mount_path"]}


def import_result(payload: Selected) -> dict[str, Any]:
    """Return what became of an import as a `VariableImport`."""
    written = [row for row in payload["rows"] if row["action"] not in {"SKIPPED", "FAILED"}]
    return {
        "total_variables_to_import": len(payload["rows"]),
        "successful_imported_variables": [
            {"name": row["key"], "scope": row["secret"]["scope"], "is_secret": True}
            for row in written
        ],
    }


def _without_nulls(selected: Selected) -> dict[str, Any]:
    filled = {name: _NEVER_NULL.get(name) if it is None else it for name, it in selected.items()}
    return {name: it for name, it in filled.items() if it is not None}
