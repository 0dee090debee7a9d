"""Ten thousand random documents have the same answers by plans and by the GraphQL library."""

import gc
from typing import Final

import pytest

from tests.plans.conftest import scene, shared_world
from tests.plans.scene import Scene, Tally

__all__ = ["scene", "shared_world"]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(7_200)]
# Other documents than the usual tests compare.
_FIRST: Final = 100_000
_DOCUMENTS: Final = 10_000
# Tests collect garbage so seldom that documents which the caches dropped would fill the memory.
_BETWEEN_COLLECTIONS: Final = 250


async def test_random_documents_have_the_same_answers(scene: Scene) -> None:
    tally = Tally()
    for seed in range(_FIRST, _FIRST + _DOCUMENTS):
        await scene.compare(seed, tally)
        if seed % _BETWEEN_COLLECTIONS == 0:
            gc.collect()
    assert sum(tally.answers.values()) == _DOCUMENTS
