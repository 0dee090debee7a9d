"""A dry run answers as the real one does and writes nothing: for every mutation that there is."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from graphql import GraphQLField, build_schema, get_named_type

from gateway.domain.claim_rules import ClaimCondition
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.services.tokens import NewToken
from schema.snapshot import printed
from tests.operations.answers import comparable
from tests.world import World

_MUTATION: Final = build_schema(printed()).mutation_type
MUTATIONS: Final[Mapping[str, GraphQLField]] = _MUTATION.fields if _MUTATION else {}

# What is selected of each kind of payload: all that does not need another look at the database.
SELECTIONS: Final = {
    "SecretPayload": """secret { id key scope variableType version description mountPath
        createdAt aliasedSecret { id key } overriddenSecret { id key } } holder { id name }""",
    "DeleteSecretPayload": "deletedSecretIds holder { id name }",
    "ImportSecretsPayload": """totalCount imported { key version } holder { id }
        rows { key action secret { key version } }""",
    "HolderPayload": "holder { id name __typename }",
    "DeleteHolderPayload": "deletedHolderIds deletedSecretIds",
    # Not the token itself: it differs each time, and a dry run has none.
    "CreateApiTokenPayload": "apiToken { id name expiresAt } grant { role granteeName }",
    "ApiTokenPayload": "apiToken { id name revokedAt }",
    "EndApiTokenPayload": "apiToken { id name expiresAt } alsoEnded { id }",
    "RoleGrantPayload": "grant { id role granteeName userId }",
    "ClaimRulePayload": "claimRule { name issuer role conditions { claim pattern } }",
    "RestoreSecretPayload": "secret { id key version } alsoRestored { id } holder { id name }",
    "PurgeVersionsPayload": "purgedCount holder { id name }",
    "UserPayload": "user { id issuer subject displayName }",
}
SOURCE: Final = {"id": "0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10", "name": "db", "type": "DATABASE"}
INPUTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "SecretInput": {"key": "FRESH", "value": "x", "description": "Fresh"},
    "SecretAliasInput": {"key": "FRESH"},
    "SecretOverrideInput": {"value": "x"},
    "SecretEditInput": {"key": "FRESH", "value": "x"},
    "ProvidedSecretInput": {"key": "QOVERY_FRESH", "value": "x", "source": SOURCE},
}
IMPORTED: Final = [
    {"key": "FRESH", "value": "x"},
    {"key": "OWN_JOB", "value": "x"},
    {"key": "TARGET", "value": "x"},
    {"key": "1BROKEN", "value": "x"},
]


@dataclass(frozen=True, slots=True)
class Stage:
    """What mutations can be about: a target with an alias, and a row of every legacy holder."""

    world: World
    target_id: str
    deleted_id: str
    own_ids: Mapping[Scope, str]
    database: Path
    token: NewToken
    user_id: str
    rule_id: str

    def rows(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """Return every row of every table."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            named = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            tables = [name for (name,) in connection.execute(named)]
            return {
                table: connection.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608 - our own tables
                for table in tables
            }

    async def send(self, name: str, **options: object) -> httpx.Response:
        """Send a mutation with arguments that it can take, and these beside them."""
        field = MUTATIONS[name]
        sent = {argument: self._argument(name, argument) for argument in _required(field)} | options
        declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in sent)
        passed = ", ".join(f"{argument}: ${argument}" for argument in sent)
        selected = SELECTIONS[str(get_named_type(field.type))]
        document = f"""mutation ({declared}) {{ payload: {name}({passed}) {{
            {selected} errors {{ __typename code message path }} }} }}"""
        return await self.world.client.post("/graphql", json={"query": document, "variables": sent})

    def _argument(self, name: str, argument: str) -> object:
        if argument == "input":
            return INPUTS[str(get_named_type(MUTATIONS[name].args["input"].type))]
        return ARGUMENTS[argument](self, name)

    def secret(self, name: str) -> str:
        """Return the id of a secret that a mutation of this name can be about."""
        if name == "rotateProvidedSecret":
            return self.world.demo.built_in_secret_id
        if name == "restoreSecret":
            return self.deleted_id
        own = (
            id_ for scope, id_ in self.own_ids.items() if name.endswith(f"{scope.camel_name}Secret")
        )
        return next(own, self.target_id)


def _required(field: GraphQLField) -> list[str]:
    # What is optional says on what terms something is written, but for this.
    return [
        argument
        for argument, facts in field.args.items()
        if str(facts.type).endswith("!") or argument in {"withContent", "withDependents"}
    ]


def _holder_id(scope: Scope, stage: Stage, _: str) -> str:
    return stage.world.holders[scope]


# Each argument that mutations take, and what it is given; a new one needs a line here.
ARGUMENTS: Final[Mapping[str, Callable[[Stage, str], object]]] = {
    **{scope.id_argument: partial(_holder_id, scope) for scope in LEGACY_SCOPES},
    "holder": lambda stage, _: {"jobId": stage.world.demo.job_id},
    "secretId": lambda stage, name: stage.secret(name),
    "toVersion": lambda _, __: 1,
    "secrets": lambda _, __: IMPORTED,
    "overwrite": lambda _, __: True,
    "name": lambda _, __: "fresh",
    "type": lambda _, __: "JOB",
    "value": lambda _, __: "next",
    "withContent": lambda _, __: True,
    "withDependents": lambda _, __: True,
    "role": lambda _, __: "VIEWER",
    "at": lambda *_: "2090-01-01T00:00:00Z",
    "tokenId": lambda stage, _: stage.token.facts.id,
    "grantId": lambda stage, _: stage.token.grant.id,
    "userId": lambda stage, _: stage.user_id,
    "claimRuleId": lambda stage, _: stage.rule_id,
    "conditions": lambda _, __: [{"claim": "groups", "pattern": "fresh"}],
    "grantee": lambda stage, _: {"userId": stage.user_id},
    "issuer": lambda _, __: "https://issuer.example",
    "subject": lambda _, __: "fresh",
    "displayName": lambda _, __: "Fresh",
}


@pytest.fixture
async def stage(world: World, data_dir: Path) -> Stage:
    """The demo, and some rows for mutations to be about."""
    own_ids = {}
    for scope in LEGACY_SCOPES:
        made = await world.rest.create(scope, world.holders[scope], key=f"OWN_{scope}")
        own_ids[scope] = made.row["id"]
    project = Scope.PROJECT, world.demo.project_id
    target = await world.rest.create(*project, key="TARGET")
    target_id = target.row["id"]
    await world.rest.edit(*project, target_id, key="TARGET", value="x")
    await world.rest.alias(Scope.JOB, world.demo.job_id, target_id, key="ALIAS")
    deleted = await world.rest.create(*project, key="DELETED")
    deleted_id = deleted.row["id"]
    await world.rest.delete(*project, deleted_id)
    principal = Principal.operator(world.demo.organization_id)
    token = await world.runtime.services.for_principal(principal).tokens.create(
        name="old", role=Role.VIEWER
    )
    user = await world.runtime.services.for_principal(principal).identities.register(
        issuer="https://issuer.example", subject="old", display_name="Old"
    )
    rule = await world.runtime.services.for_principal(principal).claim_rules.create(
        name="old",
        issuer="https://issuer.example",
        conditions=[ClaimCondition("groups", "old")],
        role=Role.VIEWER,
    )
    return Stage(
        world=world,
        target_id=target_id,
        deleted_id=deleted_id,
        own_ids=own_ids,
        database=data_dir / "secrets.db",
        token=token,
        user_id=user.id,
        rule_id=rule.id,
    )


def _errors(response: httpx.Response) -> list[Any]:
    errors: list[Any] = response.json()["data"]["payload"]["errors"]
    return errors


@pytest.mark.parametrize("name", MUTATIONS)
async def test_every_mutation_can_be_tried(name: str) -> None:
    assert str(MUTATIONS[name].args["dryRun"].type) == "Boolean"


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_dry_run_answers_as_the_real_one_and_writes_nothing(
    stage: Stage, name: str
) -> None:
    before = stage.rows()

    dry = await stage.send(name, dryRun=True)
    after_dry = stage.rows()
    real = await stage.send(name, dryRun=False)

    assert after_dry == before
    assert comparable(dry) == comparable(real)
    # The control: the real one is seen in the rows, unless it was refused.
    assert (stage.rows() == before) == (name in REFUSED)
    assert bool(_errors(real)) == (name in REFUSED | {"importSecrets"})


# Nothing is above a project, so nothing can be overridden there.
REFUSED: Final = {"createProjectSecretOverride"}


@pytest.mark.parametrize("name", ["createJobSecret", "createJobSecretAlias", "editJobSecret"])
async def test_a_dry_run_is_refused_as_the_real_one_is(stage: Stage, name: str) -> None:
    await stage.world.rest.create(Scope.JOB, stage.world.demo.job_id, key="FRESH")

    dry = await stage.send(name, dryRun=True)
    real = await stage.send(name)

    assert comparable(dry) == comparable(real)
    assert _errors(real)[0]["code"] == "CONFLICT"


async def test_a_dry_run_looks_at_the_expected_version(stage: Stage) -> None:
    dry = await stage.send("editSecret", dryRun=True, expectedVersion=7)

    assert _errors(dry)[0]["code"] == "VERSION_CONFLICT"


async def test_a_dry_run_uses_up_no_idempotency_key(stage: Stage) -> None:
    await stage.send("createJobSecret", dryRun=True, idempotencyKey="once")

    real = await stage.send("createContainerSecret", idempotencyKey="once")

    assert _errors(real) == []


async def test_what_was_tried_can_be_done(stage: Stage) -> None:
    await stage.send("deleteSecret", dryRun=True)

    edited = await stage.send("editSecret")

    assert _errors(edited) == []
    assert await stage.world.stored_value(stage.target_id) == "x"
