"""Where a change comes from: who acts, through which face, in which request.

It is known at the edge, and asked for where the audit trail is written. What lies between needs no
part in it, so it travels beside the calls, with the task that makes them.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

MAX_OPERATOR_LENGTH: Final = 128


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
class Operator:
    """A person at the command line: the system's user, the login behind it, the name they give."""

    user: str
    uid: int
    login: str | None = None
    name: str | None = None

    @property
    def actor_id(self) -> str:
        """By what the audit log shows the person."""
        return self.name or self.login or self.user

    @property
    def facts(self) -> Mapping[str, str | int]:
        """What the audit log records of the person."""
        known = asdict(self)
        return {name: fact for name, fact in known.items() if fact is not None}

    @staticmethod
    def is_fit(text: str) -> bool:
        """Tell whether a name can be recorded: no control or format characters."""
        return 0 < len(text) <= MAX_OPERATOR_LENGTH and text.isprintable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who acts, and through what."""

    actor_kind: ActorKind = ActorKind.SYSTEM
    actor_id: str = "gateway"
    face: AuditFace = AuditFace.NONE
    request_id: str | None = None
    operator: Operator | None = None


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


def operating(operator: Operator | None = None) -> AbstractContextManager[None]:
    """Say that the instance's operator works at the command line, and who that is."""
    return originating(
        actor_kind=ActorKind.OPERATOR,
        actor_id=operator.actor_id if operator else "operator",
        face=AuditFace.CLI,
        operator=operator,
    )
