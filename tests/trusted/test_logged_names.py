"""In the log a trusted document has its own name, which the operator has installed."""

import json
from typing import Any

import pytest

from gateway.config.types import LogFormat
from tests.operations.canaries import all_logs
from tests.trusted.conftest import MANIFESTS, id_in
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"documentId": id_in(MANIFESTS["apollo"], of="query Projects")}, "Projects"),
        ({"query": "query Named { projects(first: 1) { totalCount } }"}, "projects"),
    ],
    ids=["trusted", "from the client"],
)
async def test_only_a_trusted_document_is_named_by_its_operation(
    trusting: World, body: dict[str, Any], name: str
) -> None:
    with all_logs(LogFormat.JSON) as logs:
        await trusting.client.post("/graphql", json={**body, "variables": {"first": 1}})

    (line,) = [line for line in map(json.loads, logs.getvalue().splitlines()) if "route" in line]
    assert line["operation"] == name
    assert line["code"] == "OK"
