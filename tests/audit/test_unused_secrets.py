"""The search for secrets that no service got since a time, as the audit log knows it."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.graphql import charging
from gateway.services.delivery import DeliverySize
from gateway.storage.audit import log_times, secret_uses
from tests.audit.audit_log import database_of, run_by_force
from tests.faces import GraphQLFace
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SEARCH: Final = """query ($filter: SecretSearch!) {
    secrets(first: 100, filter: $filter) { totalCount nodes { key holder { name } } }
}"""
_DELIVER: Final = """query ($id: ID!, $keys: [String!]) {
    runtimeSecrets(serviceId: $id, keys: $keys) { key }
}"""
_NEW_JOB: Final = """mutation ($id: ID!) {
    createService(environmentId: $id, type: JOB, name: "short-lived") {
        holder { ... on Node { id } } }
}"""
_DELETE: Final = """mutation ($id: ID!) {
    deleteHolder(holder: {jobId: $id}, withContent: true) { errors { code } }
}"""


def _new_key() -> str:
    return f"UNUSED_{new_id()[:8].upper()}"


async def _deliver(world: World, service_id: str, *keys: str) -> None:
    await world.graphql.ask(_DELIVER, {"id": service_id, "keys": keys or None})


async def _answer(client: httpx.AsyncClient, **filters: Any) -> Any:
    body = {"query": _SEARCH, "variables": {"filter": filters}}
    return (await client.post("/graphql", json=body)).json()


async def _unused(world: World, since: datetime, keys: Collection[str]) -> set[str]:
    """Return which of these keys, each of one secret, are found."""
    found = await world.graphql.ask(
        _SEARCH, {"filter": {"unusedSince": since.isoformat(), "keys": list(keys)}}
    )
    assert found["secrets"]["totalCount"] == len(found["secrets"]["nodes"])
    return {node["key"] for node in found["secrets"]["nodes"]}


async def _created(world: World, scope: Scope, key: str, value: str = "x") -> str:
    made = await world.rest.create(scope, world.holders[scope], key=key, value=value)
    return str(made.row["id"])


async def test_a_secret_is_unused_until_a_service_gets_it(shared_world: World) -> None:
    world, demo = shared_world, shared_world.demo
    own, shared = _new_key(), _new_key()
    await _created(world, Scope.JOB, own)
    await _created(world, Scope.PROJECT, shared)
    start = datetime.now(UTC)

    never = await _unused(world, start, [own, shared])
    await _deliver(world, demo.application_id)
    by_another = await _unused(world, start, [own, shared])
    await _deliver(world, demo.job_id)
    by_both = await _unused(world, start, [own, shared])
    after = await _unused(world, datetime.now(UTC), [own, shared])

    assert (never, by_another, by_both) == ({own, shared}, {own}, set())
    assert after == {own, shared}


@pytest.mark.parametrize("most", [0, 20], ids=["without the order of times", "by number"])
async def test_deliveries_before_the_time_do_not_count(
    shared_world: World, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also where the clock was set back so often that the log is not in the order of times."""
    monkeypatch.setattr(log_times, "_MAX_PARTS", most)
    world, job_id, key, later = shared_world, shared_world.demo.job_id, _new_key(), _new_key()
    await _created(world, Scope.JOB, key)
    await _deliver(world, job_id, key)
    middle = datetime.now(UTC)
    await _created(world, Scope.JOB, later)
    await _deliver(world, job_id, later)

    assert await _unused(world, middle, [key, later]) == {key}


async def test_a_built_in_counts_like_any_other(shared_world: World) -> None:
    world, job_id = shared_world, shared_world.demo.job_id
    start, key = datetime.now(UTC), "QOVERY_POSTGRESQL_ZF83A_PASSWORD"

    before = await _unused(world, start, [key])
    await _deliver(world, job_id)

    assert (before, await _unused(world, start, [key])) == ({key}, set())


async def test_an_alias_is_used_with_its_target_by_services_that_see_both(
    shared_world: World,
) -> None:
    world, demo = shared_world, shared_world.demo
    target, of_job, of_project = _new_key(), _new_key(), _new_key()
    target_id = await _created(world, Scope.PROJECT, target)
    await world.rest.alias(Scope.JOB, demo.job_id, target_id, key=of_job)
    await world.rest.alias(Scope.PROJECT, demo.project_id, target_id, key=of_project)
    start, keys = datetime.now(UTC), [target, of_job, of_project]

    await _deliver(world, demo.application_id)
    by_another = await _unused(world, start, keys)
    await _deliver(world, demo.job_id, of_job)

    assert by_another == {of_job}
    assert await _unused(world, start, keys) == set()


async def test_an_alias_stays_used_when_the_service_that_got_it_is_deleted(
    shared_world: World,
) -> None:
    world, demo = shared_world, shared_world.demo
    created = await world.graphql.ask(_NEW_JOB, {"id": demo.environment_id})
    job_id = created["createService"]["holder"]["id"]
    target, of_environment, of_other = _new_key(), _new_key(), _new_key()
    target_id = await _created(world, Scope.PROJECT, target)
    await world.rest.alias(Scope.ENVIRONMENT, demo.environment_id, target_id, key=of_environment)
    await world.rest.alias(Scope.APPLICATION, demo.application_id, target_id, key=of_other)
    start, keys = datetime.now(UTC), [target, of_environment, of_other]

    before = await _unused(world, start, keys)
    await _deliver(world, job_id, of_environment)
    delivered = await _unused(world, start, keys)
    await world.graphql.ask(_DELETE, {"id": job_id})

    assert (before, delivered) == ({target, of_environment, of_other}, {of_other})
    assert await _unused(world, start, keys) == {of_other}


async def test_what_an_override_hides_is_not_used_by_that_service(shared_world: World) -> None:
    world, demo, key = shared_world, shared_world.demo, _new_key()
    target_id = await _created(world, Scope.PROJECT, key)
    await world.rest.override(Scope.JOB, demo.job_id, target_id, value="y")
    start = datetime.now(UTC).isoformat()

    await _deliver(world, demo.job_id)
    filters = {"unusedSince": start, "keys": [key]}
    hidden = (await _answer(world.client, **filters))["data"]["secrets"]["nodes"]
    await _deliver(world, demo.application_id)
    none = (await _answer(world.client, **filters))["data"]["secrets"]["nodes"]

    assert hidden == [{"key": key, "holder": {"name": "shop"}}]
    assert none == []


async def test_a_key_counts_with_what_its_value_refers_to_and_nothing_else(
    shared_world: World,
) -> None:
    world, part, whole, beside = shared_world, _new_key(), _new_key(), _new_key()
    await _created(world, Scope.PROJECT, part)
    await _created(world, Scope.JOB, whole, f"a {{{{{part}}}}}")
    await _created(world, Scope.JOB, beside)
    start = datetime.now(UTC)

    await _deliver(world, world.demo.job_id, whole)

    assert await _unused(world, start, [part, whole, beside]) == {beside}


@pytest.mark.rule("S77")
async def test_only_who_can_read_the_log_of_the_holder_is_answered(shared_world: World) -> None:
    world, own, above = shared_world, _new_key(), _new_key()
    await _created(world, Scope.JOB, own)
    await _created(world, Scope.PROJECT, above)
    filters = {"unusedSince": datetime.now(UTC).isoformat(), "keys": [own, above]}
    project = HolderReference(Scope.PROJECT, world.demo.project_id)
    viewer = await world.client_with(Role.VIEWER, on=project)
    token_id = (await GraphQLFace(viewer).ask("{ viewer { id } }", {}))["viewer"]["id"]
    grant = """mutation ($token: ID!, $on: SecretHolderRef!) { grantRole(
        grantee: {tokenId: $token}, role: AUDITOR, holder: $on) { errors { code } } }"""

    refused = await _answer(viewer, **filters)
    await world.graphql.ask(grant, {"token": token_id, "on": {"jobId": world.demo.job_id}})
    of_job = (await _answer(viewer, **filters))["data"]["secrets"]["nodes"]
    without = (await _answer(viewer, keys=[own, above]))["data"]["secrets"]["nodes"]

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert [node["key"] for node in of_job] == [own]
    assert len(without) == 2


async def test_holders_limit_what_is_compared(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where too much was delivered, a narrower search is answered."""
    world, key = shared_world, _new_key()
    await _created(world, Scope.JOB, key)
    start = datetime.now(UTC)
    other = await world.graphql.ask(
        'mutation { createProject(name: "quiet") { holder { ... on Project { id } } } }', {}
    )
    project_id = other["createProject"]["holder"]["id"]
    await _deliver(world, world.demo.job_id)
    monkeypatch.setattr(secret_uses, "MAX_BYTES", 1)
    since = {"unusedSince": start.isoformat()}

    refused = (await _answer(world.client, **since))["errors"][0]
    narrower = await _answer(world.client, **since, holderIds=[project_id])

    assert refused["extensions"]["code"] == "BAD_USER_INPUT"
    assert "holderIds" in refused["message"]
    assert narrower["data"]["secrets"]["nodes"] == []


async def test_what_is_compared_is_charged(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a delivery is; another search is not."""
    sizes = list[DeliverySize]()
    monkeypatch.setattr(charging.RunningCost, "add", lambda _, size: sizes.append(size))
    await _deliver(shared_world, shared_world.demo.job_id)
    sizes.clear()

    await _answer(shared_world.client, keyContains="A")
    await _answer(shared_world.client, unusedSince=datetime.now(UTC).isoformat())

    (charged,) = sizes
    assert charged.keys == 0
    assert charged.size > 0


async def test_what_was_delivered_before_the_log_begins_is_not_known(world: World) -> None:
    start, key = datetime.now(UTC), _new_key()
    await _created(world, Scope.JOB, key)
    whole = await _unused(world, start - timedelta(days=90), [key])
    await world.runtime.operator.audit.prune(before=(begin := datetime.now(UTC)))
    await _created(world, Scope.JOB, _new_key())

    refused = await _answer(world.client, unusedSince=(start).isoformat())
    later = await _unused(world, begin, [key])

    assert (whole, later) == ({key}, {key})
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert refused["errors"][0]["message"].startswith("The audit log begins at ")


async def test_what_was_delivered_before_the_database_was_accepted_is_not_known(
    world: World,
) -> None:
    """As after a restored backup: nobody knows what was delivered since it was made."""
    start, key = datetime.now(UTC), _new_key()
    await _created(world, Scope.JOB, key)
    whole = await _unused(world, start, [key])
    run_by_force(database_of(world), "UPDATE secret SET version = 7 WHERE key = 'PAYMENT_API_KEY'")
    assert await world.runtime.operator.audit.acknowledge()

    refused = await _answer(world.client, unusedSince=start.isoformat())
    later = await _unused(world, datetime.now(UTC), [key])

    assert (whole, later) == ({key}, {key})
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert refused["errors"][0]["message"].startswith("The operator accepted the database")


async def test_a_set_that_was_cut_off_is_a_fault(world: World) -> None:
    start = datetime.now(UTC).isoformat()
    await _deliver(world, world.demo.job_id)
    run_by_force(database_of(world), "UPDATE delivered_set SET secrets = substr(secrets, 1, 20)")

    answer = await _answer(world.client, unusedSince=start)

    assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
