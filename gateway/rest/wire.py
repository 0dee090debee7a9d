"""Converts secrets to the wire format that existing clients need, with its nulls and omissions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gateway.domain.scopes import ServiceType
from gateway.domain.secrets import SecretType

Selected = Mapping[str, Any]

# Rules X2, X5: names that the legacy enums lack. One such name breaks a whole list for a client.
EXTERNAL_TYPES: Final = frozenset({SecretType.EXTERNAL_SECRET})
NEWER_SERVICE_TYPES: Final = frozenset({ServiceType.AGENTIC_WORKFLOW})

# Selected for the ETag header; not a field of a body.
ETAG: Final = "etag"
# Rule W1: these are always strings.
_NEVER_NULL: Final[Selected] = {"description": "", "mount_path": ""}
_REFERENCES: Final = ("aliased_secret", "overridden_secret")
_VARIABLE_REFERENCES: Final = ("aliased_variable", "overridden_variable")
_EXISTING: Final = "existing_variable"
_NO_HOLDER_FIELDS: Final = frozenset({"code", "message", _EXISTING})
# Rule V2: present and null, since REST never returns a value.
_NO_VALUE: Final[Selected] = {"value": None}


def to_secret(selected: Selected) -> dict[str, Any]:
    secret = _without_nulls(selected)
    if secret.get("service_type") in NEWER_SERVICE_TYPES:
        del secret["service_type"]
    return secret | {name: _without_nulls(secret[name]) for name in _REFERENCES if name in secret}


def to_variable_response(selected: Selected) -> dict[str, Any]:
    is_secret = selected["variable_type"] not in EXTERNAL_TYPES
    variable = {**_without_nulls(selected), **_NO_VALUE, "is_secret": is_secret}
    references = {
        name: {**_without_nulls(variable[name]), **_NO_VALUE}
        for name in _VARIABLE_REFERENCES
        if name in variable
    }
    return variable | references | {"mount_path": selected["mount_path"]}


def to_secrets(selected: Iterable[Selected]) -> Iterator[dict[str, Any]]:
    """Yield the secrets of a legacy list, with targets before the secrets that refer to them.

    Old clients cannot read a list with a name that their enums lack. So external secrets and their
    aliases and overrides are omitted (rule X2).
    """
    hidden: set[str] = set()
    for secret in map(to_secret, selected):
        targets = [secret[name] for name in _REFERENCES if name in secret]
        is_external = any(item["variable_type"] in EXTERNAL_TYPES for item in (secret, *targets))
        if is_external or any(target["id"] in hidden for target in targets):
            hidden.add(secret["id"])
        else:
            yield secret


def to_variable_responses(
    selected: Iterable[Selected], *, only_where_secret: bool | None
) -> Iterator[dict[str, Any]]:
    """Yield the variables of a list: all, or those with this `is_secret`."""
    for variable in map(to_variable_response, selected):
        if only_where_secret in (None, variable["is_secret"]):
            yield variable


def to_versions(page: Selected) -> dict[str, Any]:
    """Return a page of versions, and where the next one begins."""
    info = page["pageInfo"]
    return {
        "results": list(map(_without_nulls, page["nodes"])),
        "next": info["endCursor"] if info["hasNextPage"] else None,
    }


def to_import_result(payload: Selected, *, public_rows: int) -> dict[str, Any]:
    written = [row for row in payload["rows"] if row["action"] not in {"SKIPPED", "FAILED"}]
    return {
        "total_variables_to_import": len(payload["rows"]) + public_rows,
        "successful_imported_variables": [
            {"name": row["key"], "scope": row["secret"]["scope"], "is_secret": True}
            for row in written
        ],
    }


def to_problem_fields(error: Selected) -> dict[str, Any]:
    """Return the extension fields of the problem for an error.

    For a taken key, `existing_variable` is always an object: the secret with the key or, if the
    principal cannot see it, the key and the holder from the request (rule E3).
    """
    if _EXISTING not in error:
        return {}
    own = {name: value for name, value in error.items() if name not in _NO_HOLDER_FIELDS}
    return {_EXISTING: error[_EXISTING] or own}


def _without_nulls(selected: Selected) -> dict[str, Any]:
    filled = {
        name: _NEVER_NULL.get(name) if value is None else value for name, value in selected.items()
    }
    return {name: value for name, value in filled.items() if value is not None and name != ETAG}
