"""Metrics: what they count, that their labels are bounded, and that Prometheus can read them."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from gateway.ops import metrics_files
from gateway.ops.metrics_files import FOLDER_VARIABLE, reserve_files
from gateway.ops.metrics_listener import serving_metrics
from tests.live.documents import EFFECTIVE
from tests.live.listening import listening_on_a_socket
from tests.monitoring.conftest import Counted, samples_of, value_of
from tests.patience import PATIENCE, until
from tests.servers import LiveServer

CPU: Final = "process_cpu_seconds_total"
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
_BASE_UNITS: Final = ("_seconds", "_bytes", "_info", "_entries")
# Counts of things, which have no unit.
_UNITLESS: Final = re.compile(
    r"secrets_gateway_(pool_(slots|slots_taken|waiting)|subscriptions|sockets|integrity_faults)"
    r"|process_(open|max)_fds"
)


def complaints(exposition: str) -> list[str]:
    """Return what `promtool check metrics` would find, and labels that are not bounded."""
    counters = re.findall(r"^# TYPE (\S+) counter$", exposition, re.MULTILINE)
    unnamed = [name for name in counters if not name.endswith("_total")]
    families = text_string_to_metric_families(exposition)
    return [f"{name}: a counter must end with _total" for name in unnamed] + [
        f"{family.name}: {fault}" for family in families for fault in _faults(family)
    ]


def _faults(family: Metric) -> Iterator[str]:
    is_counter = family.type == "counter"
    if not family.documentation:
        yield "no help"
    if family.type == "unknown":
        yield "no type"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", family.name):
        yield "a name must be in lower case"
    if family.name.endswith("_total") and not is_counter:
        yield "only a counter can end with _total"
    if not (is_counter or family.name.endswith(_BASE_UNITS) or _UNITLESS.fullmatch(family.name)):
        yield "no base unit"
    if any(_ID.search(text) for sample in family.samples for text in sample.labels.values()):
        yield "a label has an id"


@pytest.mark.asyncio(loop_scope="module")
async def test_prometheus_can_read_the_metrics_and_no_label_has_an_id(counted: Counted) -> None:
    await counted.client.get(f"/job/{counted.demo.job_id}/secret")

    assert complaints(counted.exposition) == []


@pytest.mark.parametrize(
    "exposition",
    [
        "# TYPE a_total counter\na_total 1\n",
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a_minutes x\n# TYPE a_minutes gauge\na_minutes 1\n",
        "# HELP a_bytes x\na_bytes 1\n",
        "# HELP a_bytes_total x\n# TYPE a_bytes_total gauge\na_bytes_total 1\n",
        '# HELP a_bytes x\n# TYPE a_bytes gauge\na_bytes{b="38185413-753e-4395-8363-18f1"} 1\n',
    ],
    ids=["no help", "no total", "no unit", "no type", "a gauge", "an id"],
)
def test_a_metric_that_breaks_a_rule_is_found(exposition: str) -> None:
    """The control."""
    assert complaints(exposition)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_is_counted_by_face_operation_and_code(counted: Counted) -> None:
    client, job_id = counted.client, counted.demo.job_id
    before = counted.exposition
    query = {"query": "query ($id: ID!) { job(id: $id) { name } }"}

    await client.get(f"/job/{job_id}/secret")
    await client.get(f"/job/{job_id}/secret", headers={"Authorization": "Bearer none"})
    await client.post("/job/none/secret", json={"key": "A", "value": ""})
    await client.post("/graphql", json={**query, "variables": {"id": job_id}})
    await client.post("/graphql", json=query)

    def grown(face: str, operation: str, code: str) -> float:
        labels = {"face": face, "operation": operation, "code": code}
        return value_of(counted.exposition, "requests_total", **labels) - value_of(
            before, "requests_total", **labels
        )

    assert grown("rest", "listJobSecrets", "OK") == 1
    assert grown("rest", "unmatched", "UNAUTHENTICATED") == 1
    assert grown("rest", "createJobSecret", "NOT_FOUND") == 1
    assert grown("graphql", "job", "OK") == 1
    assert grown("graphql", "job", "BAD_USER_INPUT") == 1
    seconds = {"face": "graphql", "operation": "job"}
    assert value_of(counted.exposition, "request_duration_seconds_count", **seconds) == 2


@pytest.mark.rule("S46")
@pytest.mark.asyncio(loop_scope="module")
async def test_clients_cannot_add_series(counted: Counted) -> None:
    shapes = [
        "query %s { __typename }",
        "{ %s }",
        "{ a: %s, b: __typename }",
        "{ ...%s }",
        "mutation { %s }",
        "{{{ %s",
    ]

    async def send(name: str) -> None:
        for shape in shapes:
            await counted.client.post("/graphql", json={"query": shape % name})
        await counted.client.get(f"/{name}/{name}")

    await send("first")
    before = samples_of(counted.exposition).keys()
    await send("second")

    assert samples_of(counted.exposition).keys() == before


@pytest.mark.asyncio(loop_scope="module")
async def test_deliveries_and_what_the_process_holds_are_read(counted: Counted) -> None:
    path = f"/runtime/{counted.demo.job_id}"

    first = await counted.client.get(path)
    await counted.client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    def value(name: str, **labels: str) -> float:
        return value_of(counted.exposition, name, **labels)

    await until(lambda: value("deliveries_total", outcome="unchanged") == 1)
    assert value("deliveries_total", outcome="recorded") == 1
    assert value("audit_event_lines_total", outcome="written") > 0
    assert value("pool_slots", pool="request_views") == 8
    assert value("pool_slots", pool="writer") == 1
    assert value("cache_entries", cache="plans") > 0
    checkpoint = counted.runtime.settings.resolved_audit_checkpoint_file
    written = value("audit_checkpoint_timestamp_seconds")
    assert written == pytest.approx(checkpoint.stat().st_mtime)
    newest = await counted.runtime.operator.audit.newest_at()
    assert newest
    await until(lambda: value("audit_head_timestamp_seconds") == newest.timestamp())


@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_that_waits_for_a_connection_is_seen(counted: Counted) -> None:
    writer = counted.runtime.database.write_admission
    body = {"key": "WAITED_FOR", "value": ""}

    def value(name: str) -> float:
        return value_of(counted.exposition, name, pool="writer")

    await writer.enter(is_bounded=False)
    try:
        path = f"/job/{counted.demo.job_id}/secret"
        waiting = asyncio.create_task(counted.client.post(path, json=body))
        await until(lambda: value("pool_waiting") == value("pool_slots_taken") == 1)
    finally:
        writer.leave()
    await waiting

    assert value("pool_wait_seconds_count") == 1
    await until(lambda: value("pool_waiting") == value("pool_slots_taken") == 0)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_altered_row_is_a_fault_after_a_scan(counted: Counted) -> None:
    audit, data_dir = counted.runtime.operator.audit, counted.runtime.settings.data_dir

    def value(name: str, **labels: str) -> float:
        return value_of(counted.exposition, name, **labels)

    with sqlite3.connect(data_dir / "secrets.db") as altered:
        altered.execute("UPDATE holder SET name = name || 'x'")
    altered.close()
    await audit.scan_integrity()

    await until(lambda: value("integrity_faults", kind="row") > 0)
    assert value("integrity_faults", kind="trust") == 0
    assert audit.scanned_at
    assert value("integrity_scan_timestamp_seconds") == audit.scanned_at.timestamp()


@pytest.mark.asyncio(loop_scope="module")
async def test_subscriptions_and_sockets_are_seen_while_they_last(
    live_server: LiveServer, scrape: Callable[[], str]
) -> None:
    variables = {"service": live_server.demo["job_id"]}
    labels = {"face": "graphql", "operation": "effectiveSecretsChanged", "code": "OK"}
    before = scrape()

    def grown(name: str, **labels: str) -> float:
        return value_of(scrape(), name, **labels) - value_of(before, name, **labels)

    async with listening_on_a_socket(live_server, EFFECTIVE, variables):
        await until(lambda: grown("subscriptions") == grown("sockets") == 1)
    await until(lambda: grown("subscriptions") == grown("sockets") == 0)

    assert grown("requests_total", **labels) == 1
    assert complaints(scrape()) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_main_listener_has_no_metrics(counted: Counted) -> None:
    answer = await counted.client.get("/metrics")

    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_what_a_dead_worker_held_is_forgotten_and_what_it_counted_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with capture_logs() as logs, serving_metrics("127.0.0.1", 0, workers=2):
        url = next(line["address"] for line in logs if line["event"] == "metrics_served")

        def value(name: str) -> float:
            return samples_of(httpx.get(url, timeout=PATIENCE).text).get((name, frozenset()), 0)

        with worker() as first, worker() as second:
            assert value("held") == 2
            second.kill()
            second.wait()
            assert value("held") == 1
            assert value("counted_total") == 2
            assert first.poll() is None


def test_a_worker_takes_the_room_of_its_metrics_or_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    has_room = reserve_files()
    taken = [file.stat() for file in tmp_path.iterdir()]
    # No disk has so much.
    monkeypatch.setattr(metrics_files, "_SIZES", {"counter": 64 * 1024, "histogram": 2**62})

    has_more = reserve_files()

    assert (has_room, has_more) == (True, False)
    assert all(512 * each.st_blocks >= each.st_size > 0 for each in taken)
    assert {file.name.partition("_")[0] for file in tmp_path.iterdir()} == {"gauge"}


def test_a_worker_whose_number_another_user_has_is_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with capture_logs() as logs, serving_metrics("127.0.0.1", 0, workers=2):
        url = next(line["address"] for line in logs if line["event"] == "metrics_served")
        with worker(), monkeypatch.context() as patched:
            patched.setattr(os, "kill", _refuse)
            answer = httpx.get(url, timeout=PATIENCE)

    assert ("held", frozenset()) not in samples_of(answer.text)


def _refuse(_pid: int, _signal: int) -> None:
    raise PermissionError


WORKER = """
from prometheus_client import Counter, Gauge
Counter("counted", "Counted.").inc()
Gauge("held", "Held.", multiprocess_mode="livesum").set(1)
print(flush=True)
input()
"""


@contextmanager
def worker() -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that has counted something, and holds something."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", WORKER], stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_one_process_serves_both_formats() -> None:
    with capture_logs() as logs, serving_metrics("127.0.0.1", 0, workers=1):
        url = next(line["address"] for line in logs if line["event"] == "metrics_served")
        text = httpx.get(url, timeout=PATIENCE)
        openmetrics = httpx.get(
            url, headers={"Accept": "application/openmetrics-text"}, timeout=PATIENCE
        )
        elsewhere = httpx.get(url.removesuffix("/metrics"), timeout=PATIENCE)

    assert text.headers["Content-Type"].startswith("text/plain")
    assert complaints(text.text) == []
    assert list(openmetrics_families(openmetrics.text))  # type: ignore[no-untyped-call]
    assert elsewhere.status_code == 404
