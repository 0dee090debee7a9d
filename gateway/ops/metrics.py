"""Metrics for Prometheus.

A label has one of a bounded number of values, and never a name, an id or a key. Requests are
counted when they end; what the process holds is read once in a period.
"""

import asyncio
from collections import Counter as Counts
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Final, Literal, NoReturn, TypedDict

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from gateway.domain.errors import IntegrityFault, Unavailable
from gateway.domain.request_records import RequestRecord
from gateway.graphql.documents import admitted, parsed, validated
from gateway.graphql.plans import CACHE as PLANS
from gateway.graphql.streaming import Streaming
from gateway.http.connections import Connections
from gateway.runtime import Runtime
from gateway.storage.admission import Admission

# Seconds between two readings of what the process holds.
PERIOD: Final = 2.0
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# The text and the labels of each metric, by its name without the prefix.
_Texts = Mapping[str, tuple[str, tuple[str, ...]]]
_COUNTERS: Final[_Texts] = {
    "requests_total": (
        "Requests, and operations of WebSockets, that have ended.",
        ("face", "operation", "code"),
    ),
    "connections_refused_total": (
        "Connections, and requests that were not complete, refused before any work.",
        ("reason",),
    ),
    "deliveries_total": (
        "Deliveries of values: recorded in the audit log, or answered as unchanged.",
        ("outcome",),
    ),
    "audit_event_lines_total": (
        "Events whose line in the file or on standard output was written, or is lost.",
        ("outcome",),
    ),
}
_HISTOGRAMS: Final[_Texts] = {
    "request_duration_seconds": (
        "Duration of requests, and of operations of WebSockets; streams are left out.",
        ("face", "operation"),
    ),
    "pool_wait_seconds": (
        "Time that requests have waited which had to wait for a connection of a pool.",
        ("pool",),
    ),
}
_GAUGES: Final[Mapping[Literal["livesum", "livemax"], _Texts]] = {
    # Of all processes together.
    "livesum": {
        "pool_slots": ("Connections to the database that a pool has.", ("pool",)),
        "pool_slots_taken": ("Connections of a pool that are in use.", ("pool",)),
        "pool_waiting": ("Requests that wait for a connection of a pool.", ("pool",)),
        "cache_entries": ("Entries of a cache in memory.", ("cache",)),
        "subscriptions": ("Subscriptions that are open.", ()),
        "sockets": ("WebSockets that have signed in.", ()),
    },
    # Of the process where it is the largest.
    "livemax": {
        "integrity_faults": ("Faults that checks have found and that remain.", ("kind",)),
        "integrity_scan_timestamp_seconds": ("When the last integrity scan ended.", ()),
        "audit_head_timestamp_seconds": ("When the newest event was recorded.", ()),
        "audit_checkpoint_timestamp_seconds": ("When the newest checkpoint was written.", ()),
    },
}


class _Options(TypedDict):
    namespace: str
    registry: CollectorRegistry


_CACHES: Final[Mapping[str, Callable[[], int]]] = {
    "parsed_documents": lambda: parsed.cache_info().currsize,
    "admitted_documents": lambda: admitted.cache_info().currsize,
    "validated_documents": lambda: validated.cache_info().currsize,
    "plans": lambda: len(PLANS),
}


class Metrics:
    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Define the metrics in a registry, once for each registry."""
        # Each counter would have a second series, with the time of its first event.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ours: _Options = {"namespace": "secrets_gateway", "registry": registry}
        self._counters = {name: Counter(name, *text, **ours) for name, text in _COUNTERS.items()}
        self._histograms = {
            name: Histogram(name, *text, **ours, buckets=_SECONDS)
            for name, text in _HISTOGRAMS.items()
        }
        self._gauges = {
            name: Gauge(name, *text, **ours, multiprocess_mode=mode)
            for mode, gauges in _GAUGES.items()
            for name, text in gauges.items()
        }
        # What was counted elsewhere up to the last reading, by counter and label.
        self._counted: Counts[tuple[str, str]] = Counts()

    def observe(self, record: RequestRecord) -> None:
        """Count a request that has ended."""
        face, operation = record.face.lower(), record.name
        self._counters["requests_total"].labels(face, operation, record.code).inc()
        if not record.is_stream:
            seconds = self._histograms["request_duration_seconds"]
            seconds.labels(face, operation).observe(record.seconds)

    @asynccontextmanager
    async def reading(
        self, runtime: Runtime, connections: Connections, streaming: Streaming
    ) -> AsyncIterator[None]:
        """Read once in each period what the process holds, while the block runs."""
        for name, admission in _pools(runtime).items():
            admission.on_wait = self._histograms["pool_wait_seconds"].labels(name).observe

        async def read() -> NoReturn:
            while True:
                await self.read(runtime, connections, streaming)
                await asyncio.sleep(PERIOD)

        task = asyncio.create_task(read())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def read(self, runtime: Runtime, connections: Connections, streaming: Streaming) -> None:
        """Read now what the process holds."""
        gauges = self._gauges
        for name, admission in _pools(runtime).items():
            gauges["pool_slots"].labels(name).set(admission.slots)
            gauges["pool_slots_taken"].labels(name).set(admission.taken)
            gauges["pool_waiting"].labels(name).set(admission.waiting)
        for name, size in _CACHES.items():
            gauges["cache_entries"].labels(name).set(size())
        gauges["subscriptions"].set(streaming.subscriptions)
        gauges["sockets"].set(streaming.sockets)
        self._advance("connections_refused_total", connections.refused)
        self._advance("deliveries_total", asdict(runtime.services.deliveries))
        if runtime.event_lines is not None:
            self._advance("audit_event_lines_total", runtime.event_lines.counts)
        # While the database does not answer, its numbers stay as they were.
        with suppress(Unavailable, IntegrityFault):
            await self._read_audit(runtime)

    async def _read_audit(self, runtime: Runtime) -> None:
        gauges, audit = self._gauges, runtime.operator.audit
        for kind, count in audit.fault_counts.items():
            gauges["integrity_faults"].labels(kind).set(count)
        with suppress(OSError):
            written = runtime.settings.resolved_audit_checkpoint_file.stat().st_mtime
            gauges["audit_checkpoint_timestamp_seconds"].set(written)
        if audit.scanned_at is not None:
            gauges["integrity_scan_timestamp_seconds"].set(audit.scanned_at.timestamp())
        if (newest_at := await audit.newest_at()) is not None:
            gauges["audit_head_timestamp_seconds"].set(newest_at.timestamp())

    def _advance(self, name: str, counts: Mapping[str, int]) -> None:
        """Add what has come since the last reading to a counter."""
        for label, count in counts.items():
            known, self._counted[name, label] = self._counted[name, label], count
            self._counters[name].labels(label).inc(count - known)


def _pools(runtime: Runtime) -> Mapping[str, Admission]:
    database = runtime.database
    return {
        "request_views": database.request_admission,
        "own_views": database.own_admission,
        "writer": database.write_admission,
    }
