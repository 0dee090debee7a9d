"""Where a change comes from: who acts, through which face, in which request.

It is known at the edge, and asked for where the audit trail is written. What lies between needs no
part in it, so it travels beside the calls, with the task that makes them.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final


class ActorKind(StrEnum):
    """What kind of caller acts."""

    TOKEN = "TOKEN"  # noqa: S105 - the name of a kind, no password
    USER = "USER"
    OPERATOR = "OPERATOR"
    SYSTEM = "SYSTEM"


class AuditFace(StrEnum):
    """Through what a caller comes in. What the gateway does by itself comes in through nothing."""

    GRAPHQL = "GRAPHQL"
    REST = "REST"
    CLI = "CLI"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who acts, and through what."""

    actor_kind: ActorKind = ActorKind.SYSTEM
    actor_id: str = "gateway"
    face: AuditFace = AuditFace.NONE
    request_id: str | None = None


_CURRENT: Final[ContextVar[Origin | None]] = ContextVar("origin", default=None)


def current_origin() -> Origin:
    """Return where the work of this task comes from; without any word of it, the gateway itself."""
    return _CURRENT.get() or Origin()


@contextmanager
def originating(**known: Any) -> Iterator[None]:  # noqa: ANN401 - the fields of Origin
    """Say for the length of the block what is known by now of where the work comes from."""
    token = _CURRENT.set(replace(current_origin(), **known))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def operating() -> AbstractContextManager[None]:
    """Say that the instance's operator works at the command line."""
    return originating(actor_kind=ActorKind.OPERATOR, actor_id="operator", face=AuditFace.CLI)
