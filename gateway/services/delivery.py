"""Deliver values to services. This is the only use case that returns decrypted values.

A large delivery runs in steps, so that other requests are answered meanwhile.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

from gateway.crypto.envelope import sealed_size
from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.domain.content import MAX_VALUE_BYTES, NeverStored
from gateway.domain.delivery_bounds import ensure_can_fit
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference
from gateway.domain.holders import Holder
from gateway.domain.interpolation import (
    MAX_DELIVERED_BYTES,
    MAX_DELIVERED_KEYS,
    Interpolator,
    TooManyKeys,
    UnresolvedReference,
    UnresolvedReferences,
)
from gateway.domain.pages import Window
from gateway.domain.permissions import Permission, Visibility
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.writing import identity_of
from gateway.storage import delivery_bounds, effective, secrets, values
from gateway.storage.references import NAME_HASH_BYTES
from gateway.storage.unit_of_work import ReadUnit

Result = TypeVar("Result")

# Rows or values to process before other tasks get a turn.
_ROWS_AT_ONCE: Final = 500
# A delivery has room for this many values of the maximum length, unless they have references.
_ALWAYS_FIT: Final = MAX_DELIVERED_BYTES // MAX_VALUE_BYTES
# Longer texts are expanded in a thread.
_LONG: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class RuntimeFile(NeverStored):
    mount_path: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RuntimeSecret(NeverStored):
    """One environment variable as delivered. For a file, `value` is its mount path."""

    key: str
    value: str = field(repr=False)
    file: RuntimeFile | None = None


@dataclass(frozen=True, slots=True)
class DeliverySize:
    keys: int
    size: int


# Called with the size of a delivery before it is built; an exception stops the delivery.
Admit = Callable[[DeliverySize], None]


def admit_all(_: DeliverySize) -> None:
    """Accept every delivery."""


# Called with the unresolved references before any value is returned; an exception stops the
# delivery.
CheckReferences = Callable[[Sequence[UnresolvedReference]], None]


def refuse_unresolved(found: Sequence[UnresolvedReference]) -> None:
    """Refuse a delivery with unresolved references.

    Raises:
        UnresolvedReferences: with the keys and the references.

    """
    if found:
        raise UnresolvedReferences(found)


class Delivery(ScopedService):
    """The use case of delivering values to a service."""

    async def runtime_secrets(
        self,
        *,
        service_id: str,
        kinds: Collection[Scope] = SERVICE_SCOPES,
        admit: Admit = admit_all,
        check: CheckReferences | None = None,
        is_view_shared: bool = False,
    ) -> Sequence[RuntimeSecret]:
        """Return all that is delivered to a service, with values, ordered by key.

        The view is closed after the last read, unless `is_view_shared`. If `kinds` allows it,
        `service_id` can be a project or an environment; the result is then what a service below it
        gets if it has no secrets of its own.

        Raises:
            HolderNotFound: if the service is not visible to the principal.
            Forbidden: if the principal cannot read values.
            TooManyKeys: if the service sees more keys than one delivery can have.
            DeliveryTooLarge: if the texts are too long in total, before or after expansion.
            UnresolvedReferences: if `check` refuses an unresolved reference.
            Overloaded: if too many writes wait; raised before any value is opened.

        """
        principal, view = self._scope.principal, self._scope.view
        named = HolderReference(None, service_id)
        service = await access.require_on(view, principal, Permission.SECRET_DELIVER, named)
        if service.kind not in kinds:
            raise HolderNotFound(None, service_id)
        self._context.database.write_admission.ensure_room()
        winners = await self._winners(view, service)
        sources = await _sources(view, service, winners)
        contents = await self._open(view, sources)
        # Close the view before waiting for the writer or for the expansion.
        if not is_view_shared:
            await view.close()
        delivered = await _expand(sources, contents, admit, check)
        # Record the delivery before any value is returned. If that fails, none is returned.
        async with self._scope.writing(
            DEFAULT_WRITE_OPTIONS, is_bounded=False, keeps_view=is_view_shared
        ) as record:
            record.drafts.append(_to_event(service, sources))
        return delivered

    async def _winners(self, unit: ReadUnit, service: Holder) -> Sequence[Secret]:
        found: list[Secret] = []
        # Permission to read a service's values covers all secrets of its chain.
        visibility = Visibility.everywhere(service.organization_id)
        window, has_more = Window(size=_ALWAYS_FIT), True
        while has_more:
            page = await effective.winners(unit, service, window, visibility=visibility)
            found += [entry.item for entry in page.entries]
            if len(found) > MAX_DELIVERED_KEYS:
                raise TooManyKeys(found[MAX_DELIVERED_KEYS].key)
            has_more = page.has_next
            if has_more and window.after is None:
                await self._ensure_can_fit(unit, service)
            after = page.entries[-1].cursor if has_more else None
            window = Window(size=_ROWS_AT_ONCE, after=after)
        return found

    async def _ensure_can_fit(self, unit: ReadUnit, service: Holder) -> None:
        """Refuse what is certainly too long, before most rows are read and any value is opened."""
        if await delivery_bounds.rough_size(unit, service) <= MAX_DELIVERED_BYTES:
            return
        texts, has_all_references = await delivery_bounds.stored_texts(
            unit, service, most=MAX_DELIVERED_KEYS + 1
        )
        if len(texts) > MAX_DELIVERED_KEYS:
            return
        names = [text.key for text in texts]
        hashes = self._context.vault.name_hashes(names, project_id=service.project_id)
        await asyncio.to_thread(
            ensure_can_fit,
            {hashes[text.key]: replace(text, size=sealed_size(text.size)) for text in texts},
            hash_bytes=NAME_HASH_BYTES,
            has_all_references=has_all_references,
        )

    async def _open(self, unit: ReadUnit, sources: Mapping[str, Secret]) -> Mapping[str, str]:
        by_id = {source.id: source for source in sources.values()}
        ids, opened = list(by_id), dict[str, str]()
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            found = await values.find_values(unit, ids[start : start + _ROWS_AT_ONCE])
            for source_id, (sealed, version) in found.items():
                identity = identity_of(by_id[source_id], version)
                opened[source_id] = await self._context.vault.open(unit, sealed, identity)
        return {key: opened.get(source.id, "") for key, source in sources.items()}


async def _sources(
    unit: ReadUnit, service: Holder, winners: Sequence[Secret]
) -> Mapping[str, Secret]:
    """Return the secret whose value is used for each key: an alias's target, or the winner.

    An alias's target is checked each time. It is delivered only if its holder is in the service's
    chain.
    """
    aliased = [winner.target.id for winner in winners if winner.is_alias and winner.target]
    targets = await secrets.by_ids(unit, aliased)
    used = {
        winner.key: targets[winner.target.id] if winner.is_alias and winner.target else winner
        for winner in winners
    }
    return {key: source for key, source in used.items() if source.holder.id in service.chain_ids}


def _to_event(service: Holder, sources: Mapping[str, Secret]) -> AuditDraft:
    versions = {source.id: source.version for source in sources.values()}
    return AuditDraft(
        action=AuditAction.VALUES_DELIVERED,
        subject=AuditSubject.HOLDER,
        subject_id=service.id,
        organization_id=service.organization_id,
        project_id=service.project_id,
        holder_id=service.id,
        details={"secrets": versions, "keys": len(sources)},
    )


async def _expand(
    sources: Mapping[str, Secret],
    contents: Mapping[str, str],
    admit: Admit,
    check: CheckReferences | None,
) -> Sequence[RuntimeSecret]:
    interpolator = await _in_turn(partial(_interpolator, sources, contents), contents)
    admit(DeliverySize(len(sources), interpolator.size))
    if check is not None:
        check(await _in_turn(lambda: interpolator.unresolved, contents))
    return _to_deliveries(sources, *await _in_turn(interpolator.expand, contents))


async def _in_turn(work: Callable[[], Result], texts: Mapping[str, str]) -> Result:
    """Do work on texts; for long texts in a thread, so that the event loop stays free."""
    if sum(map(len, texts.values())) <= _LONG:
        return work()
    return await asyncio.to_thread(work)


def _paths(sources: Mapping[str, Secret]) -> Mapping[str, str]:
    return {key: path for key, source in sources.items() if (path := source.mount_path_of_file)}


def _interpolator(sources: Mapping[str, Secret], contents: Mapping[str, str]) -> Interpolator:
    paths = _paths(sources)
    return Interpolator(
        {key: text for key, text in contents.items() if key not in paths},
        paths=paths,
        files={key: contents[key] for key in paths if sources[key].is_expanded},
        verbatim={key: contents[key] for key in paths if not sources[key].is_expanded},
    )


def _to_deliveries(
    sources: Mapping[str, Secret], texts: Mapping[str, str], files: Mapping[str, str]
) -> Sequence[RuntimeSecret]:
    return [RuntimeSecret(key, texts[key], _file(texts[key], files.get(key))) for key in sources]


def _file(path: str, content: str | None) -> RuntimeFile | None:
    return None if content is None else RuntimeFile(path, content)
