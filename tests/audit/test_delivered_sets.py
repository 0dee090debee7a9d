"""What was delivered is stored once for all events with the same list, and cannot be changed."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.domain.audit import AuditEvent, SealedEvent, details_text
from gateway.domain.delivered_sets import BLOCK_EVENTS, DeliveredSet, with_secrets
from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from gateway.storage.audit import event_log, log_rows
from gateway.storage.audit.delivered_sets import Deliveries
from tests.audit.audit_log import database_of, events_of, faults, run_by_force
from tests.contracts.test_migrations import stepped
from tests.faces import Face
from tests.world import World, open_world

DELIVERY: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
EVENTS: Final = """query ($filter: AuditFilter) { auditEvents(first: 100, filter: $filter) {
    edges { node { action holderId details } } } }"""
LAST: Final = "(SELECT max(seq) FROM audit_event)"
OF_LAST: Final = f"(SELECT delivered_set FROM audit_event WHERE seq = {LAST})"
OF_OTHER: Final = f"""(SELECT delivered_set FROM audit_event
    WHERE delivered_set IS NOT NULL AND delivered_set <> {OF_LAST})"""
ATTACKS: Final[Mapping[str, str]] = {
    "a version changed": "UPDATE delivered_set SET secrets = "
    f"CAST(substr(secrets, 1, 16) || x'7f' || substr(secrets, 18) AS BLOB) "
    f"WHERE fingerprint = {OF_LAST}",
    "a secret taken out": "UPDATE delivered_set SET secrets = substr(secrets, 18) "
    f"WHERE fingerprint = {OF_LAST}",
    "cut off in the middle": "UPDATE delivered_set SET secrets = substr(secrets, 1, 20) "
    f"WHERE fingerprint = {OF_LAST}",
    "emptied": f"UPDATE delivered_set SET secrets = x'' WHERE fingerprint = {OF_LAST}",
    "deleted": f"DELETE FROM delivered_set WHERE fingerprint = {OF_LAST}",
    "all deleted": "DELETE FROM delivered_set",
    "moved to another block": f"UPDATE delivered_set SET block = 7 WHERE fingerprint = {OF_LAST}",
    "moved to another holder": "UPDATE delivered_set SET holder_id = "
    f"(SELECT id FROM holder WHERE name = 'cart') WHERE fingerprint = {OF_LAST}",
    "moved to another project": "UPDATE delivered_set SET project_id = "
    f"(SELECT id FROM holder WHERE name = 'analytics') WHERE fingerprint = {OF_LAST}",
    "moved to another organization": "UPDATE delivered_set SET organization_id = 'other' "
    f"WHERE fingerprint = {OF_LAST}",
    "with another actor": f"UPDATE delivered_set SET actor_id = 'x' WHERE fingerprint = {OF_LAST}",
    "taken out of its span": f"UPDATE delivered_set SET spans = 0 WHERE fingerprint = {OF_LAST}",
    "given the content of another holder's": "UPDATE delivered_set SET secrets = "
    f"(SELECT secrets FROM delivered_set WHERE fingerprint = {OF_OTHER}) "
    f"WHERE fingerprint = {OF_LAST}",
    "exchanged with another holder's": f"UPDATE delivered_set SET block = 7 "
    f"WHERE fingerprint = {OF_LAST}; "
    f"UPDATE delivered_set SET fingerprint = {OF_LAST} WHERE block = 0; "
    f"UPDATE delivered_set SET block = 0, fingerprint = {OF_OTHER} WHERE block = 7",
    "another one named by the event": f"UPDATE audit_event SET delivered_set = {OF_OTHER} "
    f"WHERE seq = {LAST}",
    "none named by the event": f"UPDATE audit_event SET delivered_set = NULL WHERE seq = {LAST}",
    "one named by an event of a change": f"UPDATE audit_event SET delivered_set = {OF_LAST} "
    f"WHERE seq = {LAST} - 2",
    "none named by the event, which says that it is another": "UPDATE audit_event "
    "SET delivered_set = NULL, actor_id = 'x', organization_id = 'other', action = 'USER_ADDED' "
    f"WHERE seq = {LAST}",
    "an unknown one named by the event": "UPDATE audit_event SET delivered_set = zeroblob(16) "
    f"WHERE seq = {LAST}",
}


async def _deliver(world: World, holder_id: str) -> None:
    await world.graphql.ask(DELIVERY, {"id": holder_id})


async def _deliveries(world: World, **wanted: Any) -> Sequence[Mapping[str, Any]]:
    """Return the details of deliveries, the newest first."""
    only = {"actions": ["VALUES_DELIVERED"], **wanted}
    page = (await world.graphql.ask(EVENTS, {"filter": only}))["auditEvents"]
    return [json.loads(edge["node"]["details"]) for edge in page["edges"]]


def _query(folder: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(folder / "secrets.db")) as connection:
        return connection.execute(statement).fetchall()


def _sets(world: World) -> int:
    ((count,),) = _query(database_of(world), "SELECT count(*) FROM delivered_set")
    return int(count)


async def test_deliveries_of_the_same_versions_share_one_set(world: World, face: Face) -> None:
    secret = await face.create(Scope.JOB, world.demo.job_id, key="SHARED", value="v")

    await _deliver(world, world.demo.job_id)
    await _deliver(world, world.demo.job_id)

    first, second = await _deliveries(world)
    assert _sets(world) == 1
    assert first == second
    assert first["secrets"][secret.row["id"]] == 1


async def test_each_delivery_names_the_versions_of_its_time(world: World, face: Face) -> None:
    job_id = world.demo.job_id
    secret = await face.create(Scope.JOB, job_id, key="EDITED", value="old")

    await _deliver(world, job_id)
    await face.edit(Scope.JOB, job_id, secret.row["id"], key="EDITED", value="new")
    await _deliver(world, job_id)

    versions = [found["secrets"][secret.row["id"]] for found in await _deliveries(world)]
    assert versions == [2, 1]
    assert _sets(world) == 2


async def test_holders_with_the_same_secrets_have_sets_of_their_own(world: World) -> None:
    for holder_id in (world.demo.helm_id, world.demo.terraform_id):
        await _deliver(world, holder_id)

    one, other = await _deliveries(world)

    assert one == other
    assert _sets(world) == 2


async def test_the_deliveries_of_a_secret_are_found(world: World, face: Face) -> None:
    """Whichever holder got it, also after the secret is gone; and no others."""
    demo = world.demo
    wide = await face.create(Scope.PROJECT, demo.project_id, key="WIDE", value="v")
    for holder_id in (demo.job_id, demo.helm_id):
        await _deliver(world, holder_id)
    await face.delete(Scope.PROJECT, demo.project_id, wide.row["id"])
    await _deliver(world, demo.job_id)

    found = await _deliveries(world, secretId=wide.row["id"])

    assert len(found) == 2
    assert all(wide.row["id"] in details["secrets"] for details in found)
    assert len(await _deliveries(world)) == 3


async def _delivered_twice(world: World) -> None:
    await _deliver(world, world.demo.helm_id)
    await _deliver(world, world.demo.job_id)


@pytest.mark.rule("S56")
@pytest.mark.rule("S66")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_changed_set_is_found_and_never_shown(world: World, attack: str) -> None:
    await _delivered_twice(world)
    # The running server has already verified the events.
    await world.runtime.operator.audit.watch_log()
    run_by_force(database_of(world), *attack.split("; "))

    await world.runtime.operator.audit.watch_log()
    answer = await world.client.post("/graphql", json={"query": EVENTS})

    assert "ALTERED" in await faults(world)
    assert world.runtime.operator.audit.needs_attention
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["UNAVAILABLE"]


async def test_untouched_sets_pass(world: World) -> None:
    """The control of the test above."""
    await _delivered_twice(world)

    await world.runtime.operator.audit.watch_log()

    assert await faults(world) == []
    assert not world.runtime.operator.audit.needs_attention
    assert len(await _deliveries(world)) == 2


async def test_the_export_goes_on_after_a_delivery_without_its_set(world: World) -> None:
    await _delivered_twice(world)
    run_by_force(
        database_of(world),
        f"DELETE FROM delivered_set WHERE fingerprint = {OF_OTHER}",
        "UPDATE audit_event SET details = '{' WHERE seq = 5",
    )

    events = await events_of(world)

    altered = [(event["action"], event["details"]) for event in events if not event["is_intact"]]
    assert [details for _, details in altered] == ["{", ""]
    assert altered[-1][0] == events[-1]["action"] == "VALUES_DELIVERED"


async def test_a_delivery_puts_a_set_back_that_is_gone(world: World) -> None:
    """The same list has the same name, so nothing is lost for good."""
    await _delivered_twice(world)
    run_by_force(database_of(world), ATTACKS["deleted"])

    await _deliver(world, world.demo.job_id)

    assert await faults(world) == []


async def test_pruning_frees_the_sets_of_blocks_without_events(world: World) -> None:
    await _delivered_twice(world)
    own = event_log.DELIVERED_SET.c

    async with world.runtime.database.write(dry_run=True) as unit:
        await log_rows.forget(unit, through=BLOCK_EVENTS - 2)
        kept = await unit.rows(select(own.block))
        await log_rows.forget(unit, through=BLOCK_EVENTS - 1)
        left = await unit.rows(select(own.block))

    assert (len(kept), len(left)) == (2, 0)


async def test_older_deliveries_are_moved_into_sets(
    data_dir: Path, template: tuple[Path, Demo]
) -> None:
    """Their lists, hashes and the filter by secret are what they were."""
    demo = template[1]
    async with open_world(data_dir, demo) as world:
        secret = await world.rest.create(Scope.JOB, demo.job_id, key="OLD", value="v")
        await _delivered_twice(world)
        before = await _deliveries(world)
    await stepped(data_dir, "0019", down=True)
    old = _query(data_dir, "SELECT details FROM audit_event WHERE action = 'VALUES_DELIVERED'")

    await stepped(data_dir, "head")

    assert [json.loads(details) for (details,) in reversed(old)] == before
    async with open_world(data_dir, demo) as world:
        assert _sets(world) == 2
        assert await _deliveries(world) == before
        assert len(await _deliveries(world, secretId=secret.row["id"])) == 1
        assert await faults(world) == []


async def test_an_auditor_of_a_job_finds_only_deliveries_of_visible_secrets(world: World) -> None:
    demo = world.demo
    own = await world.rest.create(Scope.JOB, demo.job_id, key="OWN", value="v")
    wide = await world.rest.create(Scope.PROJECT, demo.project_id, key="WIDE", value="v")
    await _deliver(world, demo.job_id)
    auditor = await world.client_with(Role.AUDITOR, on=HolderReference(Scope.JOB, demo.job_id))

    async def found(secret_id: str) -> int:
        only = {"secretId": secret_id, "actions": ["VALUES_DELIVERED"]}
        body = {"query": EVENTS, "variables": {"filter": only}}
        answer = (await auditor.post("/graphql", json=body)).json()
        return len(answer["data"]["auditEvents"]["edges"])

    assert (await found(own.row["id"]), await found(wide.row["id"])) == (1, 0)


async def test_what_lost_its_set_before_the_upgrade_is_refused_after_it(
    data_dir: Path, template: tuple[Path, Demo]
) -> None:
    async with open_world(data_dir, template[1]) as world:
        await _delivered_twice(world)
    await stepped(data_dir, "0023", down=True)
    run_by_force(data_dir, ATTACKS["deleted"])

    await stepped(data_dir, "head")

    async with open_world(data_dir, template[1]) as world:
        answer = await world.client.post("/graphql", json={"query": EVENTS})
        assert await faults(world) == ["ALTERED"]
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["UNAVAILABLE"]


@pytest.mark.parametrize("number", range(4))
async def test_sets_lead_to_the_deliveries_of_many_spans(world: World, number: int) -> None:
    """The numbers have gaps, so that few deliveries are in many spans and blocks."""
    chance = Random(number)  # noqa: S311 - test data
    step = chance.choice([37, 311, 2_999])
    events = [_delivery(10_000 + step * each, chance.choice("abc")) for each in range(300)]
    first, last = sorted(chance.sample(range(10_000, 10_000 + step * 300), 2))
    wanted = [each.seq for each in events if each.actor_id == "a" and first <= each.seq <= last]
    async with world.runtime.database.write(dry_run=True) as unit:
        event_log.append(unit, [SealedEvent(each, b"") for each in events])
        is_of_actor = event_log.DELIVERED_SET.c.actor_id == "a"
        found = Deliveries(unit, [is_of_actor], (), first, last)

        assert await found.seqs(1_000, is_ascending=True) == wanted
        assert await found.seqs(7) == wanted[: -len(wanted) - 1 : -1][:7]
        assert await found.count() == len(wanted)


def _delivery(seq: int, actor_id: str, **changed: Any) -> AuditEvent:
    fields = {
        "seq": seq,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "actor_kind": "TOKEN",
        "actor_id": actor_id,
        "action": "VALUES_DELIVERED",
        "subject": "HOLDER",
        "subject_id": "holder",
        "organization_id": "organization",
        "project_id": "project",
        "holder_id": "holder",
        "key": None,
        "face": "REST",
        "request_id": None,
        "details": details_text({"keys": 0, "secrets": {}}),
        "set_mac": b"",
        "prev_hash": b"",
    }
    return AuditEvent(**{**fields, **changed})


VERSIONS = st.dictionaries(st.uuids().map(str), st.integers(0, 2**40), max_size=30)


@given(versions=VERSIONS)
def test_a_list_comes_back_as_it_was(versions: Mapping[str, int]) -> None:
    details = details_text({"keys": len(versions), "secrets": versions})

    taken = DeliveredSet.of(_delivery(1, "actor", details=details))

    assert taken
    assert with_secrets(taken[1], taken[0].secrets) == details


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "SECRET_CHANGED"},
        {"subject_id": "another"},
        {"organization_id": None},
        {"project_id": None},
        {"actor_id": ""},
    ],
    ids=str,
)
def test_an_event_that_a_set_cannot_have_is_stored_as_it_is(changed: Mapping[str, Any]) -> None:
    assert DeliveredSet.of(_delivery(1, **{"actor_id": "actor", **changed})) is None


@pytest.mark.parametrize(
    "details",
    [
        '{"keys":1}',
        '{"keys":1,"secrets":{"no id":1}}',
        '{"keys":1,"secrets":{"0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10":-1}}',
        '{"keys":1, "secrets":{}}',
        '{"keys":1,"secrets":[]}',
        "[]",
        "{",
        "[" * 100_000,
    ],
)
def test_other_details_are_stored_as_they_are(details: str) -> None:
    assert DeliveredSet.of(_delivery(1, "actor", details=details)) is None


@given(details=st.text(), secrets=st.binary())
def test_forged_texts_and_lists_are_read_without_an_error(details: str, secrets: bytes) -> None:
    assert isinstance(with_secrets(details, secrets), str)
