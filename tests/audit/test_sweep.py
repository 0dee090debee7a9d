"""A marker in every place that takes a text, over both faces: where it may not be, it is not.

One run sends all requests; each test looks at one place where something could have been left.
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import structlog

from gateway.config.types import LogFormat
from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.storage.dialects.copies import copy_online
from tests.audit.audit_log import events_of
from tests.audit.graphql_sweep import places, requests
from tests.audit.markers import Kind, found_in, marker_for
from tests.audit.rest_sweep import rest_requests
from tests.operations.callers import settle
from tests.operations.canaries import all_logs, stored_bytes
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"


@dataclass(slots=True)
class Sweep:
    """What was sent, and all that was seen of it."""

    sent: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    answers: list[str] = field(default_factory=list)
    logs: str = ""

    def note(self, marker: str, answer: httpx.Response) -> None:
        """Keep what a request was answered."""
        self.sent.add(marker)
        self.statuses.add(answer.status_code)
        self.answers.append(f"{answer.headers} {answer.text}")


def _ids(world: World) -> dict[str, str]:
    demo = world.demo
    holders = {scope.id_argument: value for scope, value in world.holders.items()}
    secret = {"secretId": demo.built_in_secret_id, "variableId": demo.built_in_secret_id}
    named = ("service_id", "parent_id", "serviceId")
    return (
        dict.fromkeys(named, demo.job_id)
        | holders
        | secret
        | {"organizationId": demo.organization_id, "id": demo.job_id, "ids": demo.job_id}
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sweep(shared_world: World) -> Sweep:
    """The one run."""
    seen, ids = Sweep(), _ids(shared_world)
    # Subscriptions are answered as events, and all of these end: each has something wrong.
    accept = "application/json, text/event-stream"
    headers = {"Content-Type": "application/json", "Accept": accept}
    with all_logs(LogFormat.JSON) as logs:
        for place in places():
            for marker, body in requests(place, ids):
                answer = await shared_world.client.post("/graphql", content=body, headers=headers)
                seen.note(marker, answer)
        for marker, request in rest_requests(ids):
            request.headers["Authorization"] = shared_world.client.headers["Authorization"]
            seen.note(marker, await shared_world.client.send(request))
    # The client that sends these requests logs their addresses; it is no part of the gateway.
    lines = logs.getvalue().splitlines(keepends=True)
    seen.logs = "".join(line for line in lines if '"logger": "http' not in line)
    return seen


async def test_the_run_reaches_successes_and_every_kind_of_failure(
    sweep: Sweep,
) -> None:
    """The control of the run: it is not one refusal, repeated."""
    codes = {"BAD_USER_INPUT", "NOT_FOUND", "CONFLICT", "READ_ONLY"}

    codes_of = {code for code in codes if any(f'"{code}"' in answer for answer in sweep.answers)}

    assert len(sweep.sent) > 500
    assert {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.BAD_REQUEST} <= sweep.statuses
    assert HTTPStatus.INTERNAL_SERVER_ERROR not in sweep.statuses
    assert not any('"INTERNAL"' in answer for answer in sweep.answers)
    assert codes_of == codes


async def test_values_have_been_stored_and_are_delivered(sweep: Sweep, shared_world: World) -> None:
    """The control of all tests below: the markers went in, and the one door gives them out."""
    delivered = [
        (await shared_world.client.post("/graphql", json=_delivery(job_id))).content
        for job_id in (shared_world.demo.job_id, shared_world.holders[Scope.CONTAINER])
    ]

    assert len(found_in(b"".join(delivered), Kind.VALUE) & sweep.sent) >= 2


def _delivery(service_id: str) -> dict[str, object]:
    return {"query": DELIVERY, "variables": {"id": service_id}}


@pytest.mark.rule("S46", "S51")
async def test_nothing_sent_is_in_a_log(sweep: Sweep) -> None:
    """Whatever it was."""
    assert sweep.logs.count('"event": "request"') >= len(sweep.sent)
    assert found_in(sweep.logs.encode(), *Kind) == set()


async def test_a_log_line_with_a_marker_would_be_seen() -> None:
    """The control of the test above."""
    marker = marker_for("value")
    with all_logs(LogFormat.JSON) as logs:
        structlog.get_logger("test").info("planted", field=f"a {marker}", raw=marker.encode().hex())

    assert found_in(logs.getvalue().encode(), *Kind) == {marker}


@pytest.mark.rule("S28", "S46")
async def test_no_answer_says_a_value_or_quotes_what_was_refused(sweep: Sweep) -> None:
    """Only what is kept is told back."""
    answers = "\n".join(sweep.answers).encode()

    assert found_in(answers, Kind.VALUE, Kind.OTHER) == set()
    assert found_in(answers, Kind.KEPT) <= sweep.sent
    assert found_in(answers, Kind.KEPT)


@pytest.mark.rule("S46")
async def test_no_file_holds_a_value_or_what_was_only_asked_with(
    sweep: Sweep, shared_world: World
) -> None:
    """The database, its journal, the key file, the anchors."""
    files = stored_bytes(shared_world.runtime.settings.data_dir)

    assert found_in(files, Kind.VALUE, Kind.PATH, Kind.OTHER) == set()
    assert found_in(files, Kind.KEPT) & sweep.sent


@pytest.mark.rule("S46", "S57")
async def test_no_backup_holds_a_value(sweep: Sweep, shared_world: World, tmp_path: Path) -> None:
    """The control is what may be told, which is found in it."""
    copy_online(shared_world.runtime.settings.data_dir / "secrets.db", tmp_path / "copy.db")

    content = (tmp_path / "copy.db").read_bytes()
    assert found_in(content, Kind.VALUE, Kind.PATH, Kind.OTHER) == set()
    assert found_in(content, Kind.KEPT) & sweep.sent


@pytest.mark.rule("S46", "S51")
async def test_the_audit_log_says_keys_and_claims_and_nothing_else_that_was_sent(
    sweep: Sweep, shared_world: World
) -> None:
    events = [dict(event) for event in await events_of(shared_world)]
    keys = {event.pop("key") for event in events}
    rules = [event.pop("details") for event in events if event["subject"] == "CLAIM_RULE"]

    assert found_in(json.dumps(events).encode(), *Kind) == set()
    assert keys & sweep.sent
    # Whom a rule lets in is nowhere else once the rule is deleted; its name is not there.
    assert all(rule.keys() == {"conditions", "expires_at", "issuer", "role"} for rule in rules)
    assert found_in(json.dumps(rules).encode(), *Kind) & sweep.sent


@pytest.mark.rule("S13", "S46")
async def test_another_organization_sees_nothing_of_it(sweep: Sweep, shared_world: World) -> None:
    """Neither lists nor the trail nor refusals tell it what others sent."""
    stranger = await settle(shared_world)
    lists = [f"/{scope.lower()}/{shared_world.holders[scope]}/secret" for scope in LEGACY_SCOPES]
    asked = [await stranger.client.get(path) for path in [*lists, f"/job/{stranger.job_id}/secret"]]
    document = """{ projects { edges { node { name secrets { edges { node { key description
        mountPath } } } } } } auditEvents(first: 100) { edges { node { key details } } } }"""
    asked.append(await stranger.client.post("/graphql", json={"query": document}))

    assert sweep.sent
    assert asked[-1].json()["data"]["auditEvents"]["edges"]
    assert found_in(b"".join(item.content for item in asked), *Kind) == set()
