"""The two faces of the gateway behind one set of methods: behaviour is tested once, on both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol

import httpx

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.http.problems import STATUSES
from gateway.rest.documents import SECRET_FRAGMENT

Row = Mapping[str, Any]

_REFUSAL = """
fragment Refusal on MutationError {
  code message
  ... on SecretKeyConflictError {
    existing { id key scope organizationId projectId environmentId serviceId }
  }
}
"""
_EXISTING_NAMES = {
    "organizationId": "organization_id",
    "projectId": "project_id",
    "environmentId": "environment_id",
    "serviceId": "service_id",
}
_GRAPHQL_NAMES = {
    "mount_path": "mountPath",
    "enable_interpolation_in_file": "enableInterpolationInFile",
}
_LEGACY_NAMES = {"aliased_variable": "aliased_secret", "overridden_variable": "overridden_secret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a face answered: a row, or a code with its HTTP status and its words."""

    row: Row = field(default_factory=dict)
    code: ErrorCode | None = None
    status: HTTPStatus
    detail: str = ""
    existing: Row | None = None


class Face(Protocol):
    """What can be done on either face. Rows have the wire's names; what is null is left out."""

    async def create(self, scope: Scope, holder_id: str, **fields: Any) -> Outcome:
        """Create a VALUE or a FILE."""

    async def alias(self, scope: Scope, holder_id: str, target_id: str, **fields: Any) -> Outcome:
        """Create an alias."""

    async def override(
        self, scope: Scope, holder_id: str, target_id: str, **fields: Any
    ) -> Outcome:
        """Create an override."""

    async def edit(self, scope: Scope, holder_id: str, secret_id: str, **fields: Any) -> Outcome:
        """Change what is defined at a holder."""

    async def delete(self, scope: Scope, holder_id: str, secret_id: str) -> Outcome:
        """Delete what is defined at a holder."""

    async def visible(self, scope: Scope, holder_id: str) -> list[Row]:
        """List all that the holder sees."""


class RestFace:
    """The original paths; for the kinds that have none, the `/variable` family."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def create(self, scope: Scope, holder_id: str, **fields: Any) -> Outcome:
        if scope in LEGACY_SCOPES:
            return await self._send("POST", _path(scope, holder_id), fields)
        body = {"value": "", **fields, "is_secret": True}
        return await self._send("POST", "/variable", body | _named("variable", scope, holder_id))

    async def alias(self, scope: Scope, holder_id: str, target_id: str, **fields: Any) -> Outcome:
        if scope in LEGACY_SCOPES:
            return await self._send("POST", f"{_path(scope, holder_id)}/{target_id}/alias", fields)
        body = fields | _named("alias", scope, holder_id)
        return await self._send("POST", f"/variable/{target_id}/alias", body)

    async def override(
        self, scope: Scope, holder_id: str, target_id: str, **fields: Any
    ) -> Outcome:
        if scope in LEGACY_SCOPES:
            path = f"{_path(scope, holder_id)}/{target_id}/override"
            return await self._send("POST", path, fields)
        body = {"value": "", **fields} | _named("override", scope, holder_id)
        return await self._send("POST", f"/variable/{target_id}/override", body)

    async def edit(self, scope: Scope, holder_id: str, secret_id: str, **fields: Any) -> Outcome:
        return await self._send("PUT", _secret_path(scope, holder_id, secret_id), fields)

    async def delete(self, scope: Scope, holder_id: str, secret_id: str) -> Outcome:
        return await self._send("DELETE", _secret_path(scope, holder_id, secret_id), None)

    async def visible(self, scope: Scope, holder_id: str) -> list[Row]:
        path = _path(scope, holder_id)
        if scope not in LEGACY_SCOPES:
            path = f"/variable?parent_id={holder_id}&scope={scope}"
        response = await self._client.get(path)
        assert response.status_code == HTTPStatus.OK, response.text
        return [_legacy(row) for row in response.json()["results"]]

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Outcome:
        response = await self._client.request(method, path, json=body)
        status = HTTPStatus(response.status_code)
        if response.is_success:
            return Outcome(row=_legacy(response.json()) if response.content else {}, status=status)
        result = response.json()
        assert result["status"] == status
        return Outcome(
            code=ErrorCode(result["code"]),
            status=status,
            detail=result["detail"],
            existing=result.get("existing_variable"),
        )


def _path(scope: Scope, holder_id: str) -> str:
    return f"/{scope.lower()}/{holder_id}/secret"


def _secret_path(scope: Scope, holder_id: str, secret_id: str) -> str:
    is_legacy = scope in LEGACY_SCOPES
    return f"{_path(scope, holder_id)}/{secret_id}" if is_legacy else f"/variable/{secret_id}"


def _named(prefix: str, scope: Scope, holder_id: str) -> dict[str, str]:
    return {f"{prefix}_scope": scope, f"{prefix}_parent_id": holder_id}


def _legacy(row: Mapping[str, Any]) -> Row:
    # A `VariableResponse` says the same under other names, and has the path at the top too.
    named = {_LEGACY_NAMES.get(name, name): value for name, value in row.items()}
    return _without_nulls(
        {name: value for name, value in named.items() if name not in {"is_secret", "mount_path"}}
    )


class GraphQLFace:
    """The schema's named mutations where there are some, the generic ones elsewhere."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def create(self, scope: Scope, holder_id: str, **fields: Any) -> Outcome:
        return await self._mutate("create{}Secret", "SecretInput", scope, holder_id, fields=fields)

    async def alias(self, scope: Scope, holder_id: str, target_id: str, **fields: Any) -> Outcome:
        return await self._mutate(
            "create{}SecretAlias",
            "SecretAliasInput",
            scope,
            holder_id,
            fields=fields,
            secret_id=target_id,
        )

    async def override(
        self, scope: Scope, holder_id: str, target_id: str, **fields: Any
    ) -> Outcome:
        return await self._mutate(
            "create{}SecretOverride",
            "SecretOverrideInput",
            scope,
            holder_id,
            fields=fields,
            secret_id=target_id,
        )

    async def edit(self, scope: Scope, holder_id: str, secret_id: str, **fields: Any) -> Outcome:
        return await self._mutate(
            "edit{}Secret", "SecretEditInput", scope, holder_id, fields=fields, secret_id=secret_id
        )

    async def delete(self, scope: Scope, holder_id: str, secret_id: str) -> Outcome:
        return await self._mutate("delete{}Secret", None, scope, holder_id, secret_id=secret_id)

    async def visible(self, scope: Scope, holder_id: str) -> list[Row]:
        rows: list[Row] = []
        after, has_more = None, True
        while has_more:
            data = await self.ask(
                f"""query ($id: ID!, $after: String) {{ {scope.field_name}(id: $id) {{
                    visibleSecrets(first: 3, after: $after) {{
                        edges {{ node {{ ...Fields }} }} pageInfo {{ hasNextPage endCursor }}
                }} }} }} {SECRET_FRAGMENT}""",
                {"id": holder_id, "after": after},
            )
            page = data[scope.field_name]["visibleSecrets"]
            rows += [_without_nulls(edge["node"]) for edge in page["edges"]]
            after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        return rows

    async def ask(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run a document that is to succeed and return its data."""
        answer = await self._post(document, variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def _mutate(
        self,
        pattern: str,
        input_type: str | None,
        scope: Scope,
        holder_id: str,
        *,
        fields: Mapping[str, Any] = MappingProxyType({}),
        secret_id: str | None = None,
    ) -> Outcome:
        is_legacy = scope in LEGACY_SCOPES
        name = pattern.format(scope.camel_name if is_legacy else "")
        arguments: dict[str, tuple[str, Any]] = {}
        if is_legacy:
            arguments[scope.id_argument] = ("ID!", holder_id)
        elif not name.startswith(("edit", "delete")):
            arguments["holder"] = ("SecretHolderRef!", {scope.id_argument: holder_id})
        if secret_id is not None:
            arguments["secretId"] = ("ID!", secret_id)
        if name == "deleteSecret":
            arguments["withDependents"] = ("Boolean", True)
        if input_type is not None:
            named = {_GRAPHQL_NAMES.get(name, name): value for name, value in fields.items()}
            arguments["input"] = (f"{input_type}!", named)
        return _outcome(await self._post(_mutation(name, arguments, input_type), _sent(arguments)))

    async def _post(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        response = await self._client.post(
            "/graphql", json={"query": document, "variables": variables}
        )
        answer: dict[str, Any] = response.json()
        return answer


def _mutation(name: str, arguments: Mapping[str, tuple[str, Any]], input_type: str | None) -> str:
    declared = ", ".join(f"${argument}: {kind}" for argument, (kind, _) in arguments.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in arguments)
    selected = "deletedSecretIds" if input_type is None else "secret { ...Fields }"
    row = "" if input_type is None else SECRET_FRAGMENT
    return f"""mutation ({declared}) {{
        payload: {name}({passed}) {{ {selected} errors {{ ...Refusal }} }}
    }} {row} {_REFUSAL}"""


def _sent(arguments: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    return {argument: value for argument, (_, value) in arguments.items()}


def _outcome(answer: Mapping[str, Any]) -> Outcome:
    if "errors" in answer:
        error = answer["errors"][0]
        code = ErrorCode(error["extensions"]["code"])
        return Outcome(code=code, status=STATUSES[code], detail=error["message"])
    payload = answer["data"]["payload"]
    if not payload["errors"]:
        return Outcome(row=_without_nulls(payload.get("secret") or {}), status=HTTPStatus.OK)
    error = payload["errors"][0]
    code = ErrorCode(error["code"])
    return Outcome(
        code=code,
        status=STATUSES[code],
        detail=error["message"],
        existing=_existing(error.get("existing")),
    )


def _existing(found: Mapping[str, Any] | None) -> Row | None:
    return (
        {_EXISTING_NAMES.get(name, name): value for name, value in found.items()} if found else None
    )


def _without_nulls(row: Mapping[str, Any]) -> Row:
    # REST writes "" where GraphQL has null (rule W1); the tests of W1 look at the raw answers.
    return {
        name: _without_nulls(value) if isinstance(value, Mapping) else value
        for name, value in row.items()
        if value not in (None, "")
    }
