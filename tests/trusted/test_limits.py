"""Limits hold for trusted documents as for all others: what can be known before, at the start."""

from pathlib import Path
from typing import Final

import pytest

from gateway.graphql.limits import WORDS, Limit
from gateway.services.demo import Demo
from tests.trusted.conftest import Write
from tests.world import open_world

COSTLY: Final = """query Costly($first: Int!) {
    projects(first: $first) { edges { node { environments(first: $first) { edges { cursor } } } } }
}"""


@pytest.mark.rule("S24")
async def test_what_a_trusted_document_may_cost_depends_on_its_variables(
    template: tuple[Path, Demo], data_dir: Path, write: Write
) -> None:
    manifest = write({"costly": COSTLY})
    async with open_world(
        data_dir, template[1], trusted_documents=(manifest,), trusted_documents_only=True
    ) as world:
        cheap, dear = [
            (
                await world.client.post(
                    "/graphql", json={"id": "costly", "variables": {"first": first}}
                )
            ).json()
            for first in (2, 100)
        ]

    assert cheap["extensions"]["cost"]["requested"] == 2 + 2 * (1 + 2 + 2)
    assert "errors" not in cheap
    assert dear["extensions"]["cost"]["requested"] == 2 + 100 * (1 + 2 + 100)
    assert "errors" not in dear


@pytest.mark.rule("S24")
async def test_a_trusted_document_that_costs_too_much_is_refused(
    template: tuple[Path, Demo], data_dir: Path, write: Write
) -> None:
    manifest = write(
        {"costly": COSTLY.replace("{ cursor }", "{ cursor node { id name __typename } }")}
    )
    async with open_world(data_dir, template[1], trusted_documents=(manifest,)) as world:
        refused = await world.client.post(
            "/graphql", json={"id": "costly", "variables": {"first": 100}}
        )

    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["message"] == WORDS[Limit.COST].format("50,000")


@pytest.mark.rule("S25")
async def test_the_introspection_stays_off_for_trusted_documents(
    template: tuple[Path, Demo], data_dir: Path, write: Write
) -> None:
    manifest = write({"asking": "{ __schema { types { name } } }"})
    async with open_world(
        data_dir, template[1], trusted_documents=(manifest,), introspection=False
    ) as world:
        refused = await world.client.post("/graphql", json={"id": "asking"})

    assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
