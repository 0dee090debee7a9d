"""Convert answers to text and back, to repeat them for the same idempotency key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter

from gateway.domain.change_warnings import ChangeWarning
from gateway.domain.errors import Argument, BusinessError
from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretFacts, SecretType

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class AnswerCodec(Generic[Answer]):
    """A pair of inverse functions that convert one kind of answer to text and back."""

    to_text: Callable[[Answer], str]
    to_answer: Callable[[str], Answer]


def codec_of(kind: type[Answer]) -> AnswerCodec[Answer]:
    adapter = TypeAdapter(kind)
    return AnswerCodec(lambda answer: adapter.dump_json(answer).decode(), adapter.validate_json)


SECRET_CODEC: Final = codec_of(Secret)
HOLDER_CODEC: Final = codec_of(Holder)


@dataclass(frozen=True, slots=True)
class _Warned:
    warned_answer: str
    warnings: tuple[ChangeWarning, ...]


_WARNED_CODEC: Final = codec_of(_Warned)
_WARNED_START: Final = '{"warned_answer":'


def join_warnings(text: str, warnings: Sequence[ChangeWarning]) -> str:
    """Return an answer's text with its warnings; unchanged if there are none."""
    return _WARNED_CODEC.to_text(_Warned(text, tuple(warnings))) if warnings else text


def split_warnings(text: str) -> tuple[str, Sequence[ChangeWarning]]:
    """Return an answer's own text and its warnings: the inverse of `join_warnings`."""
    if not text.startswith(_WARNED_START):
        return text, ()
    warned = _WARNED_CODEC.to_answer(text)
    return warned.warned_answer, warned.warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedError:
    """A domain error as part of an answer: its class and its fields."""

    kind: str
    message: str
    argument: Argument | None
    existing: Secret | None = None
    aliased: SecretFacts | None = None
    holder: Holder | None = None
    at: Holder | None = None
    key: str | None = None
    missing_id: str | None = None
    maximum: int | None = None
    scope: Scope | None = None
    source: Scope | None = None
    target: Scope | None = None
    variable_type: SecretType | None = None

    @classmethod
    def of(cls, error: BusinessError) -> "RecordedError":
        facts = {name: value for name, value in vars(error).items() if name in _FACTS}
        kind, argument = type(error).__name__, error.argument
        return cls(kind=kind, message=error.message, argument=argument, **facts)

    def restore(self) -> BusinessError:
        kind = _kinds()[self.kind]
        error = kind.__new__(kind)
        BusinessError.__init__(error, self.message, self.argument)
        for name in _FACTS:
            setattr(error, name, getattr(self, name))
        return error


_FACTS: Final = frozenset(RecordedError.__slots__) - {"kind", "message", "argument"}


@cache
def _kinds() -> Mapping[str, type[BusinessError]]:
    return {kind.__name__: kind for kind in _with_subclasses(BusinessError)}


def _with_subclasses(kind: type[BusinessError]) -> Iterator[type[BusinessError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _with_subclasses(narrower)
