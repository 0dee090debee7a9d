"""What is kept of earlier reads changes no answer, whoever writes."""

import gc
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.errors import ErrorCode
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from gateway.services.kept_answers import KeptAnswer
from gateway.storage.memory import Memory
from gateway.storage.unit_of_work import ReadUnit
from tests.audit.audit_log import database_of, events_since, last_seq, run_by_force
from tests.faces import GraphQLFace
from tests.unit.test_sqlite_dialect import counting_visits
from tests.world import World, open_world

# The sign-in, which is never answered from memory, and the end of the view.
VISITS_OF_A_REPEATED_READ = 2
# The same, and a look at what was recorded since.
VISITS_AFTER_A_DELIVERY = 3
SEEN = """query ($job: ID!, $project: ID!) {
  job(id: $job) {
    name
    visibleSecrets { edges { node { key version updatedAt holder { name } } } }
    effectiveSecrets { edges { node { key secret { version } } } }
  }
  project(id: $project) { name secrets { totalCount edges { cursor node { key description } } } }
}"""


RENAME = """mutation ($id: ID!, $name: String!) {
  renameHolder(holder: {jobId: $id}, name: $name) { errors { message } }
}"""
DELIVERY = """query ($job: ID!) {
  job(id: $job) { name }
  runtimeSecrets(serviceId: $job, keys: ["CANARY"]) { value }
}"""
DELIVERY_OF_ALL = "query ($job: ID!) { runtimeSecrets(serviceId: $job) { key } }"
TOKENS = "{ apiTokens { edges { node { lastUsedAt } } } }"
CURSOR = "{ changeCursor }"
DELIVERED = "{ auditEvents(filter: {actions: [VALUES_DELIVERED]}) { nodes { action } } }"
NEW_TOKEN = """mutation {
  createApiToken(name: "a reader", role: VIEWER) { token apiToken { id } errors { code } }
}"""
REVOCATION = "mutation ($id: ID!) { revokeApiToken(tokenId: $id) { errors { code } } }"
# A secret's scope, holder, id and key.
Place = tuple[Scope, str, str, str]


def _places(world: World) -> Mapping[str, str]:
    return {"job": world.demo.job_id, "project": world.demo.project_id}


async def _seen(world: World) -> Any:
    return await world.graphql.ask(SEEN, _places(world))


async def test_a_repeated_read_asks_only_who_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = world.demo.job_id
    expected = await world.rest.visible(Scope.JOB, job_id)
    with counting_visits(monkeypatch) as visits:
        assert await world.rest.visible(Scope.JOB, job_id) == expected
    repeated = len(visits)
    await world.rest.create(Scope.JOB, job_id, key="NEW", value="v")
    with counting_visits(monkeypatch) as visits:
        assert await world.rest.visible(Scope.JOB, job_id) != expected

    assert repeated == VISITS_OF_A_REPEATED_READ < len(visits)


@pytest.mark.rule("H1")
async def test_an_unchanged_list_or_secret_asks_only_who_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (f"/job/{world.demo.job_id}/secret", f"/variable/{world.demo.built_in_secret_id}"):
        first = await world.client.get(path)
        known = {"If-None-Match": first.headers["ETag"]}
        with counting_visits(monkeypatch) as visits:
            again = await world.client.get(path, headers=known)
        await world.rest.create(Scope.JOB, world.demo.job_id, key=f"NEW_{len(path)}", value="v")
        with counting_visits(monkeypatch) as visits_after_a_change:
            await world.client.get(path, headers=known)

        assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
        assert len(visits) == VISITS_OF_A_REPEATED_READ < len(visits_after_a_change)


async def test_who_may_no_longer_read_gets_no_304(world: World) -> None:
    path = f"/job/{world.demo.job_id}/secret"
    made = await world.graphql.ask(NEW_TOKEN, {})
    client = world.client_for(made["createApiToken"]["token"])
    first = await client.get(path)
    known = {"If-None-Match": first.headers["ETag"]}
    before = await client.get(path, headers=known)
    token_id = made["createApiToken"]["apiToken"]["id"]
    await world.graphql.ask(REVOCATION, {"id": token_id})

    after = await client.get(path, headers=known)

    assert [each.status_code for each in (first, before, after)] == [
        HTTPStatus.OK,
        HTTPStatus.NOT_MODIFIED,
        HTTPStatus.UNAUTHORIZED,
    ]


async def test_a_long_list_is_one_execution(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many visits as for a short one."""
    demo = world.demo
    rows = [{"name": f"K{n}", "value": "v", "scope": "JOB", "is_secret": True} for n in range(300)]
    counts = []
    for job_id, imported in ((demo.job_id, rows), (demo.other_job_id, rows[:1])):
        path = f"/job/{job_id}/environmentVariable/import"
        (
            await world.client.post(path, json={"overwrite": False, "vars": imported})
        ).raise_for_status()
        await world.client.get(f"/project/{demo.project_id}/secret")
        with counting_visits(monkeypatch) as visits:
            listed = await world.client.get(f"/job/{job_id}/secret")
        counts.append((len(listed.json()["results"]) > len(imported), len(visits)))

    assert counts[0] == counts[1]


async def test_a_delivery_makes_nobody_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = world.demo.job_id
    expected = await world.rest.visible(Scope.JOB, job_id)
    await world.graphql.ask(DELIVERY_OF_ALL, {"job": job_id})
    with counting_visits(monkeypatch) as visits:
        assert await world.rest.visible(Scope.JOB, job_id) == expected

    assert len(visits) == VISITS_AFTER_A_DELIVERY


def _keep_for_ever(unit: ReadUnit, *_: object) -> None:
    unit.memory = unit.connection_info.setdefault("memory", Memory(1_000_000))
    unit.answers = unit.connection_info.setdefault("answers", Memory(1_000_000))


def _take_all_for_deliveries(unit: ReadUnit, data_version: int, *_: object) -> None:
    async def is_changed(_: int) -> bool:
        return False

    _remember(unit, data_version, 0, is_changed)


_remember = ReadUnit.remember


async def _change(writer: World, chosen: random.Random, step: int, written: list[Place]) -> None:
    scope = chosen.choice([Scope.JOB, Scope.PROJECT])
    action = chosen.choice(["create", "create", "edit", "delete", "rename", "deliver", "deliver"])
    if action == "deliver":
        await writer.graphql.ask(DELIVERY_OF_ALL, {"job": writer.demo.job_id})
    elif action == "create" or not written:
        holder, key = writer.holders[scope], f"K{step}"
        made = await writer.rest.create(scope, holder, key=key, value="v")
        written.append((scope, holder, made.row["id"], key))
    elif action == "edit":
        scope, holder, secret_id, key = chosen.choice(written)
        await writer.rest.edit(scope, holder, secret_id, key=key, description=f"d{step}")
    elif action == "delete":
        scope, holder, secret_id, _ = written.pop(chosen.randrange(len(written)))
        await writer.rest.delete(scope, holder, secret_id)
    else:
        await writer.graphql.ask(RENAME, {"id": writer.demo.job_id, "name": f"job {step}"})


def _read_everything(*_: object) -> None:
    pass


@dataclass(slots=True)
class Browser:
    """A client that keeps the answers of REST paths, and asks whether they have changed."""

    world: World
    kept: dict[str, httpx.Response] = field(default_factory=dict)
    unchanged: int = 0

    @property
    def paths(self) -> list[str]:
        demo = self.world.demo
        lists = [f"/job/{demo.job_id}/secret", f"/project/{demo.project_id}/secret"]
        return [*lists, f"/variable/{demo.built_in_secret_id}"]

    async def seen(self) -> list[bytes]:
        """Return what it shows: what it has kept where that is current, else what it gets."""
        for path in self.paths:
            known = self.kept.get(path)
            headers = {} if known is None else {"If-None-Match": known.headers["ETag"]}
            answer = await self.world.client.get(path, headers=headers)
            self.unchanged += answer.status_code == HTTPStatus.NOT_MODIFIED
            if answer.status_code == HTTPStatus.OK:
                self.kept[path] = answer
        return [self.kept[path].content for path in self.paths]

    async def sent(self) -> list[bytes]:
        """Return what it would get if it had kept nothing."""
        return [(await self.world.client.get(path)).content for path in self.paths]


async def _differences(
    writers: list[World], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int, int]:
    """Change the database through both gateways; count the answers that memory made different.

    Return how many those are over GraphQL and over REST, and how often REST answered 304.
    """
    chosen, written, differences = random.Random(7), list[Place](), [0, 0]  # noqa: S311 - not a secret
    browsers = [Browser(world) for world in writers]
    for step in range(30):
        await _change(chosen.choice(writers), chosen, step, written)
        for browser in browsers:
            answer, shown = await _seen(browser.world), await browser.seen()
            with monkeypatch.context() as patched:
                patched.setattr(ReadUnit, "remember", _read_everything)
                patched.setattr(Memory, "get", lambda *_: None)
                differences[0] += answer != await _seen(browser.world)
                differences[1] += shown != await browser.sent()
    return differences[0], differences[1], sum(browser.unchanged for browser in browsers)


@pytest.mark.parametrize(
    ("remember", "is_exact"),
    [(_remember, True), (_keep_for_ever, False), (_take_all_for_deliveries, False)],
    ids=[
        "as it is",
        "control: nothing is ever forgotten",
        "control: every event is taken for a delivery",
    ],
)
async def test_every_answer_is_as_if_nothing_were_kept(
    world: World,
    template: tuple[Path, Demo],
    monkeypatch: pytest.MonkeyPatch,
    remember: Callable[..., None],
    is_exact: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setattr(ReadUnit, "remember", remember)
    async with open_world(world.runtime.settings.data_dir, template[1]) as other:
        over_graphql, over_rest, unchanged = await _differences([world, other], monkeypatch)

    assert (over_graphql == 0) is is_exact
    assert (over_rest == 0) is is_exact
    assert unchanged > 0


async def test_a_row_that_was_changed_by_force_is_refused_although_it_was_kept(
    world: World,
) -> None:
    path = f"/job/{world.demo.job_id}/secret"
    before = await world.client.get(path)
    run_by_force(database_of(world), "UPDATE secret SET key = key || 'X' WHERE scope = 'JOB'")

    answer = await world.client.get(path)

    assert before.status_code == HTTPStatus.OK
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.json()["code"] == ErrorCode.UNAVAILABLE


async def test_who_sees_less_gets_no_answer_of_somebody_who_sees_more(world: World) -> None:
    on_job = HolderReference(Scope.JOB, world.demo.job_id)
    narrow = GraphQLFace(await world.client_with(Role.VIEWER, on=on_job))
    everything = await _seen(world)

    shown = await narrow.ask(SEEN, _places(world))

    assert shown != everything == await _seen(world)
    assert shown == await narrow.ask(SEEN, _places(world))


async def test_a_page_of_the_log_is_refused_as_soon_as_a_check_finds_why(world: World) -> None:
    """No commit comes between: the same question must not get the answer of before."""
    audit, asked = world.runtime.operator.audit, {"query": DELIVERED}
    await world.rest.create(Scope.JOB, world.demo.job_id, key="CANARY", value="v")
    await world.graphql.ask(DELIVERY, {"job": world.demo.job_id})
    await audit.watch_log()
    run_by_force(database_of(world), "DELETE FROM delivered_set")
    before = (await world.client.post("/graphql", json=asked)).json()
    await audit.watch_log()

    after = (await world.client.post("/graphql", json=asked)).json()

    assert before["data"]["auditEvents"] == {"nodes": []}
    assert after["errors"][0]["extensions"]["code"] == ErrorCode.UNAVAILABLE


async def test_what_a_client_sends_takes_no_room(world: World) -> None:
    """Nor does it stay: variables that a query does not use can have a value."""
    long = "a value among the variables " * 1_000
    before = len(_kept())
    for number in range(20):
        await world.graphql.ask("{ viewer { id } }", {"unused": f"{number} {long}"})

    assert long not in _kept()
    assert len(_kept()) - before < len(long)


def _kept() -> str:
    """Return all that this process remembers, also of the gateways of other tests."""
    found = [each for each in gc.get_objects() if isinstance(each, Memory)]
    answers = [each.content for each in gc.get_objects() if isinstance(each, KeptAnswer)]
    return repr([*map(vars, found), *answers])


async def test_deliveries_are_recorded_each_time_and_their_values_are_not_kept(
    world: World,
) -> None:
    job_id, canary = world.demo.job_id, "a value that nobody keeps"
    await world.rest.create(Scope.JOB, job_id, key="CANARY", value=canary)
    before = await last_seq(world)
    answers = [await world.graphql.ask(DELIVERY, {"job": job_id}) for _ in range(3)]
    recorded = await events_since(world, before)
    await _seen(world)

    kept = _kept()

    assert [answer["runtimeSecrets"] for answer in answers] == [[{"value": canary}]] * 3
    assert [event["action"] for event in recorded] == ["VALUES_DELIVERED"] * 3
    assert canary not in kept
    assert '"visibleSecrets":' in kept
    assert "CANARY" in kept


def test_the_memory_keeps_what_was_used_last_within_its_size() -> None:
    memory = Memory(10_000)
    memory.keep("kept", 1, size=1_000)
    for number in range(20):
        memory.keep(number, number, size=1_000)
        assert memory.get("kept") == 1
    assert (memory.get(0), memory.get(19)) == (None, 19)
    assert len(memory) <= 10


def test_what_does_not_fit_is_not_kept() -> None:
    memory = Memory(10_000)
    memory.keep("large", 1, size=6_000)

    assert memory.get("large") is None


async def test_what_changes_without_an_event_is_read_again(
    world: World, template: tuple[Path, Demo]
) -> None:
    """Another gateway's delivery follows, after which answers are kept."""
    ask, settings = world.graphql.ask, world.runtime.settings
    before = [await ask(each, {}) for each in (TOKENS, CURSOR)]
    async with open_world(settings.data_dir, template[1]) as other:
        await other.graphql.ask(DELIVERY_OF_ALL, {"job": world.demo.job_id})
        await other.runtime.operator.token_uses.store()

        after = [await ask(each, {}) for each in (TOKENS, CURSOR)]

    assert [now == then for now, then in zip(after, before, strict=True)] == [False, False]
