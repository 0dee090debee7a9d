"""What the schema declares counts at run time, also where a use case forgets to ask.

Each declared permission is taken from a caller that has all others, and the answer is another one.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import pytest
import pytest_asyncio

from gateway.app import gateway_schema
from gateway.domain.claim_rules import ClaimCondition
from gateway.domain.grants import RoleAssignment
from gateway.domain.holders import new_id
from gateway.domain.origins import ActorKind, operating, originating
from gateway.domain.permissions import ROLES, Permission, Role, Visibility
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretFacts
from gateway.graphql.schema import CachedDocuments, ExecutableSchema, enforce_fields, enforce_types
from gateway.services import access
from gateway.services.hierarchy import Hierarchy
from gateway.services.secrets import Secrets
from gateway.storage import holders, secrets
from schema.policies import FIELDS, TYPES
from schema.root import Mutation, build_schema
from tests.access.operations import Operation, graphql_operations
from tests.access.policies import REACHED_BY, answer_to, principal_without, reaching, refusals
from tests.access.territories import Territory
from tests.audit.audit_log import events_of
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Build = Callable[..., ExecutableSchema]
OPERATIONS: Final = list(graphql_operations())
_NIL: Final = "00000000-0000-0000-0000-000000000000"
_STREAMS: Final = {
    "Subscription.secretChanged": "SecretChange",
    "Subscription.effectiveSecretsChanged": "EffectiveSecretsChange",
}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


_MUTATIONS: Final = {
    f"Mutation.{_camel(field.name)}": field.metadata[Permission]
    for field in Mutation.__strawberry_definition__.fields  # type: ignore[attr-defined] # set by Strawberry
}
_FIELDS: Final = {
    name: policy
    for name, policy in {**FIELDS, **_MUTATIONS}.items()
    if isinstance(policy, Permission)
}
_TYPES: Final = {name: value for name, value in TYPES.items() if isinstance(value, Permission)}
EVERY_FIELD = pytest.mark.parametrize("name", _FIELDS)
EVERY_TYPE = pytest.mark.parametrize("name", _TYPES)
# What a mutation's texts have to be, so that it fails for nothing but the caller.
_TEXTS: Final = {"issuer": "https://issuer.example/other"}


@cache
def _built(steps: tuple[Callable[..., None], ...], types: tuple[str, ...]) -> ExecutableSchema:
    # Once for each set of steps and types: making a schema takes longer than any test with it.
    schema = build_schema(ExecutableSchema, [CachedDocuments])
    if enforce_fields in steps:
        enforce_fields(schema.types, FIELDS)
    if enforce_types in steps:
        enforce_types(schema.types, {name: TYPES[name] for name in types})
    return schema


@pytest.fixture
def build() -> Build:
    """Builds a schema that enforces only what is named, apart from the one that all share."""
    return lambda *steps, types=tuple(TYPES): _built(steps, types)


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No use case asks what its viewer may do."""
    monkeypatch.setattr(Principal, "may", lambda *_, **__: True)
    monkeypatch.setattr(access, "require", lambda *_, **__: None)
    monkeypatch.setattr(access, "require_role", lambda *_, **__: None)
    monkeypatch.setattr(access, "require_somewhere", _everywhere)
    monkeypatch.setattr(access, "can_see", lambda *_: True)
    monkeypatch.setattr(access, "can_read_events_of", lambda *_: True)
    monkeypatch.setattr(access, "visible_target", _target)


def _everywhere(principal: Principal, _: Permission) -> Visibility:
    return Visibility.everywhere(principal.organization_id)


def _target(_: Principal, secret: Secret) -> SecretFacts | None:
    return secret.target


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ids(shared_world: World) -> Mapping[str, str]:
    """The demo's ids by the documents' variables, and a cursor before SINCE_THEN was made."""
    demo = shared_world.demo
    before = await shared_world.graphql.ask("{ changeCursor }", {})
    await shared_world.rest.create(
        Scope.JOB, demo.job_id, key="SINCE_THEN", value="{{SMTP_PASSWORD}}"
    )
    deleted = await shared_world.rest.create(Scope.JOB, demo.job_id, key="DELETED", value="")
    await shared_world.rest.delete(Scope.JOB, demo.job_id, deleted.row["id"])
    operator = shared_world.runtime.services.for_principal(Principal.operator(demo.organization_id))
    with operating():
        await operator.tokens.create(name="for an event", role=Role.VIEWER)
    with originating(actor_kind=ActorKind.IDENTITY, actor_id="https://issuer.example somebody"):
        await operator.claim_rules.create(
            name="for an event",
            issuer="https://issuer.example",
            conditions=[ClaimCondition("groups", "all")],
            role=Role.VIEWER,
        )
    deliver = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
    await shared_world.graphql.ask(deliver, {"id": demo.job_id})
    return {
        "after": before["changeCursor"],
        "project": demo.project_id,
        "job": demo.job_id,
        "application": demo.application_id,
        "container": demo.container_id,
        "helm": demo.helm_id,
        "terraform": demo.terraform_id,
        "agenticWorkflow": demo.agentic_workflow_id,
    }


def _request(name: str, inside: Territory, ids: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a request for a field that only the caller can be a reason to refuse."""
    if name in _STREAMS:
        return reaching(REACHED_BY[_STREAMS[name]], ids)
    root_name, field = name.split(".")
    taking = [item for item in OPERATIONS if (item.kind, item.name) == (root_name.lower(), field)]
    # A secret has to fit its holder, and a use case looks for a token where its caller gives roles.
    taking.sort(key=lambda item: item.path[-1] not in {"secretId", "userId"})
    operation = taking[0] if taking else Operation(root_name.lower(), field, ("",))
    body = operation.request(inside.ids, operation.own(inside) if taking else "")
    variables = body["variables"]
    return {
        # A field without arguments has no brackets.
        "query": body["query"].replace("()", ""),
        "variables": variables
        | {name: value for name, value in _TEXTS.items() if name in variables},
    }


@pytest.mark.rule("S12")
@EVERY_FIELD
async def test_a_field_is_refused_to_one_who_has_all_permissions_but_its_own(
    shared_world: World, inside: Territory, ids: Mapping[str, str], name: str
) -> None:
    body, lacking = _request(name, inside, ids), principal_without(shared_world, _FIELDS[name])

    answer = await answer_to(shared_world, gateway_schema(), lacking, body)
    allowed = await answer_to(
        shared_world, gateway_schema(), principal_without(shared_world, None), body
    )

    assert _FIELDS[name] in refusals(answer)[0]
    # Control: nothing else was missing.
    assert refusals(allowed) == []


@pytest.mark.rule("S12")
@pytest.mark.usefixtures("careless")
@EVERY_FIELD
async def test_a_field_is_refused_also_where_its_use_case_asks_nothing(
    *, shared_world: World, inside: Territory, ids: Mapping[str, str], build: Build, name: str
) -> None:
    body, lacking = _request(name, inside, ids), principal_without(shared_world, _FIELDS[name])

    answer = await answer_to(shared_world, build(enforce_fields), lacking, body)
    unguarded = await answer_to(shared_world, build(), lacking, body)

    assert _FIELDS[name] in refusals(answer)[0]
    # Control: without the policy, it is let through.
    assert refusals(unguarded) == []


@pytest.mark.rule("S12")
@pytest.mark.usefixtures("careless")
async def test_a_mutation_that_a_policy_refuses_writes_nothing(
    shared_world: World, build: Build
) -> None:
    """Also where its use case asks nothing."""
    lacking = principal_without(shared_world, Permission.HIERARCHY_WRITE)
    body = {
        "query": """mutation ($name: String!) {
            createProject(name: $name) { holder { id } errors { code } } }""",
        "variables": {"name": "forgotten"},
    }
    written = await events_of(shared_world)

    refused = await answer_to(shared_world, build(enforce_fields), lacking, body)
    after_refusal = await events_of(shared_world)
    unguarded = await answer_to(shared_world, build(), lacking, body)

    assert refusals(refused)
    assert after_refusal == written
    # Control: without the policy, the project is made.
    assert unguarded.errors == []
    assert len(await events_of(shared_world)) > len(written)


@pytest.mark.rule("S19")
@pytest.mark.usefixtures("careless")
@EVERY_TYPE
async def test_a_type_is_handed_out_only_to_one_who_has_its_permission(
    *,
    shared_world: World,
    inside: Territory,
    ids: Mapping[str, str],
    build: Build,
    name: str,
) -> None:
    """Whatever field leads to it, and also where no use case asks anything."""
    del inside
    body, lacking = reaching(REACHED_BY[name], ids), principal_without(shared_world, _TYPES[name])

    answer = await answer_to(shared_world, build(enforce_types, types=(name,)), lacking, body)
    unguarded = await answer_to(shared_world, build(), lacking, body)

    assert _TYPES[name] in refusals(answer)[0]
    # Control: without the policy, it is handed out.
    assert unguarded.errors == []


@pytest.mark.rule("S13", "S19")
@pytest.mark.usefixtures("careless")
@pytest.mark.parametrize("field", ["secret", "job"])
async def test_a_row_is_judged_by_what_it_belongs_to(
    *, shared_world: World, inside: Territory, foreign: Territory, build: Build, field: str
) -> None:
    """A permission elsewhere, or in another organization, does not count."""
    async with shared_world.runtime.database.read() as unit:
        place = (await holders.by_ids(unit, [inside.ids["projectId"]]))[inside.ids["projectId"]]
    narrow = principal_without(shared_world, None, place)
    document = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    wanted = {"secret": "secretId", "job": "jobId"}[field]
    theirs = {"query": document, "variables": {"id": foreign.ids[wanted]}}
    own = {"query": document, "variables": {"id": inside.ids[wanted]}}

    async def careless_find(*_: Any, ids: Any, **__: Any) -> Any:
        async with shared_world.runtime.database.read() as unit:
            module = secrets if field == "secret" else holders
            return await module.by_ids(unit, ids)

    kind = Secrets if field == "secret" else Hierarchy
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "find", careless_find)
        answer = await answer_to(shared_world, build(enforce_types), narrow, theirs)
        unguarded = await answer_to(shared_world, build(), narrow, theirs)
        allowed = await answer_to(shared_world, build(enforce_types), narrow, own)

    assert refusals(answer)
    # Controls: without the policy it is handed out, and with it what is the caller's own.
    assert unguarded.data == {field: {"id": foreign.ids[wanted]}}
    assert allowed.data == {field: {"id": inside.ids[wanted]}}


@pytest.mark.rule("A5", "E2", "S13", "S14")
@pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda item: " ".join((item.name, *item.path))
)
async def test_no_answer_is_another_one_because_of_a_policy(
    *,
    shared_world: World,
    inside: Territory,
    foreign: Territory,
    build: Build,
    operation: Operation,
) -> None:
    """What is not there, is out of sight or breaks a rule says so as before."""
    declared = {**FIELDS, **_MUTATIONS}[f"{operation.kind.title()}.{operation.name}"]
    unguarded, guarded = build(), gateway_schema()
    lacking = [item for item in Role if declared not in ROLES[item]]
    callers = [_of_role(shared_world, role) for role in lacking]
    chosen = (operation.own(inside), operation.own(foreign), new_id(), _NIL, "no id")

    for caller in callers:
        for one in chosen:
            body = operation.request(inside.ids, one)
            before = await answer_to(shared_world, unguarded, caller, body)
            assert await answer_to(shared_world, guarded, caller, body) == before


def _of_role(world: World, role: Role) -> Principal:
    return Principal(
        id="caller", organization_id=world.demo.organization_id, grants=(RoleAssignment(role=role),)
    )


async def test_every_type_with_a_permission_is_reached() -> None:
    assert set(REACHED_BY) == set(_TYPES)
    assert set(_STREAMS) == {name for name in _FIELDS if name.startswith("Subscription.")}


async def test_every_permission_but_one_is_declared_somewhere() -> None:
    """`instance:write` is about one role only: `test_giving` shows what it does."""
    assert {*_FIELDS.values(), *_TYPES.values()} == {*Permission} - {Permission.INSTANCE_WRITE}
