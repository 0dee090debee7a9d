"""Reads requests: what the document of an operation gets, and what shapes the answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.holders import is_canonical_id
from gateway.domain.refusals import TooManyRows
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from gateway.services.imports import MAX_ROWS

Given = TypeVar("Given")

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
# Filters the rows of a list by their `is_secret`; all if absent (rule V3).
ONLY_WHERE_SECRET: Final = "only_where_secret"  # noqa: S105 - the name of an input
# The number of import rows that are not secrets. Each of them fails alone (rule V3).
PUBLIC_ROWS: Final = "public_rows"
_VARS: Final = "vars"
_SCOPE: Final = "scope"
_IS_SECRET: Final = "is_secret"  # noqa: S105 - the name of a field, no password
_ACCESS_ID: Final = "secret_manager_access_id"
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_NOT_A_SECRET: Final = (
    f"`{_IS_SECRET}` must be true: this gateway stores secrets. Only an external secret can have "
    f"`{_IS_SECRET}: false`, and it needs a `{_ACCESS_ID}`."
)
_UNKNOWN_ACCESS: Final = (
    f"`{_ACCESS_ID}` does not name a secret manager access of this organization."
)


class _Form(NamedTuple, Generic[Given]):
    """What a field must be: in words, its type, and a check of its content."""

    words: str
    kind: type[Given]
    accepts: Callable[[Given], bool] = lambda _: True


_ROW: Final = _Form("an object with `name`, `value`, `scope` and `is_secret`", dict)
_LIST: Final = _Form("a list", list)
_TEXT: Final = _Form("a string", str)
_BOOLEAN: Final = _Form("true or false", bool)
_ID: Final = _Form("a lowercase UUID", str, is_canonical_id)
_HOLDER_SCOPE: Final = _Form(f"one of {', '.join(HOLDER_SCOPES)}", str, HOLDER_SCOPES.__contains__)
# A row with the scope of no holder fails alone; the others are written.
_ANY_SCOPE: Final = _HOLDER_SCOPE._replace(accepts=frozenset(map(str, Scope)).__contains__)


class InvalidField(GatewayError):
    code = ErrorCode.BAD_USER_INPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRequest:
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    idempotency_key: str | None
    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def options(self) -> "Inputs":
        return {"idempotency_key": self.idempotency_key, "if_match": self.if_match}


# By name: the variables of a document, and what only the answer needs, which documents ignore.
Inputs = dict[str, Any]
Binding = Callable[[RestRequest], Inputs]


def holder_in_path(scope: Scope) -> Binding:
    """Bind the ids of a legacy path; `holder` is only the id."""

    def bind(request: RestRequest) -> Inputs:
        ids = {"holder": request.path[scope.id_argument], "target": request.path.get("secretId")}
        return ids | request.options

    return bind


def secret_in_path(request: RestRequest) -> Inputs:
    return {"target": request.path["variableId"]} | request.options


def versions_in_path(request: RestRequest) -> Inputs:
    """Bind a page of the versions of the secret that a path names."""
    return {"target": request.path["variableId"], "after": request.query.get("after")}


def edited_secret(request: RestRequest) -> Inputs:
    """Bind an edit of the secret that a path names; it must stay a secret."""
    _ensure_no_access(request.body)
    return secret_in_path(request)


def holder_in_body(scope_field: str, id_field: str) -> Binding:
    """Bind a holder that two body fields name."""

    def bind(request: RestRequest) -> Inputs:
        holder = _holder(request.body, scope_field, id_field)
        return holder | {"target": request.path.get("variableId")} | request.options

    return bind


def new_secret(request: RestRequest) -> Inputs:
    """Bind a new variable, which must be a secret."""
    _ensure_no_access(request.body)
    if not _read(request.body, _IS_SECRET, _BOOLEAN):
        raise InvalidField(_NOT_A_SECRET)
    return holder_in_body("variable_scope", "variable_parent_id")(request)


def holder_in_query(request: RestRequest) -> Inputs:
    """Bind a holder that two query parameters name; it must have the kind `scope`."""
    scope = Scope(_read(request.query, _SCOPE, _HOLDER_SCOPE))
    holder_id = _read(request.query, "parent_id", _ID)
    # A generated Python client sends `True`.
    wanted = request.query.get(_IS_SECRET, "").lower()
    if wanted and wanted not in _BOOLEANS:
        raise _invalid(_IS_SECRET, _BOOLEAN.words)
    return {"holder": holder_id, "scope": scope, ONLY_WHERE_SECRET: _BOOLEANS.get(wanted)}


def import_at_path(scope: Scope) -> Binding:
    """Bind an import whose path names the holder."""

    def bind(request: RestRequest) -> Inputs:
        holder = {"holder": {scope.id_argument: request.path[scope.id_argument]}}
        return holder | _import_rows(request.body) | request.options

    return bind


def import_at_query(request: RestRequest) -> Inputs:
    """Bind an import whose query names a holder of any kind, as a console sends it."""
    holder = _holder(request.query, "service_type", "service_id")
    return holder | _import_rows(request.body) | request.options


def _import_rows(body: Mapping[str, Any]) -> Inputs:
    rows = _read(body, _VARS, _LIST)
    if len(rows) > MAX_ROWS:
        raise TooManyRows(MAX_ROWS)
    bound = [_import_row(row, f"{_VARS}[{number}]") for number, row in enumerate(rows)]
    secrets = [row for row in bound if row is not None]
    return {"secrets": secrets, PUBLIC_ROWS: len(bound) - len(secrets)}


def _import_row(row: object, name: str) -> Inputs | None:
    """Return the row's input; None for a plain variable, whose row fails alone."""
    fields = _check(row, name, _ROW)
    prefix = f"{name}."
    key, value = (_read(fields, each, _TEXT, prefix) for each in ("name", "value"))
    scope = _read(fields, _SCOPE, _ANY_SCOPE, prefix)
    is_secret = _read(fields, _IS_SECRET, _BOOLEAN, prefix)
    return {"key": key, "value": value, "scope": scope} if is_secret else None


def _ensure_no_access(body: Mapping[str, Any]) -> None:
    # Otherwise the name of the external secret would be stored as a value.
    if body.get(_ACCESS_ID) is not None:
        raise InvalidField(_UNKNOWN_ACCESS)


def _holder(fields: Mapping[str, Any], scope_field: str, id_field: str) -> Inputs:
    scope = Scope(_read(fields, scope_field, _HOLDER_SCOPE))
    return {"holder": {scope.id_argument: _read(fields, id_field, _ID)}}


def _read(fields: Mapping[str, Any], name: str, form: _Form[Given], prefix: str = "") -> Given:
    return _check(fields.get(name), f"{prefix}{name}", form)


def _check(given: object, name: str, form: _Form[Given]) -> Given:
    """Return what a field contains.

    Raises:
        InvalidField: if it is missing or does not have the form.

    """
    if isinstance(given, form.kind) and form.accepts(given):
        return given
    raise _invalid(name, form.words)


def _invalid(name: str, form: str) -> InvalidField:
    return InvalidField(f"`{name}` must be {form}.")
