"""An operation asks for one delivery, and once for each part of it."""

from typing import Final

import pytest

from tests.operations.delivering import asked, delivery_events
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPEATED: Final = {
    "under two names": "a: runtimeSecrets(serviceId: $id) { key } "
    "b: runtimeSecrets(serviceId: $id) { key }",
    "as a list and as a set": "runtimeSecrets(serviceId: $id) { key } "
    "delivery(serviceId: $id) { fingerprint }",
    "its list under two names": "delivery(serviceId: $id) "
    "{ secrets { key } again: secrets { key } }",
    "in a fragment": "runtimeSecrets(serviceId: $id) { key } ...F",
    "behind a directive": "runtimeSecrets(serviceId: $id) { key } "
    "b: runtimeSecrets(serviceId: $id) @skip(if: true) { key }",
    "its values under two names": "runtimeSecrets(serviceId: $id) { value again: value }",
    "its files under two names": "runtimeSecrets(serviceId: $id) "
    "{ file { content } ... on RuntimeSecret { again: file { content } } }",
    "its contents in fragments": "runtimeSecrets(serviceId: $id) { file { content ...C } }",
}
FRAGMENTS: Final = {
    "in a fragment": " fragment F on Query { b: runtimeSecrets(serviceId: $id) { key } }",
    "its contents in fragments": " fragment C on RuntimeFile { again: content }",
}


@pytest.mark.rule("S63")
@pytest.mark.parametrize("name", REPEATED)
async def test_a_document_asks_for_one_delivery_and_once_for_each_part(
    shared_world: World, fresh_job: str, name: str
) -> None:
    """Refused before anything runs."""
    document = f"query ($id: ID!) {{ {REPEATED[name]} }}{FRAGMENTS.get(name, '')}"

    answer = await asked(shared_world.client, fresh_job, document)

    assert answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "`runtimeSecrets`" in answer["errors"][0]["message"]
    assert "data" not in answer
    assert await delivery_events(shared_world, fresh_job) == 0


@pytest.mark.rule("S63")
@pytest.mark.parametrize(
    "selected",
    [
        "mine: runtimeSecrets(serviceId: $id) { name: key value }",
        "runtimeSecrets(serviceId: $id) { value ...F } ...G",
    ],
)
async def test_another_name_and_the_same_in_fragments_are_one_delivery(
    shared_world: World, fresh_job: str, selected: str
) -> None:
    """The control of the test above."""
    fragments = (
        " fragment F on RuntimeSecret { value }"
        " fragment G on Query { runtimeSecrets(serviceId: $id) { value } }"
    )
    document = f"query ($id: ID!) {{ {selected} }}"

    answer = await asked(
        shared_world.client, fresh_job, document + (fragments if "...F" in selected else "")
    )

    assert "errors" not in answer
    assert await delivery_events(shared_world, fresh_job) == 1
