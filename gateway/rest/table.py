"""The table of the REST API: one row for each path and method."""

from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Final

from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.rest import calls
from gateway.rest.documents import (
    ALIAS_FIELDS,
    EDIT_FIELDS,
    KEYED,
    MATCHED,
    NO_FIELDS,
    OVERRIDE_FIELDS,
    SECRET_FIELDS,
    SECRET_FRAGMENT,
    TARGET,
    Fields,
    delete_document,
    list_document,
    write_document,
)
from gateway.rest.openapi.requests import Key, SecretEditRequest, SecretRequest, Value
from gateway.rest.openapi.responses import Secret, SecretResponseList
from gateway.rest.openapi.schemas import Model
from gateway.rest.rows import Action, Family, Row
from gateway.rest.variables import variable_rows


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The operations under each legacy scope's path; `{}` is replaced by the scope's name."""

    name: str
    method: HTTPMethod
    suffix: str
    status: HTTPStatus
    request: type[Model] | None
    fields: Fields
    summary: str


_PATTERNS: Final = (
    _Pattern(
        "list{}Secrets",
        HTTPMethod.GET,
        "",
        HTTPStatus.OK,
        None,
        NO_FIELDS,
        "List all visible secrets: own, inherited and built-in",
    ),
    _Pattern(
        "create{}Secret",
        HTTPMethod.POST,
        "",
        HTTPStatus.CREATED,
        SecretRequest,
        SECRET_FIELDS,
        "Create a secret, or a file if it has a mount path",
    ),
    _Pattern(
        "edit{}Secret",
        HTTPMethod.PUT,
        "/{secretId}",
        HTTPStatus.OK,
        SecretEditRequest,
        EDIT_FIELDS,
        "Change a secret defined here",
    ),
    _Pattern(
        "delete{}Secret",
        HTTPMethod.DELETE,
        "/{secretId}",
        HTTPStatus.NO_CONTENT,
        None,
        NO_FIELDS,
        "Delete a secret defined here, with its aliases and overrides",
    ),
    _Pattern(
        "create{}SecretOverride",
        HTTPMethod.POST,
        "/{secretId}/override",
        HTTPStatus.CREATED,
        Value,
        OVERRIDE_FIELDS,
        "Override the value of a secret of a wider scope",
    ),
    _Pattern(
        "create{}SecretAlias",
        HTTPMethod.POST,
        "/{secretId}/alias",
        HTTPStatus.CREATED,
        Key,
        ALIAS_FIELDS,
        "Create an alias for a secret of the same or a wider scope",
    ),
)


def _legacy_row(pattern: _Pattern, scope: Scope) -> Row:
    name = pattern.name.format(scope.camel_name)
    return Row(
        operation_id=name,
        method=pattern.method,
        path=f"/{scope.lower()}/{{{scope.id_argument}}}/secret{pattern.suffix}",
        status=pattern.status,
        action=_action(pattern.method),
        family=Family.SECRET,
        summary=pattern.summary,
        document=_legacy_document(name, pattern, scope),
        bind=calls.holder_in_path(scope),
        fields=pattern.fields,
        scope=scope,
        request=pattern.request,
        response=_response(pattern),
    )


def _action(method: HTTPMethod) -> Action:
    actions = {HTTPMethod.GET: Action.LIST, HTTPMethod.DELETE: Action.DELETE}
    return actions.get(method, Action.WRITE)


def _response(pattern: _Pattern) -> type[Model] | None:
    by_action: dict[Action, type[Model]] = {
        Action.LIST: SecretResponseList,
        Action.WRITE: Secret,
    }
    return by_action.get(_action(pattern.method))


def _legacy_document(name: str, pattern: _Pattern, scope: Scope) -> str:
    if pattern.method is HTTPMethod.GET:
        return list_document(name, SECRET_FRAGMENT)
    arguments = {scope.id_argument: ("holder", "ID!")}
    arguments |= TARGET if "{secretId}" in pattern.suffix else {}
    arguments |= KEYED if pattern.method is HTTPMethod.POST else KEYED | MATCHED
    if pattern.method is HTTPMethod.DELETE:
        return delete_document(name, arguments)
    return write_document(name, arguments, pattern.fields, SECRET_FRAGMENT)


LEGACY_ROWS: Final = tuple(
    _legacy_row(pattern, scope) for scope in LEGACY_SCOPES for pattern in _PATTERNS
)
ROWS: Final = (*LEGACY_ROWS, *variable_rows())
