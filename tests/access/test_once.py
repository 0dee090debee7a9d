"""Each operation that changes something happens once under an idempotency key.

The mutations come from the schema and the rows from the REST table: a new one is sent here without
a further line, and fails if it does not take the key.
"""

import json
import sqlite3
from contextlib import closing
from http import HTTPMethod, HTTPStatus
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from graphql import get_named_type

from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.rest.operation import Action
from tests.access.operations import Operation, graphql_operations, rest_calls
from tests.access.territories import Territory, settle_territory
from tests.contracts.test_preconditions import CHANGED, WRONG
from tests.contracts.walking import mutations
from tests.operations.test_dry_run import SELECTIONS
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

WITH_IDS: Final = {
    graphql_operation.name: graphql_operation
    for graphql_operation in graphql_operations()
    if graphql_operation.kind == "mutation"
}
CALLS: Final = {
    rest_call.row.operation_id: rest_call
    for rest_call in rest_calls()
    if rest_call.row.method is not HTTPMethod.GET
}
# An import at a path takes rows of that scope.
IMPORTS: Final = {
    name: value.row.scope or Scope.JOB
    for name, value in CALLS.items()
    if value.row.action is Action.IMPORT
}
# Nothing is above a project, so nothing can be overridden there.
REFUSED: Final = {"createProjectSecretOverride"}
TAKING_AWAY: Final = ("delete", "revoke", "remove")
Request = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(shared_world: World) -> Territory:
    """One of everything, for operations that leave it there for others."""
    operator = Principal.operator(shared_world.demo.organization_id)
    return await settle_territory(shared_world, operator, "shared")


@pytest_asyncio.fixture(loop_scope="module")
async def territory(shared_world: World, shared: Territory, name: str) -> Territory:
    """One of everything, for one operation, where it takes something away."""
    if not name.startswith(TAKING_AWAY) and not name.endswith("Override"):
        return shared
    operator = Principal.operator(shared_world.demo.organization_id)
    return await settle_territory(shared_world, operator, f"own_{new_id()[:8]}")


def _events(world: World) -> int:
    database = world.runtime.settings.data_dir / "secrets.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        count: int = connection.execute("SELECT count(*) FROM audit_event").fetchone()[0]
        return count


def _mutation(territory: Territory, name: str, **options: object) -> Request:
    """Return the request of a mutation with all that it needs, a text of its own, and terms."""
    operation = WITH_IDS.get(name, Operation("mutation", name, ("name",)))
    chosen = operation.own(territory) if name in WITH_IDS else ""
    needed: dict[str, dict[str, object]] = {
        "deleteHolder": {"withContent": True},
        "createSecretOverride": {"holder": {"jobId": territory.ids["jobId"]}},
    }
    body = operation.request(
        territory.ids,
        chosen,
        options={"dryRun": False, **needed.get(name, {}), **options},
        selected=SELECTIONS[str(get_named_type(mutations()[name].type))],
    )
    own = json.dumps(body).replace("SOME_TEXT", f"TEXT_{name}")
    return {"method": "POST", "url": "/graphql", "json": json.loads(own)}


def _call(territory: Territory, name: str, **headers: str) -> Request:
    """Return the request to a row with all that it needs, a key of its own, and headers."""
    call = CALLS[name]
    ids = call.ids(territory)
    request = call.request(ids, ids[call.wanted])
    own = json.dumps(request).replace("SOME_KEY", f"KEY_{name}")
    if name in IMPORTS:
        own = own.replace('"scope": "JOB"', f'"scope": "{IMPORTS[name]}"')
    return {**json.loads(own), "headers": headers}


def _answer_of(response: httpx.Response) -> tuple[int, str | None, str]:
    return response.status_code, response.headers.get("ETag"), response.text


async def _send_twice(world: World, request: Request) -> tuple[list[Any], list[int]]:
    """Return the two answers, and how many changes each request made."""
    before = _events(world)
    first = await world.client.request(**request)
    between = _events(world)
    second = await world.client.request(**request)
    return [_answer_of(first), _answer_of(second)], [between - before, _events(world) - between]


async def _code_of_another(world: World, key: str) -> list[str]:
    another = """mutation ($key: String!) {
        payload: createProject(name: "another", idempotencyKey: $key) { errors { code } } }"""
    payload = (await world.graphql.ask(another, {"key": key}))["payload"]
    return [error["code"] for error in payload["errors"]]


@pytest.mark.rule("H2")
@pytest.mark.parametrize("name", sorted(set(mutations()) - {"createApiToken", *REFUSED}))
async def test_each_mutation_happens_once(
    shared_world: World, territory: Territory, name: str
) -> None:
    request = _mutation(territory, name, idempotencyKey=f"once-{name}")

    answers, changes = await _send_twice(shared_world, request)

    assert answers[0] == answers[1]
    assert '"errors":[]' in answers[0][2]
    assert changes[0] > 0
    assert changes[1] == 0
    assert await _code_of_another(shared_world, f"once-{name}") == ["IDEMPOTENCY_CONFLICT"]


@pytest.mark.rule("H2")
@pytest.mark.parametrize("name", sorted(set(CALLS) - REFUSED))
async def test_each_row_happens_once(shared_world: World, territory: Territory, name: str) -> None:
    request = _call(territory, name, **{"Idempotency-Key": f"rest-{name}"})

    answers, changes = await _send_twice(shared_world, request)

    assert answers[0] == answers[1]
    assert answers[0][0] == CALLS[name].row.status
    assert changes[0] > 0
    assert changes[1] == 0
    assert await _code_of_another(shared_world, f"rest-{name}") == ["IDEMPOTENCY_CONFLICT"]


@pytest.mark.parametrize("name", ["rotateProvidedSecret", "editSecret"])
async def test_without_a_key_it_happens_again(
    shared_world: World, shared: Territory, name: str
) -> None:
    """The control of the tests above."""
    request = _mutation(shared, name)

    answers, changes = await _send_twice(shared_world, request)

    assert answers[0] != answers[1]
    assert changes[1] > 0


@pytest.mark.rule("H2")
async def test_a_repeated_creation_of_a_token_shows_its_text_no_second_time(
    shared_world: World, shared: Territory
) -> None:
    """One token, whose text is in the first answer alone."""
    document = """mutation ($holder: SecretHolderRef) { payload: createApiToken(
        name: "ci", role: VIEWER, holder: $holder, days: 7, idempotencyKey: "token"
    ) { token apiToken { id expiresAt } grant { id } errors { __typename code path } } }"""
    sent = {"holder": {"jobId": shared.ids["jobId"]}}
    before = _events(shared_world)
    first = (await shared_world.graphql.ask(document, sent))["payload"]
    made = _events(shared_world)

    again = (await shared_world.graphql.ask(document, sent))["payload"]

    assert first["token"].startswith("sgw_")
    assert first["errors"] == []
    assert again["token"] is None
    assert (again["apiToken"], again["grant"]) == (first["apiToken"], first["grant"])
    assert again["errors"] == [
        {
            "__typename": "ConflictError",
            "code": "TOKEN_ALREADY_SHOWN",
            "path": ["idempotencyKey"],
        }
    ]
    assert made > before
    assert _events(shared_world) == made
    assert (await shared_world.client_for(first["token"]).get("/schema.graphql")).is_success


@pytest.mark.rule("H2")
@pytest.mark.parametrize("name", CHANGED)
async def test_each_change_looks_at_its_precondition(
    shared_world: World, shared: Territory, name: str
) -> None:
    """With a wrong one, nothing changes."""
    wrong = {item: WRONG[item] for item in WRONG if item in mutations()[name].args}
    before = _events(shared_world)

    refused = await shared_world.client.request(**_mutation(shared, name, **wrong))

    assert '"code":"VERSION_CONFLICT"' in refused.text
    assert _events(shared_world) == before


@pytest.mark.rule("H1")
@pytest.mark.parametrize(
    "name", [item for item in CALLS if CALLS[item].row.method is not HTTPMethod.POST]
)
async def test_each_row_that_changes_looks_at_if_match(
    shared_world: World, shared: Territory, name: str
) -> None:
    """412, and nothing changes."""
    before = _events(shared_world)

    refused = await shared_world.client.request(
        **_call(shared, name, **{"If-Match": '"0123456789abcdef0123456789abcdef"'})
    )

    assert refused.status_code == HTTPStatus.PRECONDITION_FAILED
    assert refused.json()["code"] == "VERSION_CONFLICT"
    assert _events(shared_world) == before
