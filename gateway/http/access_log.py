"""The access log: one line for each request, and for each operation of a WebSocket."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from gateway.domain.request_records import RequestRecord

_log = structlog.get_logger(__name__)

REQUEST: Final = "request"
OPERATION: Final = "operation"


def _ignore(_: RequestRecord) -> None:
    """Count nothing."""


class AccessLog:
    def __init__(self, observe: Callable[[RequestRecord], None] = _ignore) -> None:
        """Take what else gets each record at its end: the metrics."""
        self._observe = observe

    def write(self, record: RequestRecord, event: str = REQUEST) -> None:
        """Log a request that ends now."""
        record.seconds = time.perf_counter() - record.begun
        self._observe(record)
        _log.info(event, **record.facts)
