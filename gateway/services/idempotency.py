"""Idempotency: a repeated request writes once."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import timedelta
from enum import Enum
from hmac import compare_digest
from typing import Final, TypeVar

from gateway.crypto.envelope import keyed_hash
from gateway.domain.change_warnings import ChangeWarning, collecting_warnings, warn
from gateway.domain.drafts import WriteOptions
from gateway.domain.refusals import IdempotencyConflict
from gateway.services.context import RequestScope
from gateway.services.recorded_answers import AnswerCodec, join_warnings, split_warnings
from gateway.storage import idempotency
from gateway.storage.unit_of_work import WriteUnit

KEPT_FOR: Final = timedelta(hours=24)
Answer = TypeVar("Answer")


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
        scope.context.vault.idempotency_key, _canonical((*request, *options.preconditions))
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
