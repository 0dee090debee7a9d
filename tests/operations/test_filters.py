"""Which of a holder's secrets are wanted, and what only looks like a pattern."""

from collections.abc import Mapping

import pytest
import pytest_asyncio

from gateway.domain.scopes import Scope
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = """query ($id: ID!, $filter: SecretFilter) {
    job(id: $id) { secrets(filter: $filter) { edges { node { key } } totalCount } }
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def job_id(shared_world: World, fresh_job: str) -> str:
    """A job with secrets of several kinds, whose keys look alike."""
    rest, target_id = shared_world.rest, shared_world.demo.built_in_secret_id
    await rest.create(Scope.JOB, fresh_job, key="AB_1", mount_path="/etc/ab")
    await rest.create(Scope.JOB, fresh_job, key="ABC1")
    await rest.create(Scope.JOB, fresh_job, key="ab_1")
    await rest.alias(Scope.JOB, fresh_job, target_id, key="A")
    return fresh_job


@pytest.mark.rule("S44")
@pytest.mark.parametrize(
    ("only", "keys"),
    [
        ({}, ["A", "ABC1", "AB_1", "ab_1"]),
        ({"keyPrefix": None, "keys": None}, ["A", "ABC1", "AB_1", "ab_1"]),
        ({"keyPrefix": ""}, ["A", "ABC1", "AB_1", "ab_1"]),
        ({"keyPrefix": "AB"}, ["ABC1", "AB_1"]),
        ({"keyPrefix": "ab"}, ["ab_1"]),
        ({"keyPrefix": "B"}, []),
        ({"keyPrefix": "AB_"}, ["AB_1"]),
        ({"keyPrefix": "A%"}, []),
        ({"keyPrefix": "A\\"}, []),
        ({"keyPrefix": "AB_1 OR 1=1"}, []),
        ({"keyPrefix": "A' OR '1'='1"}, []),
        ({"keyPrefix": "A') UNION SELECT digest FROM api_token --"}, []),
        ({"keyPrefix": "A'; DROP TABLE secret; --"}, []),
        ({"keys": ["A' OR '1'='1", 'A" OR ""="', "ABC1"]}, ["ABC1"]),
        ({"keys": []}, []),
        ({"keys": ["A", "AB_1", "unknown"]}, ["A", "AB_1"]),
        ({"keys": ["a"]}, []),
        ({"scopes": ["JOB"]}, ["A", "ABC1", "AB_1", "ab_1"]),
        ({"scopes": ["PROJECT"]}, []),
        ({"variableTypes": ["FILE", "ALIAS"]}, ["A", "AB_1"]),
        ({"variableTypes": ["VALUE"], "keyPrefix": "A"}, ["ABC1"]),
    ],
    ids=str,
)
async def test_only_what_matches_every_field_is_found(
    shared_world: World, job_id: str, only: Mapping[str, object], keys: list[str]
) -> None:
    found = await shared_world.graphql.ask(LIST, {"id": job_id, "filter": only})

    page = found["job"]["secrets"]
    assert [edge["node"]["key"] for edge in page["edges"]] == keys
    assert page["totalCount"] == len(keys)
