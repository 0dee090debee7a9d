"""Killed while it writes. Nothing acknowledged is lost, nothing sent again is done twice."""

import asyncio
import os
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Final

import httpx
import pytest

from gateway.config.settings import Settings
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from tests.faults.dying import dying_app
from tests.races.arena import Arena, client_of, new_key
from tests.races.processes import (
    MakeApp,
    listening_socket,
    running_several,
    strict_app,
    url_of,
)
from tests.servers import LiveServer

KILLS: Final = int(os.environ.get("FAULT_KILLS", "500"))
# After so many a new folder, since the whole trail is looked at after each.
KILLS_OF_A_FOLDER: Final = 20
WRITERS: Final = 12
MAX_ACKNOWLEDGED: Final = 400
GRACE_SECONDS: Final = 2
NEVER: Final = 10**9
CREATE_JOB: Final = """mutation ($id: ID!, $name: String!) {
    createService(environmentId: $id, type: JOB, name: $name) { holder { id } } }"""
DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"

pytestmark = pytest.mark.timeout(3_600)


@dataclass(slots=True)
class Storm:
    """Writers at one job, and what they heard: values by key, also of what may not be there."""

    client: httpx.AsyncClient
    job_id: str
    enough: int
    strike: Callable[[], None]
    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, str] = field(default_factory=dict)

    @property
    def unclear(self) -> dict[str, str]:
        """What was sent and may or may not be there."""
        return {key: self.sent[key] for key in self.sent.keys() - self.acknowledged.keys()}

    async def blow(self) -> None:
        """Write until the server is gone."""
        writers = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        await asyncio.wait(writers, return_when=asyncio.FIRST_COMPLETED)
        # Whoever connects just now is taken by the socket, though nobody serves it any more.
        _, late = await asyncio.wait(writers, timeout=GRACE_SECONDS)
        for writer in late:
            writer.cancel()
        for answer in await asyncio.gather(*writers, return_exceptions=True):
            if isinstance(answer, AssertionError):
                raise answer

    async def send(self, key: str, value: str) -> int:
        """Create a secret under an idempotency key of its own."""
        response = await self.client.post(
            f"/job/{self.job_id}/secret",
            json={"key": key, "value": value},
            headers={"Idempotency-Key": key},
        )
        return response.status_code

    async def _write(self) -> None:
        while True:
            key, value = new_key(), new_key()
            self.sent[key] = value
            try:
                status = await self.send(key, value)
            except httpx.TransportError:
                return
            assert status == HTTPStatus.CREATED
            self.acknowledged[key] = value
            if len(self.acknowledged) == self.enough:
                self.strike()


@dataclass(frozen=True, slots=True)
class Scene:
    """A data folder that servers come and go over, and how long each took to be ready after."""

    folder: Path
    demo: Demo
    ready_after: list[float]

    async def die(self, make_app: MakeApp, *, enough: int) -> tuple[int, int]:
        """Let a server die, and look at what the next one finds.

        Returns how much was acknowledged, and how much was kept though nobody heard of it.
        """
        with listening_socket() as listening:
            server = LiveServer(url_of(listening), {"token": self.demo.token})
            async with client_of(server) as client:
                arena = Arena(client, self.demo, self.folder / "secrets.db")
                with running_several(make_app, self.folder, listening, processes=1) as victims:
                    storm = Storm(client, await _fresh_job(arena), enough, victims[0].kill)
                    await storm.blow()
                    victims[0].join()
                kept_unheard = sum(map(arena.with_key, storm.unclear))
                begun = time.monotonic()
                with running_several(strict_app, self.folder, listening, processes=1):
                    self.ready_after.append(time.monotonic() - begun)
                    await _ensure_nothing_is_lost(arena, storm)
        assert _damage(arena.database) == []
        await _ensure_all_is_reported(self.folder, storm)
        return len(storm.acknowledged), kept_unheard


@pytest.fixture
def scenes(template: tuple[Path, Demo], tmp_path: Path) -> Iterator[Scene]:
    """For each kill a data folder that few others happened to."""
    ready_after: list[float] = []

    def made() -> Iterator[Scene]:
        for number in range(KILLS):
            folder = tmp_path / f"data-{number // KILLS_OF_A_FOLDER}"
            if not folder.exists():
                shutil.copytree(template[0], folder)
            yield Scene(folder, template[1], ready_after)

    return made()


def _print_figures(capsys: pytest.CaptureFixture[str], scene: Scene, acknowledged: int) -> None:
    ready = sorted(scene.ready_after)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{KILLS} kills, {acknowledged} acknowledged, 0 lost, 0 twice; ready after "
            f"{ready[len(ready) // 2]:.2f} s (p50), {ready[len(ready) * 99 // 100]:.2f} s (p99)\n"
        )


async def test_no_write_is_lost_or_doubled_when_the_server_is_killed(
    scenes: Iterator[Scene], capsys: pytest.CaptureFixture[str]
) -> None:
    chance = Random(20)  # noqa: S311 - chooses moments only
    acknowledged = []

    for scene in scenes:
        enough = chance.randint(1, MAX_ACKNOWLEDGED)
        acknowledged.append((await scene.die(strict_app, enough=enough))[0])

    _print_figures(capsys, scene, sum(acknowledged))
    assert min(acknowledged) >= 1


async def test_a_write_whose_answer_was_lost_is_done_once(scenes: Iterator[Scene]) -> None:
    """Committed, and the caller could not know."""
    chance = Random(21)  # noqa: S311 - chooses moments only

    kept_unheard = [
        (await scene.die(partial(dying_app, after=chance.randint(0, 40)), enough=NEVER))[1]
        for scene in scenes
    ]

    assert min(kept_unheard) >= 1


async def _fresh_job(arena: Arena) -> str:
    variables = {"id": arena.demo.environment_id, "name": new_key()}
    made = await arena.graphql.ask(CREATE_JOB, variables)
    job_id: str = made["createService"]["holder"]["id"]
    return job_id


def _damage(database: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        checked = connection.execute("PRAGMA integrity_check").fetchall()
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    return [row for row in (*checked, *dangling) if row != ("ok",)]


async def _ensure_all_is_reported(folder: Path, storm: Storm) -> None:
    """The trail is whole, and tells of every creation once."""
    async with Runtime.over(Settings(data_dir=folder)).running() as runtime:
        report = await runtime.operator.audit.verify()
        answer = [event async for event in runtime.operator.audit.exported()]
        trust_fault, differences = (
            runtime.operator.audit.trust_fault,
            await runtime.operator.audit.scan_integrity(),
        )
    created = Counter(event["key"] for event in answer if event["action"] == "SECRET_CREATED")
    assert (trust_fault, report.findings, differences) == (None, [], [])
    assert {created[key] for key in storm.sent} == {1}


async def _ensure_nothing_is_lost(arena: Arena, storm: Storm) -> None:
    assert storm.unclear
    again = [await storm.send(key, value) for key, value in storm.unclear.items()]
    assert again == [HTTPStatus.CREATED] * len(again)
    answer = await arena.graphql.ask(DELIVER, {"id": storm.job_id})
    delivered = {
        runtime_secret["key"]: runtime_secret["value"]
        for runtime_secret in answer["runtimeSecrets"]
    }
    assert {key: delivered[key] for key in storm.sent} == storm.sent
    stored = arena.count("SELECT count(*) FROM secret WHERE holder_id = ?", storm.job_id)
    assert stored == len(storm.sent)
    assert arena.flaws() == {}
