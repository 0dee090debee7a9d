"""Gateways that are counted: one in this process, and the served one."""

import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import build_app
from gateway.domain.principals import Principal
from gateway.ops import metrics
from gateway.ops.metrics import Metrics
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from tests.patience import PATIENCE, patient_settings, wait_until
from tests.servers import LiveServer
from tests.world import token_principal

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(exposition: str) -> Samples:
    """Return the value of each series by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def value_of(exposition: str, name: str, **labels: str) -> float:
    """Return the value of one series; 0 if it is not there."""
    return samples_of(exposition).get((f"secrets_gateway_{name}", frozenset(labels.items())), 0)


@dataclass(frozen=True, slots=True)
class Counted:
    """A gateway in this process with metrics of its own, and a client for its demo."""

    runtime: Runtime
    demo: Demo
    client: httpx.AsyncClient
    registry: CollectorRegistry

    @property
    def exposition(self) -> str:
        return generate_latest(self.registry).decode()

    async def principal(self) -> Principal:
        return await token_principal(self.runtime, self.demo.token)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counted(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Counted]:
    folder, demo = template
    data_dir = shutil.copytree(folder, tmp_path_factory.mktemp("counted") / "data")
    registry = CollectorRegistry()
    settings = patient_settings(data_dir, audit_events_file=data_dir / "events.jsonl")
    runtime = Runtime.over(settings)
    app = build_app(runtime, metrics=Metrics(registry))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "PERIOD", 0.05)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://localhost",
                headers={"Authorization": f"Bearer {demo.token}"},
            ) as client,
        ):
            yield Counted(runtime, demo, client, registry)


@pytest.fixture
def scrape(live_server: LiveServer) -> Callable[[], str]:
    """Return what reads the metrics of the served gateway, which all tests of a process share."""
    found = wait_until(lambda: re.search(r"http://[\d.:]+/metrics", live_server.logged))
    return lambda: httpx.get(found[0], timeout=PATIENCE).raise_for_status().text
