"""Plans and the GraphQL library give the same answers to random documents."""

from typing import Any, Final

import pytest

from gateway.graphql import completion
from gateway.graphql.completion import Info, Values
from tests.plans.comparing import CheckedExecutor, UnequalAnswers, schema_with
from tests.plans.scene import Scene, Tally

pytestmark = pytest.mark.asyncio(loop_scope="module")

_DOCUMENTS: Final = 250
_list, _object = completion._list, completion._object  # noqa: SLF001 - what the controls break


async def test_random_documents_have_the_same_answers(scene: Scene) -> None:
    tally = Tally()
    CheckedExecutor.compared.clear()
    for seed in range(_DOCUMENTS):
        await scene.compare(seed, tally)
    assert set(tally.answers) == {
        (kind, failed) for kind in ("query", "mutation", "subscription") for failed in (True, False)
    }
    assert {"SecretConnection", "[SecretEdge!]", "Secret", "PageInfo", "SecretPayload"} < set(
        CheckedExecutor.compared
    )


def _reversed(complete: completion.Complete) -> completion.Complete:
    return lambda values, info: [[*items][::-1] for items in _list(complete)(values, info)]


def _unordered(kind: Any, fields: Any) -> completion.Complete:
    return _object(kind, dict(sorted(fields.items())))


def _careless(_: completion.Complete) -> completion.Complete:
    def complete(values: Values, _: Info) -> Values:
        return [None] * len(values)

    return complete


def _lower(text: str) -> completion.Complete:
    return lambda values, _: [text.lower()] * len(values)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("name", "broken"),
    [("_list", _reversed), ("_object", _unordered), ("_or_null", _careless), ("_constant", _lower)],
)
async def test_a_broken_plan_is_found(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str, broken: Any
) -> None:
    monkeypatch.setattr(completion, name, broken)
    schema_with.cache_clear()
    with pytest.raises(UnequalAnswers):
        await _compare_all(scene)
    schema_with.cache_clear()


async def _compare_all(scene: Scene) -> None:
    for seed in range(_DOCUMENTS):
        await scene.compare(seed, Tally())
