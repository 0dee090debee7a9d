"""The table of the REST API: one operation for each path and method."""

from http import HTTPMethod
from typing import Final, NamedTuple

from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.rest import bindings
from gateway.rest.bindings import Binding
from gateway.rest.delivery import DELIVERY_DOCUMENT, requested_key, requested_set
from gateway.rest.documents import (
    IMPORT_DOCUMENT,
    KEYED,
    MATCHED,
    SECRET_FRAGMENT,
    TARGET,
    VARIABLE_FRAGMENT,
    Arguments,
    delete_document,
    list_document,
    read_document,
    versions_document,
    write_document,
)
from gateway.rest.hierarchy import HIERARCHY
from gateway.rest.openapi.bodies import (
    ImportQuery,
    RuntimeKeyQuery,
    RuntimeQuery,
    RuntimeValues,
    VariableImport,
    VariableImportRequest,
)
from gateway.rest.openapi.fields import Model
from gateway.rest.openapi.secrets import (
    Key,
    ListQuery,
    Secret,
    SecretEditRequest,
    SecretRequest,
    SecretResponseList,
    Value,
    VariableAliasRequest,
    VariableEditRequest,
    VariableOverrideRequest,
    VariableRequest,
    VariableResponse,
    VariableResponseList,
)
from gateway.rest.openapi.versions import VariableVersionList, VersionsQuery
from gateway.rest.operation import Action, Operation

_ANY_HOLDER: Final = {"holder": ("holder", "SecretHolderRef!")}
_ACTIONS: Final = {HTTPMethod.GET: Action.LIST, HTTPMethod.DELETE: Action.DELETE}
_RESPONSES: Final = {HTTPMethod.GET: SecretResponseList, HTTPMethod.DELETE: None}


class _Pattern(NamedTuple):
    """An operation under the path of each legacy scope, whose name replaces `{}`."""

    name: str
    method: HTTPMethod
    suffix: str
    request: type[Model] | None
    summary: str


_PATTERNS: Final = (
    _Pattern(
        "list{}Secrets",
        HTTPMethod.GET,
        "",
        None,
        "List all visible secrets: own, inherited and built-in",
    ),
    _Pattern(
        "create{}Secret",
        HTTPMethod.POST,
        "",
        SecretRequest,
        "Create a secret, or a file if it has a mount path",
    ),
    _Pattern(
        "edit{}Secret",
        HTTPMethod.PUT,
        "/{secretId}",
        SecretEditRequest,
        "Change a secret defined here",
    ),
    _Pattern(
        "delete{}Secret",
        HTTPMethod.DELETE,
        "/{secretId}",
        None,
        "Delete a secret defined here, with its aliases and overrides",
    ),
    _Pattern(
        "create{}SecretOverride",
        HTTPMethod.POST,
        "/{secretId}/override",
        Value,
        "Override the value of a secret of a wider scope",
    ),
    _Pattern(
        "create{}SecretAlias",
        HTTPMethod.POST,
        "/{secretId}/alias",
        Key,
        "Create an alias for a secret of the same or a wider scope",
    ),
)


def _legacy(pattern: _Pattern, scope: Scope) -> Operation:
    name = pattern.name.format(scope.camel_name)
    return Operation(
        operation_id=name,
        method=pattern.method,
        path=f"/{scope.lower()}/{{{scope.id_argument}}}/secret{pattern.suffix}",
        action=_ACTIONS.get(pattern.method, Action.WRITE),
        summary=pattern.summary,
        document=_legacy_document(name, pattern, scope),
        bind=bindings.holder_in_path(scope),
        is_legacy=True,
        scope=scope,
        request=pattern.request,
        response=_RESPONSES.get(pattern.method, Secret),
    )


def _legacy_document(name: str, pattern: _Pattern, scope: Scope) -> str:
    if pattern.method is HTTPMethod.GET:
        return list_document(name, SECRET_FRAGMENT)
    arguments = {scope.id_argument: ("holder", "ID!")}
    arguments |= TARGET if "{secretId}" in pattern.suffix else {}
    arguments |= KEYED if pattern.method is HTTPMethod.POST else KEYED | MATCHED
    if pattern.request is None:
        return delete_document(name, arguments)
    return write_document(name, arguments, pattern.request, SECRET_FRAGMENT)


def _write_variable(
    name: str,
    path: str,
    request: type[Model],
    summary: str,
    *,
    mutation: str,
    arguments: Arguments,
    bind: Binding,
    method: HTTPMethod = HTTPMethod.POST,
) -> Operation:
    return Operation(
        operation_id=name,
        method=method,
        path=path,
        action=Action.WRITE,
        summary=summary,
        document=write_document(mutation, arguments, request, VARIABLE_FRAGMENT),
        bind=bind,
        request=request,
        response=VariableResponse,
    )


def _import(name: str, path: str, bind: Binding, scope: Scope | None = None) -> Operation:
    return Operation(
        operation_id=name,
        method=HTTPMethod.POST,
        path=path,
        action=Action.IMPORT,
        summary="Import secrets; a row that breaks a rule fails alone",
        document=IMPORT_DOCUMENT,
        bind=bind,
        scope=scope,
        query=None if scope else ImportQuery,
        request=VariableImportRequest,
        response=VariableImport,
    )


def _import_at(scope: Scope, name: str) -> Operation:
    path = f"/{scope.lower()}/{{{scope.id_argument}}}/environmentVariable/import"
    return _import(name, path, bindings.import_at_path(scope), scope)


OPERATIONS: Final = (
    *HIERARCHY,
    *(_legacy(pattern, scope) for scope in LEGACY_SCOPES for pattern in _PATTERNS),
    Operation(
        operation_id="listVariables",
        method=HTTPMethod.GET,
        path="/variable",
        action=Action.LIST,
        summary="List all secrets visible from a holder of any kind",
        document=list_document("listVariables", VARIABLE_FRAGMENT),
        bind=bindings.holder_in_query,
        query=ListQuery,
        response=VariableResponseList,
    ),
    _write_variable(
        "createVariable",
        "/variable",
        VariableRequest,
        "Create a secret at a holder of any kind",
        mutation="createSecret",
        arguments=_ANY_HOLDER | KEYED,
        bind=bindings.new_secret,
    ),
    Operation(
        operation_id="getVariable",
        method=HTTPMethod.GET,
        path="/variable/{variableId}",
        action=Action.READ,
        summary="Read one secret, wherever it is defined, with its entity tag",
        document=read_document("getVariable", VARIABLE_FRAGMENT),
        bind=bindings.secret_in_path,
        response=VariableResponse,
    ),
    Operation(
        operation_id="listVariableVersions",
        method=HTTPMethod.GET,
        path="/variable/{variableId}/versions",
        action=Action.VERSIONS,
        summary="List what a secret is and was, deleted or not, the newest version first",
        document=versions_document("listVariableVersions"),
        bind=bindings.versions_in_path,
        query=VersionsQuery,
        response=VariableVersionList,
    ),
    _write_variable(
        "editVariable",
        "/variable/{variableId}",
        VariableEditRequest,
        "Change a secret, wherever it is defined",
        method=HTTPMethod.PUT,
        mutation="editSecret",
        arguments=TARGET | KEYED | MATCHED,
        bind=bindings.edited_secret,
    ),
    Operation(
        operation_id="deleteVariable",
        method=HTTPMethod.DELETE,
        path="/variable/{variableId}",
        action=Action.DELETE,
        summary="Delete a secret, wherever it is defined, with its aliases and overrides",
        # As in the original API (rule A7).
        document=delete_document(
            "deleteSecret", TARGET | KEYED | MATCHED, constant=", withDependents: true"
        ),
        bind=bindings.secret_in_path,
    ),
    _write_variable(
        "createVariableAlias",
        "/variable/{variableId}/alias",
        VariableAliasRequest,
        "Create an alias at a holder of any kind",
        mutation="createSecretAlias",
        arguments=_ANY_HOLDER | TARGET | KEYED,
        bind=bindings.holder_in_body("alias_scope", "alias_parent_id"),
    ),
    _write_variable(
        "createVariableOverride",
        "/variable/{variableId}/override",
        VariableOverrideRequest,
        "Override a secret's value at a holder of any kind",
        mutation="createSecretOverride",
        arguments=_ANY_HOLDER | TARGET | KEYED,
        bind=bindings.holder_in_body("override_scope", "override_parent_id"),
    ),
    _import("importEnvironmentVariables", "/variable/import", bindings.import_at_query),
    _import_at(Scope.APPLICATION, "importEnvironmentVariable"),
    _import_at(Scope.CONTAINER, "importContainerEnvironmentVariable"),
    _import_at(Scope.JOB, "importJobEnvironmentVariable"),
    Operation(
        operation_id="getRuntimeSecrets",
        method=HTTPMethod.GET,
        path="/runtime/{serviceId}",
        action=Action.DELIVER,
        summary="Deliver what a service gets at run time, with values",
        document=DELIVERY_DOCUMENT,
        bind=requested_set,
        query=RuntimeQuery,
        response=RuntimeValues,
        has_text=True,
    ),
    Operation(
        operation_id="getRuntimeSecret",
        method=HTTPMethod.GET,
        path="/runtime/{serviceId}/{key}",
        action=Action.DELIVER,
        summary="Deliver one value that a service gets at run time",
        document=DELIVERY_DOCUMENT,
        bind=requested_key,
        query=RuntimeKeyQuery,
        has_text=True,
    ),
)
