"""What a refusal tells: no guess at what was meant, no echo of what was given."""

import json
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate
from graphql.pyutils import suggestion_list
from graphql.validation.rules import known_argument_names
from structlog.testing import capture_logs

from gateway.app import build_app, gateway_schema
from gateway.domain.errors import ErrorCode
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from tests.operations.canaries import is_traced, new_canary
from tests.patience import patient_settings
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALMOST = {
    "a field": "{ projets { totalCount } }",
    "a field of a type": "{ projects { totalCoun } }",
    "a field of another type": '{ node(id: "x") { key } }',
    "an argument": "{ projects(firs: 1) { totalCount } }",
    "an argument of a directive": "{ __typename @include(iff: true) }",
    "a type": '{ node(id: "x") { ... on Jobb { id } } }',
    "a type of a variable": "query ($a: Strin) { __typename }",
    "an enum value": '{ secret(id: "x") { impact(of: DELET) { totalCount } } }',
    "an enum value as a text": '{ secret(id: "x") { impact(of: "DELETE") { totalCount } } }',
    "an input field": '{ service(id: "x") { secrets(filter: { key: "K" }) { totalCount } } }',
    "a directive": "{ __typename @includ(if: true) }",
    "a fragment": "{ ...Som } fragment Some on Query { __typename }",
    "a variable": "query ($some: Int) { projects(first: $som) { totalCount } }",
}
SECRETS = (
    '($a: SecretFilter) { service(id: "x") { secrets(filter: $a) { pageInfo { endCursor } } } }'
)
VARIABLES = {
    "an enum value": (
        '($a: PlannedChange!) { secret(id: "x") { impact(of: $a) { pageInfo { endCursor } } } }',
        "DELET",
    ),
    "an input field": (SECRETS, {"keyPrefi": "K"}),
    "a nested enum value": (SECRETS, {"scopes": ["JOBB"]}),
}


def _ensure_silent(response: httpx.Response) -> None:
    answer = response.json()["errors"]
    assert {error["extensions"]["code"] for error in answer} == {"BAD_USER_INPUT"}
    assert "did you mean" not in response.text.lower()
    assert not [name for name in ("totalCount", "DELETE", "keyPrefix") if name in response.text]


# A nullable variable with a default, where null is not taken.
NULL_VARIABLES = {
    "skip at the root": "($a: Boolean = true) { projects @skip(if: $a) { totalCount } }",
    "skip": "($a: Boolean = true) { projects { totalCount @skip(if: $a) } }",
    "include of a fragment": (
        "($a: Boolean = true) { projects { ... @include(if: $a) { totalCount } } }"
    ),
    "an argument": (
        "($a: PlannedChange = DELETE, $id: ID!) { secret(id: $id) { impact(of: $a) { totalCount "
        "} } }"
    ),
    "an item of a list": ('($a: String = "K") { secrets(filter: { keys: [$a] }) { totalCount } }'),
}


@pytest.mark.parametrize("name", NULL_VARIABLES)
async def test_a_null_where_it_is_not_taken_is_an_error_of_the_request(
    limited_world: World, name: str
) -> None:
    demo = limited_world.demo
    ids = {"id": demo.built_in_secret_id} if "$id" in NULL_VARIABLES[name] else {}
    document = f"query {NULL_VARIABLES[name]}"

    with capture_logs() as logs:
        answer = await limited_world.graphql._post(document, {"a": None, **ids})  # noqa: SLF001 - an answer with errors
    usual = await limited_world.graphql.ask(document, ids)

    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "variable": "a"}
    assert error["message"] == "Variable '$a' must not be null here."
    assert "unexpected_error" not in [entry["event"] for entry in logs]
    assert usual is not None


@pytest.mark.rule("S25")
@pytest.mark.parametrize("document", ALMOST.values(), ids=ALMOST.keys())
async def test_nothing_is_guessed_from_a_document(limited_world: World, document: str) -> None:
    _ensure_silent(await limited_world.client.post("/graphql", json={"query": document}))


@pytest.mark.rule("S25")
@pytest.mark.parametrize(("query", "given"), VARIABLES.values(), ids=VARIABLES.keys())
async def test_nothing_is_guessed_from_variables(
    limited_world: World, query: str, given: object
) -> None:
    body = {"query": f"query {query}", "variables": {"a": given}}

    _ensure_silent(await limited_world.client.post("/graphql", json=body))


@pytest.mark.rule("S25", "S26")
async def test_no_time_is_spent_on_guesses(
    limited_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def counted(text: str, options: list[str]) -> list[str]:
        asked.append(text)
        return suggestion_list(text, options)

    monkeypatch.setattr(known_argument_names, "suggestion_list", counted)
    await limited_world.client.post("/graphql", json={"query": "{ projects(fir: 1) { x } }"})
    guessed = list(asked)
    # The control: by itself, the library guesses.
    answer = validate(gateway_schema().types, parse("{ projects(firs: 1) { totalCount } }"))

    assert guessed == []
    assert asked == ["firs"]
    assert "Did you mean 'first'" in answer[0].message


MISFITS = {
    "a text for a number": ("$a: Int", "projects(first: $a)", "CANARY"),
    "a list for a number": ("$a: Int", "projects(first: $a)", ["CANARY"]),
    "an object for a number": ("$a: Int", "projects(first: $a)", {"CANARY": "CANARY"}),
    "an object for a text": ("$a: String", "projects(after: $a)", {"CANARY": "CANARY"}),
    "a list for a text": ("$a: String", "projects(after: $a)", ["CANARY"]),
    "a text for a cursor": ("$a: String", "projects(after: $a)", "CANARY"),
}


@pytest.mark.rule("S28")
@pytest.mark.parametrize(("declared", "used", "given"), MISFITS.values(), ids=MISFITS.keys())
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_variable_of_the_wrong_type_is_not_repeated(
    limited_world: World, declared: str, used: str, given: object, accept: str
) -> None:
    canary = new_canary()
    body = json.dumps(
        {
            "query": f"query ({declared}) {{ {used} {{ totalCount }} }}",
            "variables": {"a": given},
        }
    ).replace("CANARY", canary)

    response = await limited_world.client.post(
        "/graphql",
        content=body,
        headers={"Content-Type": "application/json", "Accept": accept},
    )

    codes = [error["extensions"]["code"] for error in response.json()["errors"]]
    assert set(codes) == {"BAD_USER_INPUT"}
    assert not is_traced(canary, response.content)


@pytest.mark.rule("S28")
async def test_a_name_as_long_as_a_document_is_not_repeated(limited_world: World) -> None:
    canary = new_canary() * 100

    response = await limited_world.client.post("/graphql", json={"query": f"{{ {canary} }}"})

    assert response.json()["errors"][0]["message"] == "The document cannot be processed."
    assert not is_traced(canary[:37], response.content)


@pytest.fixture(params=["{ __schema { types { name } } }", '{ t: __type(name: "Job") { name } }'])
def asking(request: pytest.FixtureRequest) -> str:
    """A document that asks for the schema."""
    return str(request.param)


@pytest.fixture
def closed(template: tuple[Path, Demo], data_dir: Path) -> tuple[Runtime, Demo]:
    """A gateway that does not tell its schema."""
    return Runtime.over(patient_settings(data_dir, introspection=False)), template[1]


@pytest.mark.rule("S25")
async def test_the_introspection_can_be_switched_off(
    closed: tuple[Runtime, Demo], asking: str
) -> None:
    """For everybody, also through a fragment, with a word about it; `__typename` goes on."""
    runtime, demo = closed
    hidden = asking.replace("{", "{ ...F } fragment F on Query {", 1)
    async with (
        runtime.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=build_app(runtime)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {demo.token}"},
        ) as client,
    ):
        refused = await client.post("/graphql", json={"query": asking})
        through = await client.post("/graphql", json={"query": hidden})
        taken = await client.post("/graphql", json={"query": "{ __typename }"})

    assert refused.json()["errors"] == through.json()["errors"]
    assert refused.json()["errors"] == [
        {
            "message": "Introspection is switched off on this server.",
            "extensions": {"code": ErrorCode.FORBIDDEN},
        }
    ]
    assert "data" not in refused.json()
    assert taken.json()["data"] == {"__typename": "Query"}


@pytest.mark.rule("S25")
async def test_the_introspection_is_on_for_who_has_a_credential(
    limited_world: World, asking: str
) -> None:
    """The control of the test above."""
    answer = await limited_world.client.post("/graphql", json={"query": asking})

    assert "errors" not in answer.json()


@pytest.mark.rule("S25")
async def test_nobody_learns_the_schema_without_a_credential(
    limited_world: World, asking: str
) -> None:
    async with limited_world.client_for("") as client:
        answer = await client.post(
            "/graphql", json={"query": asking}, headers={"Authorization": ""}
        )

    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer.json()
