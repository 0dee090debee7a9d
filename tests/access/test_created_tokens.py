"""A token does not outlive the token that created it, and goes with its creator."""

import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

import httpx
import pytest

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS
from gateway.domain.grants import GranteeKind, GranteeReference, RoleAssignment
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.storage.audit.row_macs import TOKENS, RowMacs
from gateway.storage.database import Database
from tests.world import World

CREATE = """mutation ($name: String!, $role: Role!, $holder: SecretHolderRef, $days: Int) {
    payload: createApiToken(name: $name, role: $role, holder: $holder, days: $days) {
        token apiToken { id expiresAt createdBy { kind id } } errors { code } } }"""
REVOKE = """mutation ($id: ID!, $keep: Boolean, $dry: Boolean) {
    payload: revokeApiToken(tokenId: $id, keepCreated: $keep, dryRun: $dry) {
        apiToken { id revokedAt } alsoRevoked { id revokedAt } errors { code } } }"""
REMOVE = """mutation ($id: ID!, $keep: Boolean, $dry: Boolean) {
    payload: removeUser(userId: $id, keepCreated: $keep, dryRun: $dry) {
        user { id } revokedTokens { id } errors { code } } }"""
ASK = {"query": "{ __typename }"}


async def _answer(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


async def _done(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    payload = (await _answer(client, document, **variables))["data"]["payload"]
    assert payload["errors"] == []
    return payload


async def _created(client: httpx.AsyncClient, name: str, **fields: Any) -> Any:
    return await _done(client, CREATE, **({"name": name, "role": "ADMIN"} | fields))


async def _statuses(world: World, *made: Any) -> list[int]:
    clients = [world.client_for(item["token"]) for item in made]
    return [(await client.post("/graphql", json=ASK)).status_code for client in clients]


async def _descendants(world: World, root: Any) -> list[Any]:
    """Return a token, one that it created, and one that this one created."""
    child = await _created(world.client_for(root["token"]), "child")
    return [root, child, await _created(world.client_for(child["token"]), "grandchild")]


@pytest.mark.parametrize("days", [None, 1, 3_650])
async def test_a_token_expires_with_the_token_that_created_it(
    world: World, days: int | None
) -> None:
    short = await _created(world.client, "short", days=1)

    made = await _created(world.client_for(short["token"]), "made", days=days)

    expiry = datetime.fromisoformat(short["apiToken"]["expiresAt"])
    assert datetime.fromisoformat(made["apiToken"]["expiresAt"]) <= expiry


async def test_a_token_that_does_not_expire_creates_tokens_that_do_not(world: World) -> None:
    """The control arm: nothing else sets an expiry."""
    made = await _created(await world.client_with(Role.ADMIN), "made")

    assert made["apiToken"]["expiresAt"] is None


async def test_a_revoked_token_takes_along_what_it_created(world: World) -> None:
    created = await _descendants(world, await _created(world.client, "root"))
    beside = await _created(world.client, "beside")
    before = await _statuses(world, *created, beside)

    payload = await _done(world.client, REVOKE, id=created[0]["apiToken"]["id"])

    assert before == [200] * 4
    assert await _statuses(world, *created, beside) == [401, 401, 401, 200]
    ids = [item["id"] for item in payload["alsoRevoked"]]
    assert ids == [item["apiToken"]["id"] for item in created[1:]]
    assert all(item["revokedAt"] for item in payload["alsoRevoked"])


async def test_what_a_token_created_can_be_kept(world: World) -> None:
    """The control arm: without the cascade, what was created lives on."""
    created = await _descendants(world, await _created(world.client, "root"))

    payload = await _done(world.client, REVOKE, id=created[0]["apiToken"]["id"], keep=True)

    assert payload["alsoRevoked"] == []
    assert await _statuses(world, *created) == [401, 200, 200]


async def test_what_was_kept_goes_when_the_revocation_is_repeated(world: World) -> None:
    created = await _descendants(world, await _created(world.client, "root"))
    root = created[0]["apiToken"]["id"]
    await _done(world.client, REVOKE, id=root, keep=True)

    await _done(world.client, REVOKE, id=root)

    assert await _statuses(world, *created) == [401, 401, 401]


async def test_a_dry_run_names_what_would_be_revoked_and_revokes_nothing(world: World) -> None:
    created = await _descendants(world, await _created(world.client, "root"))

    payload = await _done(world.client, REVOKE, id=created[0]["apiToken"]["id"], dry=True)

    assert len(payload["alsoRevoked"]) == 2
    assert await _statuses(world, *created) == [200, 200, 200]


async def test_each_revoked_token_has_its_event(world: World) -> None:
    created = await _descendants(world, await _created(world.client, "root"))

    await _done(world.client, REVOKE, id=created[0]["apiToken"]["id"])

    document = """{ auditEvents(first: 3, filter: {actions: [TOKEN_CHANGED]}) {
        edges { node { subjectId } } } }"""
    edges = (await _answer(world.client, document))["data"]["auditEvents"]["edges"]
    events = {edge["node"]["subjectId"] for edge in edges}
    assert events == {item["apiToken"]["id"] for item in created}


async def test_nothing_is_revoked_where_one_of_them_has_more_than_the_caller(
    world: World,
) -> None:
    root = await _created(world.client, "root", holder={"projectId": world.demo.project_id})
    child = await _created(
        world.client_for(root["token"]), "child", holder={"projectId": world.demo.project_id}
    )
    operator = Principal.operator(world.demo.organization_id)
    grantee = GranteeReference(kind=GranteeKind.TOKEN, id=child["apiToken"]["id"])
    await world.runtime.services.for_principal(operator).grants.grant(
        grantee=grantee, role=Role.EDITOR
    )
    beside = await _created(world.client, "beside", holder={"projectId": world.demo.project_id})
    caller, target = world.client_for(beside["token"]), root["apiToken"]["id"]

    refused = await _answer(caller, REVOKE, id=target)
    before = await _statuses(world, root, child)
    await _done(caller, REVOKE, id=target, keep=True)

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert before == [200, 200]
    assert await _statuses(world, root, child) == [401, 200]


async def test_a_removed_user_takes_along_the_tokens_that_the_user_created(world: World) -> None:
    services, demo = world.runtime.services, world.demo
    operator = Principal.operator(demo.organization_id)
    person: dict[str, Any] = {"issuer": "https://login.example", "subject": "leaver"}
    user = await services.for_principal(operator).identities.register(
        display_name="Leaver", options=DEFAULT_WRITE_OPTIONS, **person
    )
    grantee = GranteeReference(kind=GranteeKind.USER, id=user.id)
    await services.for_principal(operator).grants.grant(grantee=grantee, role=Role.ADMIN)
    async with world.runtime.database.read() as unit:
        principal = await services.authentication.user_principal(unit, **person)
    made = await services.for_principal(principal).tokens.create(name="by a user", role=Role.ADMIN)
    below = await _created(world.client_for(made.text), "below")

    would = await _done(world.client, REMOVE, id=user.id, dry=True)
    before = await _statuses(world, {"token": made.text}, below)
    payload = await _done(world.client, REMOVE, id=user.id)

    assert (before, await _statuses(world, {"token": made.text}, below)) == ([200] * 2, [401] * 2)
    ids = [{"id": made.facts.id}, {"id": below["apiToken"]["id"]}]
    assert (would["revokedTokens"], payload["revokedTokens"]) == (ids, ids)


async def test_the_lifetime_of_an_access_token_does_not_cap_what_a_user_creates() -> None:
    moment = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

    def cap(kind: ActorKind) -> datetime | None:
        principal = Principal(id="1", organization_id="1", expires_at=moment, kind=kind)
        return principal.created_tokens_expire_at(RoleAssignment(role=Role.ADMIN))

    assert cap(ActorKind.USER) is None
    assert cap(ActorKind.TOKEN) == moment


async def test_a_token_shows_who_created_it(world: World) -> None:
    root = await _created(world.client, "root")

    child = await _created(world.client_for(root["token"]), "child")

    assert child["apiToken"]["createdBy"] == {"kind": "TOKEN", "id": root["apiToken"]["id"]}


async def test_a_creator_not_visible_has_no_id(world: World) -> None:
    job = {"jobId": world.demo.job_id}
    await _created(world.client, "made for the job", holder=job)
    admin = await _created(world.client, "admin of the job", holder=job)

    document = "{ apiTokens { edges { node { createdBy { kind id } } } } }"
    client = world.client_for(admin["token"])
    edges = (await _answer(client, document))["data"]["apiTokens"]["edges"]

    assert edges
    assert all(edge["node"]["createdBy"] == {"kind": "TOKEN", "id": None} for edge in edges)


async def test_a_token_whose_creator_was_changed_past_the_gateway_is_refused(
    world: World,
) -> None:
    """Nobody takes a token out of its creator's reach in the database."""
    child = await _created(world.client, "child")
    path = Database(world.runtime.settings.resolved_database_url).path
    statement = "UPDATE api_token SET created_by = NULL WHERE id = ?"
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute(statement, (child["apiToken"]["id"],))

    assert await _statuses(world, child) == [503]


def test_a_token_from_before_creators_were_recorded_keeps_its_mac() -> None:
    macs = RowMacs(bytes(32))
    old = ["id", "organization", "name", "created", None, None, b"digest"]

    assert macs.of(TOKENS, [*old, None]).hex() == (
        "5d10eaa65ed2c062e22776445bdcda006b297136704b42f515776b22e5824c44"
    )
    assert macs.of(TOKENS, [*old, None]) != macs.of(TOKENS, [*old, "TOKEN:id"])


@pytest.mark.rule("S76")
async def test_the_operator_ends_what_a_revoked_token_left_behind(world: World) -> None:
    """Tokens that were kept when their creator was revoked go the second time."""
    root = await _created(world.client, "root")
    child = await _created(world.client_for(root["token"]), "child")
    revoke = world.runtime.operator.tokens.revoke

    await revoke(root["apiToken"]["id"], keep_created=True)
    kept = await _statuses(world, child)
    again = await revoke(root["apiToken"]["id"])
    nothing_left = await revoke(root["apiToken"]["id"])

    assert again is not None
    assert [item.id for item in again.created] == [child["apiToken"]["id"]]
    assert (kept, await _statuses(world, child), nothing_left) == ([200], [401], None)
