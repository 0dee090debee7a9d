"""The requests that are measured, as data: the same ones for all servers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle
from types import MappingProxyType
from typing import Any, Final, Self

from tests.benchmarks.samples import Chain, Samples

# In a body, what differs each time: no two aliases of a job have the same key.
EACH: Final = "@@"

TYPENAME: Final = "query Typename { __typename }"
READ: Final = """
query Read($id: ID!) { job(id: $id) { visibleSecrets(first: 50) { edges { node {
  id key scope variableType mountPath description ownedBy createdAt updatedAt version
  aliasedSecret { id key scope }
} } } } }"""
ALIAS: Final = """
mutation Alias($job: ID!, $secret: ID!, $key: String!) {
  createJobSecretAlias(jobId: $job, secretId: $secret, input: {key: $key}) {
    secret { id key scope variableType aliasedSecret { id key scope } }
    errors { code message }
  }
}"""
DELIVERY: Final = "query Delivery($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
EFFECTIVE: Final = """
query Effective($id: ID!) { job(id: $id) { effectiveSecrets(first: 100) { edges { node {
  key provenance secret { id version }
} } } } }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, or a kind of requests whose bodies differ where `EACH` is."""

    method: str
    path: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    status: int = 200

    def with_header(self, name: str, text: str) -> Self:
        return replace(self, headers={**self.headers, name: text})

    def with_status(self, status: int) -> Self:
        return replace(self, status=status)

    def parts(self, run: str) -> tuple[str, str | None]:
        """Return the body before and after what differs each time; None if nothing does.

        What differs begins with the name of the run and ends with a number that is added.
        """
        before, each, after = (self.body or "").partition(EACH)
        return (f"{before}{run}_", after) if each else (before, None)


def graphql(token: str, document: str, **variables: str) -> Request:
    """Return a request of a document; its operation's name is sent as well."""
    body: dict[str, Any] = {
        "operationName": document.split(maxsplit=2)[1].partition("(")[0],
        "query": document,
        "variables": variables,
    }
    return Request(
        method="POST",
        path="/graphql",
        body=json.dumps(body),
        headers=_headers(token),
    )


def rest(token: str, method: str, path: str, *, status: int = 200, **body: str) -> Request:
    return Request(
        method=method,
        path=path,
        body=json.dumps(body) if body else None,
        headers=_headers(token),
        status=status,
    )


def _headers(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def read(samples: Samples) -> Request:
    return graphql(samples.token, READ, id=samples.read.job_id)


def read_by_rest(samples: Samples) -> Request:
    return rest(samples.token, "GET", f"/job/{samples.read.job_id}/secret")


def aliases(samples: Samples) -> tuple[Request, ...]:
    """Return a request for an alias of each job that is written to."""
    return tuple(
        graphql(samples.token, ALIAS, job=job, secret=target, key=f"ALIAS_{EACH}")
        for job, target in _written(samples)
    )


def aliases_by_rest(samples: Samples) -> tuple[Request, ...]:
    """Return the same as requests of the REST API."""
    paths = (f"/job/{job}/secret/{target}/alias" for job, target in _written(samples))
    return tuple(
        rest(samples.token, "POST", path, status=201, key=f"ALIAS_{EACH}") for path in paths
    )


def _written(samples: Samples) -> Iterator[tuple[str, str]]:
    return zip(samples.written_jobs, cycle(samples.written.target_ids), strict=False)


def delivery(samples: Samples, chain: Chain) -> Request:
    return graphql(samples.token, DELIVERY, id=chain.job_id)


def effective(samples: Samples) -> Request:
    return graphql(samples.token, EFFECTIVE, id=samples.delivered_300.job_id)


def typename(samples: Samples) -> Request:
    return graphql(samples.token, TYPENAME)
