"""The text that `secrets-gateway demo` prints: the token, the address, and calls to paste."""

import json
from collections.abc import Sequence
from typing import Final

from gateway.services.demo import Demo

_MUTATION: Final = (
    "mutation ($jobId: ID!, $secretId: ID!, $key: String!) { createJobSecretAlias(jobId: $jobId, "
    "secretId: $secretId, input: {key: $key}) { secret { id key scope "
    "aliasedSecret { key scope } } errors { code message path } } }"
)


def showcase(demo: Demo, *, address: str, keys: Sequence[str]) -> str:
    """Return the text. `address` is the server's; `keys` are two unused keys."""
    graphql_key, rest_key = keys
    return f"""
  The demo is ready. Its token, for 30 days:

      {demo.token}

  GraphiQL   {address}/graphiql?serviceId={demo.job_id}
  Map        {address}/map/{demo.job_id}

  An alias over GraphQL: the job gets its database's password under a name of its own.

{_graphql_call(demo, address, graphql_key)}

  The same over the original REST path:

{_rest_call(demo, address, rest_key)}
"""


def _graphql_call(demo: Demo, address: str, key: str) -> str:
    variables = {"jobId": demo.job_id, "secretId": demo.built_in_secret_id, "key": key}
    body = json.dumps({"query": _MUTATION, "variables": variables})
    return _curl(f"{address}/graphql", f"Bearer {demo.token}", body)


def _rest_call(demo: Demo, address: str, key: str) -> str:
    path = f"/job/{demo.job_id}/secret/{demo.built_in_secret_id}/alias"
    return _curl(f"{address}{path}", f"Token {demo.token}", json.dumps({"key": key}))


def _curl(url: str, authorization: str, body: str) -> str:
    return (
        f"curl -sS '{url}' \\\n"
        f"  -H 'Authorization: {authorization}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'"
    )
