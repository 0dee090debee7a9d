"""Whole answers, as they came over HTTP, made comparable."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import httpx

from gateway.domain.scopes import Scope

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z")

ExecutionResult = tuple[int, Mapping[str, str], str]
# Sends the creation of an alias: client, scope, holder's id, target's id.
Send = Callable[[httpx.AsyncClient, Scope, str, str], Awaitable[httpx.Response]]


def comparable(response: httpx.Response) -> ExecutionResult:
    """Return all of an answer, with every id and moment replaced."""
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    return response.status_code, headers, _MOMENT.sub("MOMENT", _ID.sub("ID", response.text))


async def rest_alias(
    client: httpx.AsyncClient, scope: Scope, holder_id: str, target_id: str
) -> httpx.Response:
    """Send the creation of an alias over REST."""
    path = f"/{scope.lower()}/{holder_id}/secret/{target_id}/alias"
    return await client.post(path, json={"key": "ALIAS"})


async def graphql_alias(
    client: httpx.AsyncClient, scope: Scope, holder_id: str, target_id: str
) -> httpx.Response:
    """Send the creation of an alias over GraphQL, and ask for all that its errors can tell."""
    document = f"""mutation ($holder: ID!, $target: ID!) {{
        create{scope.camel_name}SecretAlias(
            {scope.id_argument}: $holder, secretId: $target, input: {{ key: "ALIAS" }}
        ) {{
            secret {{ id }} holder {{ id }}
            errors {{
                __typename code message path
                ... on NotFoundError {{ missingId }}
                ... on ScopeViolationError {{ sourceScope targetScope }}
                ... on AliasOfAliasError {{ aliasedSecret {{ id key scope }} }}
                ... on SecretKeyConflictError {{ existing {{ id key scope }} }}
            }}
        }} }}"""
    variables = {"holder": holder_id, "target": target_id}
    return await client.post("/graphql", json={"query": document, "variables": variables})
