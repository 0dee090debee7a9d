"""The `/variable` family and the imports: rows for a holder of any kind."""

from collections.abc import Iterator
from http import HTTPMethod, HTTPStatus
from typing import Final

from gateway.domain.scopes import Scope
from gateway.rest import calls
from gateway.rest.calls import Binding
from gateway.rest.documents import (
    ALIAS_FIELDS,
    EDIT_FIELDS,
    IMPORT_DOCUMENT,
    KEYED,
    MATCHED,
    NO_FIELDS,
    TARGET,
    VARIABLE_FIELDS,
    VARIABLE_FRAGMENT,
    VARIABLE_OVERRIDE_FIELDS,
    Arguments,
    Fields,
    delete_document,
    list_document,
    read_document,
    write_document,
)
from gateway.rest.openapi.requests import (
    ImportQuery,
    ListQuery,
    VariableAliasRequest,
    VariableEditRequest,
    VariableImportRequest,
    VariableOverrideRequest,
    VariableRequest,
)
from gateway.rest.openapi.responses import VariableImport, VariableResponse, VariableResponseList
from gateway.rest.openapi.schemas import Model
from gateway.rest.rows import Action, Family, Row

_ANY_HOLDER: Final = {"holder": ("holder", "SecretHolderRef!")}


_IMPORTS: Final = (
    ("importEnvironmentVariable", Scope.APPLICATION),
    ("importContainerEnvironmentVariable", Scope.CONTAINER),
    ("importJobEnvironmentVariable", Scope.JOB),
)


def _variable_write(
    operation_id: str,
    mutation: str,
    path: str,
    *,
    arguments: Arguments,
    bind: Binding,
    fields: Fields,
    request: type[Model],
    summary: str,
    method: HTTPMethod = HTTPMethod.POST,
) -> Row:
    return Row(
        operation_id=operation_id,
        method=method,
        path=path,
        status=HTTPStatus.CREATED if method is HTTPMethod.POST else HTTPStatus.OK,
        action=Action.WRITE,
        family=Family.VARIABLE,
        summary=summary,
        document=write_document(mutation, arguments, fields, VARIABLE_FRAGMENT),
        bind=bind,
        fields=fields,
        request=request,
        response=VariableResponse,
    )


def _import(operation_id: str, path: str, bind: Binding, scope: Scope | None = None) -> Row:
    return Row(
        operation_id=operation_id,
        method=HTTPMethod.POST,
        path=path,
        status=HTTPStatus.CREATED,
        action=Action.IMPORT,
        family=Family.VARIABLE,
        summary="Import secrets; a row that breaks a rule fails alone",
        document=IMPORT_DOCUMENT,
        bind=bind,
        fields=NO_FIELDS,
        scope=scope,
        query=None if scope else ImportQuery,
        request=VariableImportRequest,
        response=VariableImport,
    )


_VARIABLES: Final = (
    Row(
        operation_id="listVariables",
        method=HTTPMethod.GET,
        path="/variable",
        status=HTTPStatus.OK,
        action=Action.LIST,
        family=Family.VARIABLE,
        summary="List all secrets visible from a holder of any kind",
        document=list_document("listVariables", VARIABLE_FRAGMENT),
        bind=calls.holder_in_query,
        query=ListQuery,
        fields=NO_FIELDS,
        response=VariableResponseList,
    ),
    _variable_write(
        "createVariable",
        "createSecret",
        "/variable",
        arguments=_ANY_HOLDER | KEYED,
        bind=calls.new_variable,
        fields=VARIABLE_FIELDS,
        request=VariableRequest,
        summary="Create a secret at a holder of any kind",
    ),
    Row(
        operation_id="getVariable",
        method=HTTPMethod.GET,
        path="/variable/{variableId}",
        status=HTTPStatus.OK,
        action=Action.READ,
        family=Family.VARIABLE,
        summary="Read one secret, wherever it is defined, with its entity tag",
        document=read_document("getVariable", VARIABLE_FRAGMENT),
        bind=calls.secret_in_path,
        fields=NO_FIELDS,
        response=VariableResponse,
    ),
    _variable_write(
        "editVariable",
        "editSecret",
        "/variable/{variableId}",
        method=HTTPMethod.PUT,
        arguments=TARGET | KEYED | MATCHED,
        bind=calls.edit_variable,
        fields=EDIT_FIELDS,
        request=VariableEditRequest,
        summary="Change a secret, wherever it is defined",
    ),
    Row(
        operation_id="deleteVariable",
        method=HTTPMethod.DELETE,
        path="/variable/{variableId}",
        status=HTTPStatus.NO_CONTENT,
        action=Action.DELETE,
        family=Family.VARIABLE,
        summary="Delete a secret, wherever it is defined, with its aliases and overrides",
        # As in the original API (rule A7).
        document=delete_document(
            "deleteSecret", TARGET | KEYED | MATCHED, constant=", withDependents: true"
        ),
        bind=calls.secret_in_path,
        fields=NO_FIELDS,
    ),
    _variable_write(
        "createVariableAlias",
        "createSecretAlias",
        "/variable/{variableId}/alias",
        arguments=_ANY_HOLDER | TARGET | KEYED,
        bind=calls.holder_in_body("alias_scope", "alias_parent_id"),
        fields=ALIAS_FIELDS,
        request=VariableAliasRequest,
        summary="Create an alias at a holder of any kind",
    ),
    _variable_write(
        "createVariableOverride",
        "createSecretOverride",
        "/variable/{variableId}/override",
        arguments=_ANY_HOLDER | TARGET | KEYED,
        bind=calls.holder_in_body("override_scope", "override_parent_id"),
        fields=VARIABLE_OVERRIDE_FIELDS,
        request=VariableOverrideRequest,
        summary="Override a secret's value at a holder of any kind",
    ),
)


def variable_rows() -> Iterator[Row]:
    """Yield the rows of the family and of the imports."""
    yield from _VARIABLES
    yield _import("importEnvironmentVariables", "/variable/import", calls.import_at_query)
    for operation_id, scope in _IMPORTS:
        path = f"/{scope.lower()}/{{{scope.id_argument}}}/environmentVariable/import"
        yield _import(operation_id, path, calls.import_at_path(scope), scope)
