"""The origin of a change: who acts, through which face, in which request.

The edge sets it and the audit log reads it. A context variable carries it, so the layers between do
not pass it on.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

MAX_OPERATOR_LENGTH: Final = 128


class ActorKind(StrEnum):
    TOKEN = "TOKEN"  # noqa: S105 - the name of a kind
    USER = "USER"
    # The subject of an issuer that is no registered user: claim rules give it its roles.
    IDENTITY = "IDENTITY"
    OPERATOR = "OPERATOR"
    SYSTEM = "SYSTEM"


class AuditFace(StrEnum):
    """The interface of a request; NONE for what the gateway does by itself."""

    GRAPHQL = "GRAPHQL"
    REST = "REST"
    CLI = "CLI"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A person at the command line: system user, original login, and the name they give."""

    user: str
    uid: int
    login: str | None = None
    name: str | None = None

    @property
    def actor_id(self) -> str:
        return self.name or self.login or self.user

    @property
    def facts(self) -> Mapping[str, str | int]:
        known = asdict(self)
        return {name: fact for name, fact in known.items() if fact is not None}

    @staticmethod
    def is_fit(text: str) -> bool:
        """Return whether a name can be recorded: bounded, without control or format characters."""
        return 0 < len(text) <= MAX_OPERATOR_LENGTH and text.isprintable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    actor_kind: ActorKind = ActorKind.SYSTEM
    actor_id: str = "gateway"
    face: AuditFace = AuditFace.NONE
    request_id: str | None = None
    operator: Operator | None = None


_CURRENT: Final[ContextVar[Origin | None]] = ContextVar("origin", default=None)


def current_origin() -> Origin:
    """Return the origin of this task's work; the gateway itself if none is set."""
    return _CURRENT.get() or Origin()


def originating(**known: Any) -> AbstractContextManager[None]:  # noqa: ANN401 - the fields of Origin
    """Set these fields of the origin inside the block."""
    return originating_from(replace(current_origin(), **known))


def set_actor(kind: ActorKind, actor_id: str) -> None:
    """Set who acts, for the rest of the present task and for the tasks that it starts."""
    _CURRENT.set(replace(current_origin(), actor_kind=kind, actor_id=actor_id))


@contextmanager
def originating_from(origin: Origin) -> Iterator[None]:
    """Set the origin inside the block."""
    token = _CURRENT.set(origin)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def operating(operator: Operator | None = None) -> AbstractContextManager[None]:
    """Set the origin to an operator at the command line."""
    return originating(
        actor_kind=ActorKind.OPERATOR,
        actor_id=operator.actor_id if operator else "operator",
        face=AuditFace.CLI,
        operator=operator,
    )
