"""An idempotency key is known for a day."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.app import build_app
from gateway.runtime import Runtime
from gateway.services.context import ServiceContext, utc_now
from gateway.services.demo import Demo
from tests.patience import patient_settings

DAY: Final = timedelta(hours=24)


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = field(default_factory=utc_now)

    def now(self) -> datetime:
        """Return the moment it shows."""
        return self.moment

    def move(self, by: timedelta) -> None:
        """Go on."""
        self.moment += by


@dataclass(frozen=True, slots=True)
class Timed:
    """A client of a gateway whose clock can be moved."""

    client: httpx.AsyncClient
    clock: Clock
    path: str

    async def create(self, once: str, key: str) -> httpx.Response:
        """Create a secret under an idempotency key."""
        return await self.client.post(
            self.path, json={"key": key}, headers={"Idempotency-Key": once}
        )


@pytest.fixture
async def timed(template: tuple[Path, Demo], data_dir: Path) -> AsyncIterator[Timed]:
    """A gateway whose clock can be moved."""
    clock, demo = Clock(), template[1]
    made = Runtime.over(patient_settings(data_dir))
    context = ServiceContext(made.database, made.vault, now=clock.now)
    runtime = Runtime.built_on(context, made.settings)
    async with (
        runtime.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=build_app(runtime)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {demo.token}"},
        ) as client,
    ):
        yield Timed(client, clock, f"/job/{demo.job_id}/secret")


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(), HTTPStatus.CREATED),
        (DAY - timedelta(microseconds=1), HTTPStatus.CREATED),
        (DAY, HTTPStatus.CONFLICT),
        (DAY * 2, HTTPStatus.CONFLICT),
    ],
)
async def test_the_same_request_is_known_for_a_day(
    timed: Timed, age: timedelta, status: HTTPStatus
) -> None:
    first = await timed.create("once", "KEY")
    timed.clock.move(age)

    again = await timed.create("once", "KEY")

    assert again.status_code == status
    assert (again.json() == first.json()) == (status is HTTPStatus.CREATED)


@pytest.mark.parametrize(
    ("age", "status"),
    [(DAY - timedelta(microseconds=1), HTTPStatus.CONFLICT), (DAY, HTTPStatus.CREATED)],
)
async def test_a_forgotten_key_can_be_used_for_something_else(
    timed: Timed, age: timedelta, status: HTTPStatus
) -> None:
    await timed.create("once", "KEY")
    timed.clock.move(age)

    other = await timed.create("once", "OTHER")

    assert other.status_code == status


async def test_a_used_key_is_not_kept_longer_by_its_use(timed: Timed) -> None:
    await timed.create("once", "KEY")
    timed.clock.move(DAY / 2)
    await timed.create("once", "KEY")
    timed.clock.move(DAY / 2)

    again = await timed.create("once", "KEY")

    assert again.status_code == HTTPStatus.CONFLICT
