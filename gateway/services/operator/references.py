"""Read the references in values from older versions once, in steps that block writers briefly."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.domain.content import ValueIdentity
from gateway.domain.errors import GatewayError, IntegrityFault
from gateway.domain.interpolation import ESCAPED_OPENING, read_references
from gateway.services.context import ServiceContext
from gateway.storage import references, secrets, values
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.values import StoredValue, ValueState

_log = structlog.get_logger(__name__)

BATCH: Final = 100
_INSTANCE: Final = "instance"


@dataclass(frozen=True, slots=True)
class EscapedValue:
    r"""A secret whose older value has a backslash before `{{`, which is now an escape."""

    secret_id: str
    holder_id: str
    key: str


Report = Callable[[EscapedValue], None]


def log_escaped(found: EscapedValue) -> None:
    _log.warning(
        "value_with_escaped_braces",
        secret_id=found.secret_id,
        holder_id=found.holder_id,
        key=found.key,
    )


class References:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def read_older_values(self, *, report: Report = log_escaped) -> bool:
        """Store the references in all older values, starting where the last run ended.

        Returns whether all values have been read. A value that cannot be decrypted is left out,
        since it cannot be delivered either.
        """
        async with self._context.database.read() as unit:
            state = await references.reading(unit)
        position: str | None = None if state.is_complete else state.position
        try:
            while position is not None:
                begun = time.monotonic()
                position = await self._read_batch(position, report)
                # Leave other writers at least as much time.
                await asyncio.sleep(time.monotonic() - begun)
        except GatewayError as error:
            # The gateway still serves. The next start continues from here.
            _log.warning("references_not_read", code=error.code)
            return False
        return True

    async def _read_batch(self, position: str, report: Report) -> str | None:
        context = self._context
        async with context.database.read() as unit:
            batch = await values.batch_after(unit, position, most=BATCH)
            names = await _names(context, unit, batch, report)
        reached = batch[-1].identity.secret_id if len(batch) == BATCH else None
        async with context.database.write() as unit:
            await _store(context, unit, batch, names)
            await references.keep_reading(unit, reached)
        return reached


async def _names(
    context: ServiceContext, unit: ReadUnit, batch: Sequence[StoredValue], report: Report
) -> Mapping[str, Collection[str]]:
    """Return the names that values refer to, by secret id."""
    found: dict[str, Collection[str]] = {}
    escaped: list[str] = []
    for stored in batch:
        secret_id = stored.identity.secret_id
        try:
            text = await context.vault.open(unit, stored.sealed, stored.identity)
        except IntegrityFault:
            continue
        if ESCAPED_OPENING in text:
            escaped.append(secret_id)
        if names := read_references(text).names:
            found[secret_id] = names
    for secret in (await secrets.by_ids(unit, escaped)).values() if escaped else ():
        report(EscapedValue(secret.id, secret.holder.id, secret.key))
    return found


async def _store(
    context: ServiceContext,
    unit: WriteUnit,
    batch: Sequence[StoredValue],
    names: Mapping[str, Collection[str]],
) -> None:
    states = await values.find_states(unit, names)
    added = [
        references.ValueReferences(
            identity.secret_id,
            identity.project_id,
            identity.value_version,
            context.vault.hash_names(names[identity.secret_id], project_id=identity.project_id),
        )
        for identity in (stored.identity for stored in batch)
        if _is_unread(states.get(identity.secret_id), identity)
    ]
    await references.add(unit, added)
    if added:
        unit.drafts.append(
            AuditDraft(
                action=AuditAction.REFERENCES_READ,
                subject=AuditSubject.INSTANCE,
                subject_id=_INSTANCE,
                details={"values": len(added)},
            )
        )


def _is_unread(state: ValueState | None, identity: ValueIdentity) -> bool:
    # A request that has changed the value meanwhile has stored its references.
    is_same = state is not None and state.version == identity.value_version
    return is_same and not (state and state.has_references)
