"""Writes that happen once, however often they are sent."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from hmac import compare_digest
from typing import Final

from gateway.crypto.envelope import keyed_hash
from gateway.domain.drafts import Draft, HolderReference, WriteTerms
from gateway.domain.principals import Principal
from gateway.domain.refusals import IdempotencyConflict
from gateway.domain.secrets import Secret
from gateway.services.foundation import Foundation
from gateway.storage import idempotency
from gateway.storage.unit_of_work import WriteUnit

KEPT_FOR: Final = timedelta(hours=24)


async def once(
    foundation: Foundation,
    unit: WriteUnit,
    *,
    viewer: Principal,
    terms: WriteTerms,
    request: tuple[str | HolderReference | Draft, ...],
    make: Callable[[], Awaitable[Secret]],
) -> Secret:
    """Make the secret, or return what the same request made before under its idempotency key.

    Raises:
        IdempotencyConflict: if the key was used for another request.
        IntegrityFault: if the answer that is stored is not the one that was given.

    """
    if terms.idempotency_key is None:
        return await make()
    key, since = terms.idempotency_key, foundation.now() - KEPT_FOR
    # Keyed, since the request holds a value: a bare hash of it could be guessed.
    fingerprint = keyed_hash(foundation.vault.idempotency_key, _canonical(request))
    if recorded := await idempotency.find(unit, viewer.id, key, since=since):
        if not compare_digest(recorded[0], fingerprint):
            raise IdempotencyConflict
        return recorded[1]
    made = await make()
    await idempotency.forget(unit, until=since)
    await idempotency.add(unit, viewer.id, key, made, fingerprint=fingerprint)
    return made


def _canonical(request: tuple[str | HolderReference | Draft, ...]) -> bytes:
    plain = [
        part if isinstance(part, str) else [type(part).__name__, asdict(part)] for part in request
    ]
    return json.dumps(plain, sort_keys=True).encode()
