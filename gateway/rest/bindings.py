"""Converts requests to the variables of GraphQL documents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.holders import is_canonical_id
from gateway.domain.refusals import TooManyRows
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from gateway.services.imports import MAX_ROWS

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
# Filters the rows of a list by their `is_secret`; all if absent (rule V3).
ONLY_WHERE_SECRET: Final = "only_where_secret"  # noqa: S105 - the name of a variable
# The number of import rows that are not secrets. Each of them fails alone (rule V3).
PUBLIC_ROWS: Final = "public_rows"
_VARS: Final = "vars"
_SCOPE: Final = "scope"
_IS_SECRET: Final = "is_secret"  # noqa: S105 - the name of a field, no password
_ACCESS_ID: Final = "secret_manager_access_id"
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_SCOPE_NAMES: Final = frozenset(map(str, Scope))

_A_ROW: Final = "an object with `name`, `value`, `scope` and `is_secret`"
_A_LIST: Final = "a list"
_A_BOOLEAN: Final = "true or false"
_AN_ID: Final = "a lowercase UUID"
_A_SCOPE: Final = f"one of {', '.join(HOLDER_SCOPES)}"
_A_TEXT: Final = "a string"


class RefusedField(GatewayError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, name: str, form: str, *, prefix: str = "") -> None:
        super().__init__(f"`{prefix}{name}` must be {form}.")


class NotASecret(GatewayError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self) -> None:
        super().__init__(
            f"`{_IS_SECRET}` must be true: this gateway stores secrets. Only an external secret "
            f"can have `{_IS_SECRET}: false`, and it needs a `{_ACCESS_ID}`."
        )


class UnknownAccess(GatewayError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self) -> None:
        super().__init__(
            f"`{_ACCESS_ID}` does not name a secret manager access of this organization."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    idempotency_key: str | None
    if_match: str | None = None

    @property
    def options(self) -> "Variables":
        return {"idempotency_key": self.idempotency_key, "if_match": self.if_match}


Variables = dict[str, Any]
Binding = Callable[[Call], Variables]


def holder_in_path(scope: Scope) -> Binding:
    """Bind the ids of a legacy path; `holder` is only the id."""

    def bind(call: Call) -> Variables:
        ids = {"holder": call.path[scope.id_argument], "target": call.path.get("secretId")}
        return ids | call.options

    return bind


def secret_in_path(call: Call) -> Variables:
    return {"target": call.path["variableId"]} | call.options


def edit_variable(call: Call) -> Variables:
    """Bind an edit of the secret that a path names; it must stay a secret."""
    _ensure_no_access(call.body)
    return secret_in_path(call)


def holder_in_body(scope_field: str, id_field: str) -> Binding:
    """Bind a holder that two body fields name."""

    def bind(call: Call) -> Variables:
        holder = _holder(call.body, scope_field, id_field)
        target = {"target": call.path.get("variableId")}
        return holder | target | call.options

    return bind


def new_variable(call: Call) -> Variables:
    """Bind a new variable, which must be a secret."""
    _ensure_no_access(call.body)
    if not _is_secret(call.body):
        raise NotASecret
    return holder_in_body("variable_scope", "variable_parent_id")(call)


def holder_in_query(call: Call) -> Variables:
    """Bind a holder that two query parameters name; it must have the kind `scope`."""
    scope, holder_id = _scope(call.query, _SCOPE), _id(call.query, "parent_id")
    return {"holder": holder_id, "scope": scope, ONLY_WHERE_SECRET: _parse_wanted(call.query)}


def _parse_wanted(query: Mapping[str, str]) -> bool | None:
    # A generated Python client sends `True`.
    wanted = query.get(_IS_SECRET, "").lower()
    if wanted and wanted not in _BOOLEANS:
        raise RefusedField(_IS_SECRET, _A_BOOLEAN)
    return _BOOLEANS.get(wanted)


def import_at_path(scope: Scope) -> Binding:
    """Bind an import whose path names the holder."""

    def bind(call: Call) -> Variables:
        holder = {"holder": {scope.id_argument: call.path[scope.id_argument]}}
        return holder | _import_rows(call.body) | call.options

    return bind


def import_at_query(call: Call) -> Variables:
    """Bind an import whose query names a holder of any kind, as a console sends it."""
    holder = _holder(call.query, "service_type", "service_id")
    return holder | _import_rows(call.body) | call.options


def _import_rows(body: Mapping[str, Any]) -> Variables:
    rows = body.get(_VARS)
    if not isinstance(rows, list):
        raise RefusedField(_VARS, _A_LIST)
    if len(rows) > MAX_ROWS:
        raise TooManyRows(MAX_ROWS)
    bound = [_import_row(row, f"{_VARS}[{number}]") for number, row in enumerate(rows)]
    secrets = [row for row in bound if row is not None]
    return {
        "secrets": secrets,
        "overwrite": body.get("overwrite"),
        PUBLIC_ROWS: len(bound) - len(secrets),
    }


def _import_row(row: object, name: str) -> Variables | None:
    """Return the row's variables; None for a plain variable, whose row fails alone."""
    if not isinstance(row, dict):
        raise RefusedField(name, _A_ROW)
    prefix = f"{name}."
    key, value = (_text(row, field, prefix) for field in ("name", "value"))
    scope = _any_scope(row, prefix)
    return {"key": key, "value": value, "scope": scope} if _is_secret(row, prefix) else None


def _text(row: Mapping[str, Any], name: str, prefix: str) -> str:
    wanted = row.get(name)
    if not isinstance(wanted, str):
        raise RefusedField(name, _A_TEXT, prefix=prefix)
    return wanted


def _any_scope(row: Mapping[str, Any], prefix: str) -> str:
    # A row with an unknown scope fails alone; the others are written.
    scope = row.get(_SCOPE)
    if not isinstance(scope, str) or scope not in _SCOPE_NAMES:
        raise RefusedField(_SCOPE, _A_SCOPE, prefix=prefix)
    return scope


def _is_secret(fields: Mapping[str, Any], prefix: str = "") -> bool:
    wanted = fields.get(_IS_SECRET)
    if not isinstance(wanted, bool):
        raise RefusedField(_IS_SECRET, _A_BOOLEAN, prefix=prefix)
    return wanted


def _ensure_no_access(fields: Mapping[str, Any]) -> None:
    # Otherwise the name of the external secret would be stored as a value.
    if fields.get(_ACCESS_ID) is not None:
        raise UnknownAccess


def _holder(fields: Mapping[str, Any], scope_field: str, id_field: str) -> Variables:
    scope = _scope(fields, scope_field)
    return {"holder": {scope.id_argument: _id(fields, id_field)}}


def _scope(fields: Mapping[str, Any], name: str) -> Scope:
    scope = fields.get(name)
    if not isinstance(scope, str) or scope not in HOLDER_SCOPES:
        raise RefusedField(name, _A_SCOPE)
    return Scope(scope)


def _id(fields: Mapping[str, Any], name: str) -> str:
    wanted = fields.get(name)
    if not isinstance(wanted, str) or not is_canonical_id(wanted):
        raise RefusedField(name, _AN_ID)
    return wanted
