"""What plans do beside giving the library's answers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
import strawberry
from graphql import GraphQLObjectType
from sqlalchemy.pool import QueuePool
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.app import gateway_schema
from gateway.domain.holders import Holder
from gateway.domain.secrets import Secret as DomainSecret
from gateway.graphql import completion, plans
from gateway.graphql.completion import PURE
from gateway.graphql.plans import PlanCache, PlannedExecutor
from gateway.graphql.schema import CachedDocuments, ExecutableSchema
from gateway.services.execution import ExecutionResult
from schema.holders import Environment
from schema.payloads import SecretPayload
from schema.root import build_schema
from schema.secrets import Secret
from tests.audit.audit_log import events_of
from tests.plans.comparing import (
    WRONG_VALUES,
    CheckedExecutor,
    StockExecutor,
    UnequalAnswers,
    to_bytes,
)
from tests.plans.grammar import Request
from tests.plans.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LIST: Final = """
    query ($id: ID!, $with: Boolean!) { job(id: $id) { visibleSecrets { edges { node {
        id key scope variableType mountPath description ownedBy createdAt updatedAt version
        serviceName @include(if: $with)
        aliasedSecret { id key scope variableType }
    } } } } }
"""
_CREATE: Final = """
    mutation ($id: ID!) { createJobSecret(jobId: $id, input: {key: "ONCE", value: "v"}) {
        secret { id key } errors { message }
    } }
"""


def _request(scene: Scene, document: str, **variables: Any) -> Request:
    return Request(document, {"id": scene.territory.ids["jobId"], **variables})


def _nodes(answer: ExecutionResult) -> list[dict[str, Any]]:
    assert answer.data
    return [edge["node"] for edge in answer.data["job"]["visibleSecrets"]["edges"]]


async def test_a_list_of_secrets_is_completed_by_one_plan(scene: Scene) -> None:
    CheckedExecutor.compared.clear()
    answer = await scene.answer(
        CheckedExecutor, scene.principals[0], _request(scene, _LIST, **{"with": True})
    )
    assert _nodes(answer)
    assert dict(CheckedExecutor.compared) == {"SecretConnection": 1}


async def test_a_variable_of_a_directive_selects_other_fields(scene: Scene) -> None:
    answers = [
        await scene.answer(
            PlannedExecutor, scene.principals[0], _request(scene, _LIST, **{"with": value})
        )
        for value in (True, False, True)
    ]
    assert ["serviceName" in _nodes(answer)[0] for answer in answers] == [True, False, True]


async def test_a_mutation_whose_payload_fails_runs_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = SecretPayload.of

    def spoilt(*arguments: Any) -> SecretPayload:
        payload = usual(*arguments)
        payload.errors = None  # type: ignore[assignment] # what no payload has
        return payload

    monkeypatch.setattr(SecretPayload, "of", spoilt)
    answer = await scene.answer(PlannedExecutor, scene.principals[0], _request(scene, _CREATE))
    assert [error["path"] for error in answer.errors] == [["createJobSecret", "errors"]]
    events = [str(event) for event in await events_of(scene.world)]
    assert len([event for event in events if "ONCE" in event]) == 1


async def test_a_failed_field_leaves_no_view_open(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(holder: Holder) -> Environment:
        return Environment(source=holder, id=strawberry.ID(holder.id), name=None)  # type: ignore[arg-type] # what no holder has

    monkeypatch.setattr(Environment, "of", nameless)
    document = "query ($id: ID!) { environment(id: $id) { secrets { totalCount } name } }"
    request = _request(scene, document, id=scene.territory.ids["environmentId"])
    answer = await scene.answer(PlannedExecutor, scene.principals[0], request)
    assert answer.errors
    pool = scene.world.runtime.database.readers.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == 0


async def test_a_failed_field_stops_no_other_field(scene: Scene) -> None:
    document = """
        query ($id: ID!, $other: ID!) {
            failing: job(id: $id) { environment { name } secrets(first: 101) { totalCount } }
            other: container(id: $other) { environment { name } }
        }
    """
    request = _request(scene, document, other=scene.territory.ids["containerId"])
    answer = await scene.answer(PlannedExecutor, scene.principals[0], request)
    assert answer.data
    assert answer.data["failing"] is None
    assert answer.data["other"]["environment"]["name"]
    assert [error["path"] for error in answer.errors] == [["failing", "secrets"]]


@pytest.mark.parametrize("name", ["key", "scope", "created_at", "version", "mount_path"])
async def test_a_wrong_value_is_reported_as_the_library_does(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await _meet_wrong_values(scene, monkeypatch, name)


async def test_a_broken_plan_of_a_payload_is_found(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "_constant", lambda _: lambda values, _: ["x"] * len(values))
    monkeypatch.setattr(plans, "CACHE", PlanCache())
    document = _CREATE.replace("ONCE", "TWICE").replace("errors", "__typename errors")
    with pytest.raises(UnequalAnswers):
        await scene.checked_answer(scene.principals[0], _request(scene, document))


async def test_a_plan_that_takes_any_value_is_found(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    anything = dict.fromkeys(completion._UNCHANGED, lambda _: True)  # noqa: SLF001 - what the control breaks
    monkeypatch.setattr(completion, "_UNCHANGED", anything)
    monkeypatch.setattr(plans, "CACHE", PlanCache())
    with pytest.raises(UnequalAnswers):
        await _meet_wrong_values(scene, monkeypatch, "key")


async def _meet_wrong_values(scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    usual = Secret.of
    for wrong in WRONG_VALUES:

        def spoilt(secret: DomainSecret, wrong: Any = wrong) -> Secret:
            return usual(replace(secret, **{name: wrong}) if secret.key == "K_1" else secret)

        monkeypatch.setattr(Secret, "of", spoilt)
        request = _request(scene, _LIST, **{"with": True})
        await scene.equal_answer(scene.principals[0], request)


class _Fields(SchemaExtension):
    seen: list[str] = []  # noqa: RUF012 - of one test

    def resolve(self, _next: Any, root: Any, info: Any, *arguments: Any, **named: Any) -> Any:
        self.seen.append(info.field_name)
        return _next(root, info, *arguments, **named)


async def test_an_extension_that_resolves_sees_every_field(scene: Scene) -> None:
    schema = build_schema(ExecutableSchema, [CachedDocuments, _Fields])
    request = _request(scene, _LIST, **{"with": True})
    answer = await scene.answer(schema, scene.principals[0], request)
    assert _Fields.seen.count("createdAt") == len(_nodes(answer))


async def test_a_guard_around_a_resolver_is_asked(scene: Scene) -> None:
    schema = build_schema(ExecutableSchema, [CachedDocuments])
    kind = schema.types.type_map["Secret"]
    assert isinstance(kind, GraphQLObjectType)
    kind.fields["createdAt"].resolve = lambda *_: None
    answer = await scene.answer(
        schema, scene.principals[0], _request(scene, _LIST, **{"with": True})
    )
    assert {error["path"][-1] for error in answer.errors} == {"createdAt"}


@pytest.mark.parametrize(
    "selected",
    [
        "totalCount @skip(if: $a)",
        "nodes { id @include(if: $a) }",
        "... @skip(if: $a) { totalCount }",
    ],
)
async def test_a_null_that_a_directive_does_not_take_is_the_same_error(
    scene: Scene, selected: str
) -> None:
    """Below the root, where plans begin; after an answer whose plan was kept."""
    document = f"query ($a: Boolean = true) {{ projects {{ id: __typename {selected} }} }}"
    usual = await scene.equal_answer(scene.principals[0], Request(document, {}))

    answer = await scene.equal_answer(scene.principals[0], Request(document, {"a": None}))

    (error,) = answer.errors
    assert usual.data
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "variable": "a"}
    assert error["message"] == "Variable '$a' must not be null here."


@pytest.mark.parametrize("document", ["{ __typename }", "{ __schema { types { name kind } } }"])
async def test_what_has_no_plan_is_completed_by_the_library(scene: Scene, document: str) -> None:
    planned, stock = [
        await scene.answer(executor, scene.principals[0], Request(document, {}))
        for executor in (PlannedExecutor, StockExecutor)
    ]
    assert to_bytes(planned) == to_bytes(stock)
    assert planned.data


def _resolvers() -> Iterator[tuple[str, Any]]:
    for kind in gateway_schema().types.type_map.values():
        if isinstance(kind, GraphQLObjectType) and kind.extensions and kind.name != "Subscription":
            for name, field in kind.fields.items():
                definition = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
                if definition.base_resolver is not None:
                    yield f"{kind.name}.{name}", definition


async def test_what_is_pure_takes_no_arguments_and_waits_for_nothing() -> None:
    found = {name: field for name, field in _resolvers() if field.metadata.get(PURE)}
    assert "Secret.aliasedSecret" in found
    assert not [name for name, field in found.items() if field.is_async or field.arguments]


async def test_every_synchronous_resolver_is_declared_pure() -> None:
    synchronous = {name: field for name, field in _resolvers() if not field.is_async}
    assert not [name for name, field in synchronous.items() if not field.metadata.get(PURE)]


async def test_plans_of_old_operations_are_dropped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = PlanCache(size=2)
    monkeypatch.setattr(plans, "CACHE", cache)
    for number in range(4):
        document = f"query Q{number} {{ projects {{ pageInfo {{ hasNextPage }} }} }}"
        await scene.answer(PlannedExecutor, scene.principals[0], Request(document, {}))
    assert len(cache) == 2
