"""Types authorise, not the fields that lead to them: every path tells the same."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest
import pytest_asyncio
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from gateway.app import gateway_schema
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.graphql.executor import Executor
from schema.context import Context
from tests.access.territories import Territory
from tests.contracts.walking import schema
from tests.world import World, request_principal

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONGEST = 4
# The delivery door leads nowhere else; the others are about tokens, users and events, not secrets.
_LEFT_OUT = {"runtimeSecrets", "delivery", "apiTokens", "grants", "users", "Actor", "LastDelivery"}
# A territory's names are in no other text, so a whole answer can be searched for them.
_SHOWN = re.compile(r"TERRITORY_[A-Z]+_[A-Z_]+|territory \w+ \w+")
# One kind of service stands for all: their types have the same fields, as a test below says.
_TWINS = {"Application", "Container", "Helm", "Terraform", "AgenticWorkflow"}
# So many paths are asked for in one document.
TOGETHER = 8
_ARGUMENTS = {"key": "$key", "ids": "[$id]"}


def _steps(kind: GraphQLNamedType) -> Iterator[tuple[str, GraphQLField]]:
    """Give each field that leads on; those of an interface under the type that has them."""
    if isinstance(kind, GraphQLInterfaceType):
        kinds = {
            get_possible_type
            for get_possible_type in schema().get_possible_types(kind)
            if get_possible_type.name not in _TWINS
        }
        for possible in sorted(kinds, key=str):
            for name, field in _steps(possible):
                yield f"... on {possible.name} {{ {name}", field
    elif isinstance(kind, GraphQLObjectType):
        for name, field in kind.fields.items():
            result = get_named_type(field.type)
            if is_composite_type(result) and not {name, result.name} & (_LEFT_OUT | _TWINS):
                yield f"{name}{_passed(field)}", field


def _passed(field: GraphQLField) -> str:
    required = [name for name, value in field.args.items() if is_required_argument(value)]
    passed = ", ".join(f"{name}: {_ARGUMENTS.get(name, '$id')}" for name in required)
    return f"({passed})" if passed else ""


def _landed(step: str, field: GraphQLField) -> tuple[str, GraphQLNamedType]:
    """Return the step and where it leads; a page and its entries are one step."""
    result: GraphQLNamedType = get_named_type(field.type)
    if not result.name.endswith("Connection"):
        return step, result
    edge = schema().type_map[result.name.replace("Connection", "Edge")]
    assert isinstance(edge, GraphQLObjectType)
    return f"{step} {{ edges {{ node", get_named_type(edge.fields["node"].type)


def _paths(kind: GraphQLNamedType, before: tuple[str, ...] = ()) -> Iterator[str]:
    further = list(_steps(kind)) if len(before) < LONGEST else []
    if not further:
        text = " ".join(before)
        yield f"{text} {'}' * text.count('{')}"
    for name, field in further:
        step, landed = _landed(name, field)
        # What a path leads past is told too, so it stands for all shorter ones.
        yield from _paths(landed, (*before, f"{step} {{ {_named(landed)}"))


def _named(kind: GraphQLNamedType) -> str:
    named = [item for item in ("id", "key", "name") if item in getattr(kind, "fields", {})]
    return " ".join(["__typename", *named])


QUERY = schema().query_type
assert QUERY
PATHS = sorted(set(_paths(QUERY)))
DOCUMENTS = [
    " ".join(f"p{number}: {path}" for number, path in enumerate(PATHS[at : at + TOGETHER]))
    for at in range(0, len(PATHS), TOGETHER)
]


Ask = Callable[[str, str, str], Awaitable[set[str]]]


async def _asking(world: World, client: httpx.AsyncClient) -> Ask:
    """Return how a client's caller asks without limits, which all these paths would pass."""
    services, database = world.runtime.services, world.runtime.database
    caller = await request_principal(world.runtime, client.headers["authorization"].split()[1])
    executor = Executor(gateway_schema(), Context, services, database)

    async def ask(path: str, wanted: str, key: str) -> set[str]:
        declared = [f"${name}: {kind}" for name, kind in (("id", "ID!"), ("key", "String!"))]
        used = ", ".join(item for item in declared if item.partition(":")[0] in path)
        document = f"query ({used}) {{ {path} }}" if used else f"{{ {path} }}"
        async with executor.open_run(caller) as run:
            answer = await run(document, {"id": wanted, "key": key})
        text = json.dumps([answer.data, answer.errors])
        assert not answer.is_request_error, text
        assert "INTERNAL" not in text
        return set(_SHOWN.findall(text))

    return ask


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow(shared_world: World, inside: Territory) -> Ask:
    """One who may look at an environment, and so not at what its project has."""
    client = await inside.client(shared_world, Role.VIEWER, on=Scope.ENVIRONMENT)
    return await _asking(shared_world, client)


def _may_be_shown(inside: Territory) -> set[str]:
    keys = {f"TERRITORY_INSIDE_{scope}" for scope in inside.secrets if scope is not Scope.PROJECT}
    return keys | {f"territory inside {scope.lower()}" for scope in inside.secrets}


@pytest.mark.rule("S19")
@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.JOB])
async def test_no_path_says_more_than_the_types_allow(
    *, inside: Territory, outside: Territory, narrow: Ask, scope: Scope
) -> None:
    """Every path of the schema up to four steps, from a holder and from its secret."""
    found: set[str] = set()
    for path in DOCUMENTS:
        for item in (inside, outside):
            key = f"TERRITORY_{item.name.upper()}_{scope}"
            # An explanation repeats the key that was asked for.
            for wanted in (item.ids[scope.id_argument], item.secrets[scope]):
                result = await narrow(path, wanted, key) - {key}
                assert result <= _may_be_shown(inside), path
                found |= result

    assert found


@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.JOB])
async def test_the_same_paths_say_more_to_one_who_may_see_more(
    shared_world: World, inside: Territory, scope: Scope
) -> None:
    """The control: one who may look at everything is told what the other one was not."""
    ask = await _asking(shared_world, shared_world.client)
    found: set[str] = set()
    for path in DOCUMENTS[::3]:
        found |= await ask(path, inside.ids[scope.id_argument], "NO_KEY")

    assert "TERRITORY_INSIDE_PROJECT" in found


@pytest.mark.parametrize("twin", sorted(_TWINS))
async def test_all_kinds_of_service_have_the_same_fields(twin: str) -> None:
    """The control of what is left out."""
    kinds = schema().type_map

    assert list(kinds[twin].fields) == list(kinds["Job"].fields)  # type: ignore[attr-defined] # objects


async def test_there_are_paths_to_secrets_of_every_length() -> None:
    """The control of the generation."""
    assert len(PATHS) > 200
    assert any("dependents" in path and "holder" in path for path in PATHS)
    assert any("impact" in path for path in PATHS)
