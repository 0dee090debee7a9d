"""Many requests, each sent many times, out of order and at once, by both faces: one effect.

`FAULT_REPEATS=10000` sends that many; in a run of all tests it is a few hundred.
"""

import asyncio
import json
import os
import random
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import pytest

from gateway.domain.holders import new_id
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(3_600)]

REPEATS: Final = int(os.environ.get("FAULT_REPEATS", "240"))
EACH: Final = 10
DEFAULT_WRITE_OPTIONS: Final = 16
ANSWER: Final = "secret { id key version etag } errors { code }"
DOCUMENTS: Final = {
    "create": f"""mutation ($job: ID!, $key: String!, $once: String) {{ createJobSecret(jobId: $job,
        input: {{ key: $key, value: "v" }}, idempotencyKey: $once) {{ {ANSWER} }} }}""",
    "edit": f"""mutation ($job: ID!, $id: ID!, $key: String!, $once: String) {{ editJobSecret(
        jobId: $job, secretId: $id, input: {{ key: $key, value: "v" }}, idempotencyKey: $once
    ) {{ {ANSWER} }} }}""",
    "delete": """mutation ($job: ID!, $id: ID!, $once: String) { deleteJobSecret(
        jobId: $job, secretId: $id, idempotencyKey: $once
    ) { deletedSecretIds errors { code } } }""",
    "alias": f"""mutation ($job: ID!, $id: ID!, $key: String!, $once: String) {{
        createJobSecretAlias(jobId: $job, secretId: $id, input: {{ key: $key }},
        idempotencyKey: $once) {{ {ANSWER} }} }}""",
    "import": """mutation ($job: ID!, $key: String!, $once: String) { importSecrets(
        holder: { jobId: $job }, secrets: [{ key: $key, value: "v", scope: JOB }], overwrite: true,
        idempotencyKey: $once) { rows { action secret { id version } } errors { code } } }""",
    "token": """mutation ($job: ID!, $key: String!, $once: String) { createApiToken(
        name: $key, role: VIEWER, holder: { jobId: $job }, idempotencyKey: $once
    ) { token apiToken { id } grant { id } errors { code } } }""",
}
DOUBLES: Final = """SELECT count(*), coalesce(sum(times), 0) FROM (SELECT count(*) AS times
    FROM audit_event WHERE seq > ? GROUP BY subject_id, action HAVING count(*) > 1)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One change: what is done, at which job, to what, and the key under which it is sent."""

    kind: str
    job_id: str
    key: str
    secret_id: str
    once: str | None

    @property
    def effects(self) -> int:
        """How many events it makes: a token comes with its grant."""
        return 2 if self.kind == "token" else 1

    def request(self, *, is_rest: bool) -> Mapping[str, Any]:
        """Return it as one face takes it; there is no path for a token."""
        if is_rest and self.kind != "token":
            return self._by_rest()
        named = {"job": self.job_id, "id": self.secret_id, "key": self.key, "once": self.once}
        return {
            "method": "POST",
            "url": "/graphql",
            "json": {"query": DOCUMENTS[self.kind], "variables": named},
        }

    def _by_rest(self) -> Mapping[str, Any]:
        path = f"/job/{self.job_id}"
        body = {"key": self.key, "value": "v"}
        row = {"name": self.key, "value": "v", "scope": "JOB", "is_secret": True}
        method, url, sent = {
            "create": ("POST", f"{path}/secret", body),
            "edit": ("PUT", f"{path}/secret/{self.secret_id}", body),
            "delete": ("DELETE", f"{path}/secret/{self.secret_id}", None),
            "alias": ("POST", f"{path}/secret/{self.secret_id}/alias", {"key": self.key}),
            "import": (
                "POST",
                f"{path}/environmentVariable/import",
                {"overwrite": True, "vars": [row]},
            ),
        }[self.kind]
        headers = {"Idempotency-Key": self.once} if self.once else {}
        return {"method": method, "url": url, "json": sent, "headers": headers}


async def _wanted(world: World, job_id: str, number: int, *, keyed: bool = True) -> Wanted:
    """Return the next change, and make what it is about."""
    kind = list(DOCUMENTS)[number % len(DOCUMENTS)]
    key, secret_id = f"R{number}_{new_id()[:8]}", ""
    if kind in {"edit", "delete", "alias"}:
        body = {"key": f"{key}_OLD", "value": "old"}
        made = await world.client.post(f"/job/{job_id}/secret", json=body)
        secret_id = made.json()["id"]
    return Wanted(kind, job_id, key, secret_id, f"once-{key}" if keyed else None)


async def _send(world: World, wanted: Wanted, *, is_rest: bool) -> tuple[Wanted, bool, str]:
    response = await world.client.request(**wanted.request(is_rest=is_rest))
    while response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        # A busy gateway refuses before it begins; a client sends the request again.
        await asyncio.sleep(int(response.headers["Retry-After"]))
        response = await world.client.request(**wanted.request(is_rest=is_rest))
    assert response.status_code < 300, response.text
    answer = response.json() if response.text else {}
    # What a caller has left of its allowance becomes less with each request.
    answer.pop("extensions", None)
    answered = [response.status_code, response.headers.get("ETag"), json.dumps(answer)]
    return wanted, is_rest, json.dumps(answered)


async def _send_all(
    world: World, sends: Sequence[tuple[Wanted, bool]]
) -> dict[tuple[Wanted, bool], set[str]]:
    answers: dict[tuple[Wanted, bool], set[str]] = defaultdict(set)
    for start in range(0, len(sends), DEFAULT_WRITE_OPTIONS):
        batch = sends[start : start + DEFAULT_WRITE_OPTIONS]
        answered = await asyncio.gather(*(_send(world, item, is_rest=rest) for item, rest in batch))
        for wanted, is_rest, answer in answered:
            answers[wanted, is_rest].add(answer)
    return answers


def _query(world: World, statement: str, *values: int) -> tuple[int, ...]:
    database = world.runtime.settings.data_dir / "secrets.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found: tuple[int, ...] = connection.execute(statement, values).fetchone()
        return found


def _newest(world: World) -> int:
    return _query(world, "SELECT coalesce(max(seq), 0) FROM audit_event")[0]


@pytest.mark.rule("H2")
@pytest.mark.unmeasured
async def test_repeated_requests_have_one_effect_and_one_answer(
    shared_world: World, fresh_job: str
) -> None:
    wanted = [await _wanted(shared_world, fresh_job, index) for index in range(REPEATS // EACH)]
    sends = [(item, number % 2 == 1) for item in wanted for number in range(EACH)]
    random.Random(20).shuffle(sends)  # noqa: S311 - an order, no secret
    before = _newest(shared_world)

    answers = await _send_all(shared_world, sends)

    several = {name for (name, _), answered in answers.items() if len(answered) > 1}
    assert {item.kind for item in several} <= {"token"}
    assert _query(shared_world, DOUBLES, before) == (0, 0)
    assert _newest(shared_world) - before == sum(item.effects for item in wanted)


@pytest.mark.rule("H2")
async def test_a_repeated_token_is_shown_to_one_of_many(
    shared_world: World, fresh_job: str
) -> None:
    """The text is in one answer, and all others name the same token."""
    wanted = await _wanted(shared_world, fresh_job, list(DOCUMENTS).index("token"))

    answered = await asyncio.gather(
        *(_send(shared_world, wanted, is_rest=False) for _ in range(DEFAULT_WRITE_OPTIONS))
    )

    payloads = [
        json.loads(json.loads(item)[2])["data"]["createApiToken"] for _, _, item in answered
    ]
    assert sum(payload["token"] is not None for payload in payloads) == 1
    assert len({payload["apiToken"]["id"] for payload in payloads}) == 1
    codes = [error["code"] for payload in payloads for error in payload["errors"]]
    assert codes == ["TOKEN_ALREADY_SHOWN"] * (DEFAULT_WRITE_OPTIONS - 1)


async def test_without_a_key_repeated_requests_are_seen(
    shared_world: World, fresh_job: str
) -> None:
    """The control: edits and tokens happen as often as they are sent."""
    kinds = list(DOCUMENTS)
    wanted = [
        await _wanted(shared_world, fresh_job, kinds.index(kind), keyed=False)
        for kind in ("edit", "token")
    ]
    before = _newest(shared_world)

    answers = await _send_all(shared_world, [(item, False) for item in wanted] * 3)

    assert all(len(answered) == 3 for answered in answers.values())
    assert _query(shared_world, DOUBLES, before)[0] > 0
    assert _newest(shared_world) - before == 3 * sum(item.effects for item in wanted)
