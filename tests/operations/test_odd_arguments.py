"""Arguments that JSON can carry and nothing can mean are refused or found nowhere."""

import pytest

from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("C8", "S43")]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1.5"])
async def test_a_page_of_no_size_is_bad_input(shared_world: World, number: str) -> None:
    document = "query ($n: Int) { projects(first: $n) { edges { node { id } } } }"
    content = f'{{"query": "{document}", "variables": {{"n": {number}}}}}'

    answer = await shared_world.client.post(
        "/graphql", content=content, headers={"Content-Type": "application/json"}
    )

    codes = [error["extensions"]["code"] for error in answer.json()["errors"]]
    assert codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("kind", ["tokenId", "userId"])
@pytest.mark.parametrize("wanted", ["\\ud800", "nobody", ""])
async def test_an_id_that_nobody_has_has_no_grants(
    shared_world: World, kind: str, wanted: str
) -> None:
    document = f"query ($id: ID!) {{ grants(grantee: {{{kind}: $id}}) {{ totalCount }} }}"
    content = f'{{"query": "{document}", "variables": {{"id": "{wanted}"}}}}'

    answer = await shared_world.client.post(
        "/graphql", content=content, headers={"Content-Type": "application/json"}
    )

    assert answer.json()["data"] == {"grants": {"totalCount": 0}}
