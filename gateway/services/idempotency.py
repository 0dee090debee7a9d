"""Idempotency keys: the first answer is stored, and repeated."""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import timedelta
from enum import Enum
from functools import cache
from hmac import compare_digest
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter

from gateway.crypto.envelope import keyed_hash
from gateway.domain.drafts import ChangeWarning, WriteOptions, collecting_warnings, warn
from gateway.domain.errors import Argument, BusinessError
from gateway.domain.holders import Holder
from gateway.domain.refusals import IdempotencyConflict
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretFacts, SecretType
from gateway.services.context import RequestScope
from gateway.storage import idempotency
from gateway.storage.unit_of_work import WriteUnit

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


KEPT_FOR: Final = timedelta(hours=24)


def _allow(_: object) -> None:
    """Accept every repetition: the use case has already checked permissions."""


async def run_once(
    scope: RequestScope,
    unit: WriteUnit,
    *,
    options: WriteOptions,
    request: tuple[object, ...],
    codec: AnswerCodec[Answer],
    work: Callable[[], Awaitable[Answer]],
    before_repeat: Callable[[Answer], None] = _allow,
) -> Answer:
    """Do the work, or return the answer stored for the same request and idempotency key.

    `request` has the operation's name and all of its arguments; the preconditions in the options
    count too. `before_repeat` can refuse to repeat an answer.

    Raises:
        IdempotencyConflict: if the key was used for another request.
        IntegrityFault: if the stored answer was changed.

    """
    if options.idempotency_key is None:
        return await work()
    key, now = options.idempotency_key, scope.context.now()
    # Keyed, since the request can contain a value, which could be guessed from a plain hash.
    fingerprint = keyed_hash(
        scope.context.vault.keys.idempotency_key, _canonical((*request, *options.preconditions))
    )
    if recorded := await idempotency.find(unit, scope.principal.id, key, since=now - KEPT_FOR):
        if not compare_digest(recorded.fingerprint, fingerprint):
            raise IdempotencyConflict
        text, warnings = split_warnings(recorded.text)
        answer = codec.to_answer(text)
        before_repeat(answer)
        _report(warnings)
        return answer
    with collecting_warnings() as collected:
        made = await work()
        # The warnings are part of the answer.
        await unit.finish()
    _report(collected)
    await idempotency.forget(unit, until=now - KEPT_FOR)
    text = join_warnings(codec.to_text(made), collected)
    await idempotency.add(
        unit, scope.principal.id, key, idempotency.Answered(fingerprint, text), at=now
    )
    return made


def _report(warnings: Iterable[ChangeWarning]) -> None:
    for warning in warnings:
        warn(warning)


def _canonical(request: tuple[object, ...]) -> bytes:
    return json.dumps(list(map(_plain, request)), sort_keys=True, default=_mark).encode()


def _plain(part: object) -> object:
    if is_dataclass(part) and not isinstance(part, type):
        return [type(part).__name__, asdict(part)]
    if isinstance(part, Sequence) and not isinstance(part, str):
        return list(map(_plain, part))
    return part


def _mark(part: object) -> object:
    """Return a JSON form for other types. It differs from every text that a client can send."""
    if isinstance(part, Enum):
        return [type(part).__name__, part.name]
    if isinstance(part, timedelta):
        return ["timedelta", part.total_seconds()]
    raise TypeError(type(part).__name__)
