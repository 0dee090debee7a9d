"""A service with many values, and what it gets."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from tests.patience import PATIENCE
from tests.world import World

DOCUMENT: Final = """query ($id: ID!) {
    runtimeSecrets(serviceId: $id) { key value file { mountPath content } } }"""
_BODY: Final = 800 * 1024
_ROWS: Final = 1_000


def _bodies(values: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    size = 0
    for key, value in values.items():
        if size + len(value) > _BODY or len(rows) == _ROWS:
            yield rows
            rows, size = [], 0
        rows.append({"name": key, "value": value, "scope": "JOB", "is_secret": True})
        size += len(value) + 100
    yield rows


async def fill(client: httpx.AsyncClient, job_id: str, values: Mapping[str, str]) -> None:
    """Give a job these values by its import."""
    for rows in _bodies(values):
        filled = await client.post(
            "/variable/import",
            params={"service_id": job_id, "service_type": "JOB"},
            json={"overwrite": True, "vars": rows},
            timeout=PATIENCE,
        )
        assert filled.json()["successful_imported_variables"], filled.text


async def asked(client: httpx.AsyncClient, job_id: str, document: str = DOCUMENT) -> Any:
    """Return the answer to a document about a service."""
    sent = {"query": document, "variables": {"id": job_id}}
    response = await client.post("/graphql", json=sent, timeout=PATIENCE)
    assert response.status_code in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    return response.json()


async def delivery_events(world: World, job_id: str) -> int:
    """Return how many deliveries to the job are on record."""
    events = await world.graphql.ask(
        """query ($id: ID!) { auditEvents(filter: {
            holderId: $id, actions: [VALUES_DELIVERED] }) { totalCount } }""",
        {"id": job_id},
    )
    count: int = events["auditEvents"]["totalCount"]
    return count


async def delivered(world: World, service_id: str) -> dict[str, str]:
    """Return what a service gets, by key."""
    found = await world.graphql.ask(DOCUMENT, {"id": service_id})
    return {each["key"]: each["value"] for each in found["runtimeSecrets"]}
