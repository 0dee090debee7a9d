"""From a request to a document's variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.ids import is_canonical_id
from gateway.domain.scopes import HOLDER_SCOPES, Scope

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
# Asks for what is no secret, of which there is nothing (rule V3).
PLAIN_ONLY: Final = "plain_only"
_VARS: Final = "vars"
_SCOPE: Final = "scope"
_IS_SECRET: Final = "is_secret"  # noqa: S105 - the name of a field, no password
_SCOPE_NAMES: Final = frozenset(map(str, Scope))

_A_ROW: Final = "an object with `name`, `value`, `scope` and `is_secret`"
_A_LIST: Final = "a list"
_A_BOOLEAN: Final = "true or false"
_AN_ID: Final = "a UUID, in lower case"
_A_SCOPE: Final = f"one of {', '.join(HOLDER_SCOPES)}"
_A_TEXT: Final = "a string"


class RefusedField(GatewayError):
    """A field of the body, or a parameter of the query, is missing or not of its form."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, name: str, form: str, *, place: str = "") -> None:
        """Name the field and its form, never what it held; `place` is what it is a part of."""
        super().__init__(f"`{place}{name}` is to be {form}.")


class NotASecret(GatewayError):
    """The request is about a plain variable, of which there are none here."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self) -> None:
        """Say what is held here."""
        super().__init__("This gateway holds secrets: `is_secret` can only be true.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a request says, in its parts."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    idempotency_key: str | None


Variables = dict[str, Any]
Binding = Callable[[Call], Variables]


def holder_in_path(scope: Scope) -> Binding:
    """Bind the ids of a legacy path; `holder` is the id alone."""

    def bind(call: Call) -> Variables:
        ids = {"holder": call.path[scope.id_argument], "target": call.path.get("secretId")}
        return ids | {"idempotency_key": call.idempotency_key}

    return bind


def secret_in_path(call: Call) -> Variables:
    """Bind the id of a path that names a secret only."""
    return {"target": call.path["variableId"]}


def holder_in_body(scope_field: str, id_field: str) -> Binding:
    """Bind a holder that two fields of the body name together."""

    def bind(call: Call) -> Variables:
        holder = _holder(call.body, scope_field, id_field)
        target = {"target": call.path.get("variableId")}
        return holder | target | {"idempotency_key": call.idempotency_key}

    return bind


def new_variable(call: Call) -> Variables:
    """Bind a new variable, which must be a secret."""
    _ensure_secret(call.body)
    return holder_in_body("variable_scope", "variable_parent_id")(call)


def holder_in_query(call: Call) -> Variables:
    """Bind a holder that two parameters of the query name; `scope` is what it must be."""
    scope, holder_id = _scope(call.query, _SCOPE), _id(call.query, "parent_id")
    if call.query.get(_IS_SECRET, "") not in {"", "true", "false"}:
        raise RefusedField(_IS_SECRET, _A_BOOLEAN)
    return {"holder": holder_id, "scope": scope, PLAIN_ONLY: call.query.get(_IS_SECRET) == "false"}


def import_at_path(scope: Scope) -> Binding:
    """Bind an import whose path names the holder."""

    def bind(call: Call) -> Variables:
        return {"holder": {scope.id_argument: call.path[scope.id_argument]}} | _rows(call.body)

    return bind


def import_at_query(call: Call) -> Variables:
    """Bind an import whose query names the holder; a console sends any kind of it."""
    return _holder(call.query, "service_type", "service_id") | _rows(call.body)


def _rows(body: Mapping[str, Any]) -> Variables:
    rows = body.get(_VARS)
    if not isinstance(rows, list):
        raise RefusedField(_VARS, _A_LIST)
    secrets = [_row(row, f"{_VARS}[{number}]") for number, row in enumerate(rows)]
    return {"secrets": secrets, "overwrite": body.get("overwrite")}


def _row(row: object, name: str) -> Variables:
    if not isinstance(row, dict):
        raise RefusedField(name, _A_ROW)
    place = f"{name}."
    key, value = (_text(row, field, place) for field in ("name", "value"))
    _ensure_secret(row, place)
    return {"key": key, "value": value, "scope": _any_scope(row, place)}


def _text(row: Mapping[str, Any], name: str, place: str) -> str:
    wanted = row.get(name)
    if not isinstance(wanted, str):
        raise RefusedField(name, _A_TEXT, place=place)
    return wanted


def _any_scope(row: Mapping[str, Any], place: str) -> str:
    # One that no chain has fails as a row, and the others go through.
    scope = row.get(_SCOPE)
    if not isinstance(scope, str) or scope not in _SCOPE_NAMES:
        raise RefusedField(_SCOPE, _A_SCOPE, place=place)
    return scope


def _ensure_secret(fields: Mapping[str, Any], place: str = "") -> None:
    if not isinstance(fields.get(_IS_SECRET), bool):
        raise RefusedField(_IS_SECRET, _A_BOOLEAN, place=place)
    if not fields[_IS_SECRET]:
        raise NotASecret


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
