"""What is known of a request at its end: for its line in the log and for the metrics.

The edge opens a record, and the layers below add what they find out. A context variable carries
it, so that no layer passes it on. Nothing in it is text of a client.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from gateway.domain.errors import ErrorCode
from gateway.domain.origins import ActorKind, AuditFace

SUCCESS: Final = "OK"
# The client has disconnected before it was answered.
_NO_ANSWER: Final = "CLIENT_GONE"


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """One request, or one operation of a WebSocket. `status` is 0 until there is an answer."""

    face: AuditFace
    method: str
    route: str = "unmatched"
    status: int = 0
    operation: str | None = None
    actor_kind: ActorKind | None = None
    actor_id: str | None = None
    holder_id: str | None = None
    refusal: ErrorCode | None = None
    # Whether the answer is a stream, which lasts as long as its client wants.
    is_stream: bool = False
    begun: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The operation; without one, the route."""
        return self.operation or self.route

    @property
    def code(self) -> str:
        """The outcome: `OK`, the code of an error, or what stands in for one."""
        if self.refusal is not None:
            return self.refusal
        if not self.status:
            return _NO_ANSWER
        return SUCCESS if self.status < HTTPStatus.BAD_REQUEST else f"HTTP_{self.status}"

    @property
    def facts(self) -> Mapping[str, str | int | float]:
        """The fields of the line in the log; what is unknown is left out."""
        facts = {
            "method": self.method,
            "route": self.route,
            "operation": self.operation,
            "actor_kind": self.actor_kind,
            "actor_id": self.actor_id,
            "holder_id": self.holder_id,
            "code": self.code,
            "status": self.status,
            "milliseconds": round(self.seconds * 1000, 2),
        }
        return {name: fact for name, fact in facts.items() if fact is not None}


_CURRENT: Final[ContextVar[RequestRecord | None]] = ContextVar("request_record", default=None)


def begin(record: RequestRecord) -> None:
    """Make this the record of the present task, and of the tasks that it starts."""
    _CURRENT.set(record)


def note_operation(name: str, *, is_stream: bool = False) -> None:
    """Name the operation; the name must be one of a bounded number."""
    if (record := _CURRENT.get()) is not None:
        record.operation, record.is_stream = name, is_stream


def note_actor(kind: ActorKind, actor_id: str) -> None:
    if (record := _CURRENT.get()) is not None:
        record.actor_kind, record.actor_id = kind, actor_id


def note_holder(holder_id: str) -> None:
    """Note the holder that the request is about: the first one that a use case looks at."""
    if (record := _CURRENT.get()) is not None and record.holder_id is None:
        record.holder_id = holder_id


def noted_holder() -> str | None:
    """Return the holder that the request is about, as far as that is known."""
    record = _CURRENT.get()
    return record.holder_id if record else None


def note_refusal(code: ErrorCode | None) -> None:
    """Note the first error of the request, if there is one."""
    if code is not None and (record := _CURRENT.get()) is not None and record.refusal is None:
        record.refusal = code
