"""What is done leaves an entry: each change and each delivery, on whichever face."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import UpdateBase, delete, insert, update

from gateway.domain.drafts import HolderReference, ProvidedDraft
from gateway.domain.holders import new_id
from gateway.domain.origins import operating
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import ServiceReference
from gateway.services.context import ServiceContext, utc_now
from gateway.services.operator.keys import Keys
from gateway.storage import users
from gateway.storage.access_tables import UserRow
from gateway.storage.audit.row_macs import TOKENS, verified_rows
from gateway.storage.idempotency import IDEMPOTENCY
from gateway.storage.rows import update_rows
from gateway.storage.unit_of_work import UnrecordedWrite
from tests.audit.audit_log import Json, events_since, last_seq, row_faults
from tests.contracts.walking import call, mutations
from tests.faces import Face
from tests.world import World

pytestmark = [pytest.mark.unmeasured, pytest.mark.rule("S51")]

DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
VALUE = "tell-nobody"


async def _events(world: World, work: Callable[[], Awaitable[Any]]) -> list[Json]:
    before = await last_seq(world)
    await work()
    return await events_since(world, before)


def _names(events: list[Json]) -> list[str]:
    return [event["action"] for event in events]


@pytest.mark.rule("S50")
async def test_a_creation_is_reported(world: World, face: Face) -> None:
    """Who, what, where, through which face, and no value."""
    job_id = world.demo.job_id

    (event,) = await _events(
        world, lambda: face.create(Scope.JOB, job_id, key="FRESH", value=VALUE)
    )

    assert event["action"] == "SECRET_CREATED"
    assert (event["actor_kind"], event["holder_id"], event["key"]) == ("TOKEN", job_id, "FRESH")
    assert event["organization_id"] == world.demo.organization_id
    assert event["face"] == ("GRAPHQL" if face is world.graphql else "REST")
    assert event["details"] == {"value_version": 1, "variable_type": "VALUE", "version": 1}
    assert VALUE not in str(event)


@pytest.mark.rule("S50")
async def test_an_entry_has_the_requests_id(world: World) -> None:
    path = f"/job/{world.demo.job_id}/secret"

    async def create() -> None:
        await world.client.post(path, json={"key": "FRESH"}, headers={"X-Request-Id": "r-17"})

    assert [event["request_id"] for event in await _events(world, create)] == ["r-17"]


@pytest.mark.rule("S50")
async def test_an_alias_and_its_end_with_its_target_are_reported(world: World, face: Face) -> None:
    """What a foreign key takes along too."""
    job_id = world.demo.job_id
    target = (await face.create(Scope.JOB, job_id, key="TARGET", value=VALUE)).row["id"]

    made = await _events(world, lambda: face.alias(Scope.JOB, job_id, target, key="SECOND"))
    gone = await _events(world, lambda: face.delete(Scope.JOB, job_id, target))

    assert [event["details"]["variable_type"] for event in made] == ["ALIAS"]
    assert _names(gone) == ["SECRET_DELETED", "SECRET_DELETED"]
    assert {event["key"] for event in gone} == {"TARGET", "SECOND"}


@pytest.mark.rule("S50")
@pytest.mark.parametrize(("fields", "is_new"), [({"value": "next"}, True), ({}, False)])
async def test_an_edit_says_whether_the_value_is_new(
    world: World, face: Face, fields: dict[str, str], *, is_new: bool
) -> None:
    job_id = world.demo.job_id
    made = (await face.create(Scope.JOB, job_id, key="EDITED", value=VALUE)).row["id"]

    (event,) = await _events(
        world, lambda: face.edit(Scope.JOB, job_id, made, key="EDITED", description="d", **fields)
    )

    assert event["action"] == "SECRET_CHANGED"
    assert event["details"]["is_new_value"] is is_new
    assert event["details"]["is_sealed_anew"] is False
    assert event["details"]["version"] == 2


@pytest.mark.rule("S50", "S54")
async def test_a_value_that_is_only_sealed_again_is_reported_as_that(world: World) -> None:
    """Whoever rotates keys gives nobody a new value."""
    keys = Keys(ServiceContext(world.runtime.database, world.runtime.vault))

    async def rotate() -> None:
        await keys.renew()
        await keys.rewrap()

    events = [event for event in await _events(world, rotate) if event["subject"] == "SECRET"]

    assert {event["action"] for event in events} == {"SECRET_CHANGED"}
    assert {event["details"]["is_sealed_anew"] for event in events} == {True}
    assert {event["details"]["is_new_value"] for event in events} == {False}


@pytest.mark.rule("S50")
async def test_renamed_overrides_are_reported(world: World) -> None:
    """What follows a change is a change."""
    target = await world.rest.create(Scope.PROJECT, world.demo.project_id, key="OLD", value="v")
    await world.rest.override(Scope.JOB, world.demo.job_id, target.row["id"], value="w")

    events = await _events(
        world,
        lambda: world.rest.edit(
            Scope.PROJECT, world.demo.project_id, target.row["id"], key="RENAMED"
        ),
    )

    assert [event["key"] for event in events] == ["RENAMED", "RENAMED"]


async def test_what_is_touched_without_being_changed_is_not_reported(world: World) -> None:
    """Nor is it told with what comes next."""

    async def touch() -> None:
        async with world.runtime.database.write() as unit:
            found = await verified_rows(unit, TOKENS)
            await update_rows(unit, TOKENS, [(row, {"name": row.name}) for row in found])

    touched = await _events(world, touch)
    created = await _events(
        world, lambda: world.rest.create(Scope.JOB, world.demo.job_id, key="NEXT", value="v")
    )

    assert touched == []
    assert _names(created) == ["SECRET_CREATED"]


@pytest.mark.parametrize(
    "statement",
    [
        update(TOKENS.table).values(name="renamed"),
        delete(TOKENS.table),
        insert(TOKENS.table).values(id="an id"),
    ],
)
async def test_no_use_case_can_change_rows_unseen(world: World, statement: UpdateBase) -> None:
    """A statement that the unit would not note is refused before it runs."""
    async with world.runtime.database.write(dry_run=True) as unit:
        with pytest.raises(UnrecordedWrite):
            await unit.execute(statement)

        # The control: a table without events.
        assert await unit.execute(delete(IDEMPOTENCY)) == 0


async def test_a_row_that_comes_and_goes_in_one_transaction_is_not_reported(world: World) -> None:
    user = UserRow(
        id=new_id(),
        organization_id=world.demo.organization_id,
        issuer="https://login.example",
        subject="nobody",
        display_name="Nobody",
        created_at=utc_now(),
        is_invited=None,
    )

    async def come_and_go() -> None:
        async with world.runtime.database.write() as unit:
            await unit.insert(user)
            await users.remove(unit, user.id)

    assert await _events(world, come_and_go) == []
    assert await row_faults(world) == set()


async def test_a_refused_change_is_not_reported(world: World, face: Face) -> None:
    job_id = world.demo.job_id

    assert await _events(world, lambda: face.create(Scope.JOB, job_id, key="1", value=VALUE)) == []


@pytest.mark.rule("S50")
async def test_a_delivery_is_reported_with_all_secrets_that_left(world: World) -> None:
    """One entry a delivery, with every secret that was opened for it."""
    delivered: list[Any] = []

    async def deliver() -> None:
        delivered.append(await world.graphql.ask(DELIVERY, {"id": world.demo.job_id}))

    (event,) = await _events(world, deliver)

    assert event["action"] == "VALUES_DELIVERED"
    assert event["holder_id"] == world.demo.job_id
    assert event["details"]["keys"] == len(delivered[0]["runtimeSecrets"])
    assert world.demo.built_in_secret_id in event["details"]["secrets"]
    assert "demo-" not in str(event)


@pytest.mark.rule("S50")
async def test_an_import_is_reported_secret_by_secret(world: World) -> None:
    document = """mutation ($id: ID!) { importSecrets(holder: {jobId: $id}, overwrite: true,
        secrets: [{key: "ONE", value: ""}, {key: "2BAD", value: ""}, {key: "THREE", value: ""}]) {
        totalCount } }"""

    events = await _events(world, lambda: world.graphql.ask(document, {"id": world.demo.job_id}))

    assert [(event["action"], event["key"]) for event in events] == [
        ("SECRET_CREATED", "ONE"),
        ("SECRET_CREATED", "THREE"),
    ]


@pytest.mark.rule("S50")
async def test_the_hierarchy_tokens_and_organizations_are_reported(world: World) -> None:
    """What the operator does at the command line too."""
    services, operator = world.runtime.services, world.runtime.operator

    async def work() -> None:
        organization = await operator.organizations.create(name="New")
        principal = Principal.operator(organization.id)
        made = await services.for_principal(principal).administration.create_holder(
            kind=Scope.PROJECT, name="p"
        )
        at = HolderReference(Scope.PROJECT, made.id)
        await services.for_principal(principal).administration.rename_holder(
            holder_reference=at, name="q"
        )
        source = ServiceReference(
            id=world.demo.foreign_job_id, name="db", type=ServiceType.DATABASE
        )
        draft = ProvidedDraft(key="QOVERY_X", value=VALUE, source=source)
        secret = await services.for_principal(principal).administration.register(
            holder_reference=at, draft=draft
        )
        await services.for_principal(principal).administration.rotate(
            secret_id=secret.id, value="next"
        )
        token = await services.for_principal(principal).tokens.create(name="t", role=Role.VIEWER)
        await operator.tokens.revoke(token.facts.id)
        await operator.organizations.delete(organization_id=organization.id, with_content=True)

    with operating():
        events = await _events(world, work)

    assert set(_names(events)) == {
        "ORGANIZATION_CREATED",
        "HOLDER_CREATED",
        "DATA_KEY_CREATED",
        "HOLDER_CHANGED",
        "SECRET_CREATED",
        "SECRET_CHANGED",
        "TOKEN_CREATED",
        "GRANT_CREATED",
        "TOKEN_CHANGED",
        "GRANT_DELETED",
        "SECRET_DELETED",
        "DATA_KEY_DELETED",
        "HOLDER_DELETED",
        "TOKEN_DELETED",
        "ORGANIZATION_DELETED",
    }
    assert {(event["actor_kind"], event["face"]) for event in events} == {("OPERATOR", "CLI")}
    assert len({event["organization_id"] for event in events}) == 1
    assert VALUE not in str(events)


@pytest.mark.rule("S50")
@pytest.mark.parametrize("name", sorted(mutations()))
@pytest.mark.asyncio(loop_scope="module")
async def test_a_dry_run_of_any_mutation_is_not_reported(shared_world: World, name: str) -> None:
    """Nothing was changed, so there is nothing to tell."""
    world = shared_world
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key=f"OWN_{name}", value="v")
    holders = {scope.id_argument: value for scope, value in world.holders.items()}
    unknown = {name: new_id() for name in ("claimRuleId", "grantId", "tokenId", "userId")}
    ids = (
        holders
        | unknown
        | {"secretId": made.row["id"], "organizationId": world.demo.organization_id}
    )
    document, variables = call(name, ids)

    events = await _events(
        world,
        lambda: world.client.post("/graphql", json={"query": document, "variables": variables}),
    )

    assert variables["dryRun"] is True
    assert events == []
