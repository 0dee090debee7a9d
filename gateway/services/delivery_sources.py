"""Read what a delivery is made from: the secret that each key has its text from, and that text."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Final, TypeVar

from gateway.crypto.envelope import sealed_size
from gateway.domain.content import MAX_VALUE_BYTES, NeverStored
from gateway.domain.delivery_requests import DeliveryRequest
from gateway.domain.delivery_sizes import ensure_can_fit
from gateway.domain.holders import Holder
from gateway.domain.interpolation import (
    MAX_DELIVERED_BYTES,
    MAX_DELIVERED_KEYS,
    TooManyKeys,
    read_references,
)
from gateway.domain.pages import ANY_SECRET, SecretFilter, Window
from gateway.domain.permissions import Visibility
from gateway.domain.secrets import Secret
from gateway.services.vault import Vault
from gateway.services.writing import identity_of
from gateway.storage import delivery_sizes, effective, secrets, values
from gateway.storage.references import NAME_HASH_BYTES
from gateway.storage.unit_of_work import ReadUnit

Result = TypeVar("Result")

# Rows or values to process before other tasks get a turn.
_ROWS_AT_ONCE: Final = 500
# A delivery has room for this many values of the maximum length, unless they have references.
_ALWAYS_FIT: Final = MAX_DELIVERED_BYTES // MAX_VALUE_BYTES
# From this depth of references on, all texts are opened at once.
_MAX_DEPTH: Final = 4
# Longer texts are read in a thread.
_LONG: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class DeliverySources(NeverStored):
    """The secrets by the key that is delivered, and their texts as stored.

    The content of a file is missing unless the delivery has files.
    """

    secrets: Mapping[str, Secret]
    texts: Mapping[str, str] = field(repr=False)


class SourceReader:
    """Reads the sources of a delivery to one service, on one view."""

    def __init__(self, unit: ReadUnit, vault: Vault, service: Holder) -> None:
        self._unit = unit
        self._vault = vault
        self._service = service

    async def read(self, request: DeliveryRequest) -> DeliverySources:
        """Return the sources of the requested keys, and of those that their texts refer to.

        Raises:
            TooManyKeys: if the service sees more keys than one delivery can have.
            DeliveryTooLarge: if all of it is certainly too long.

        """
        if request.keys is not None:
            return await self._read_requested(request.keys, with_files=request.with_files)
        used = await self._sources(ANY_SECRET, must_fit=True)
        return DeliverySources(used, await self._open(used, with_files=request.with_files))

    async def _read_requested(self, keys: tuple[str, ...], *, with_files: bool) -> DeliverySources:
        used = await self._sources(SecretFilter(keys=keys))
        texts = await self._open(used, with_files=with_files)
        names = await _names(used, texts)
        everything = await self._sources(ANY_SECRET) if names else {}
        opened: Mapping[str, str] = {}
        for depth in count():
            more = {key: everything[key] for key in everything if key in names - used.keys()}
            if not more:
                break
            # A long chain of references must not take a statement for each of its links.
            if depth <= _MAX_DEPTH:
                wanted = everything if depth == _MAX_DEPTH else more
                opened = await self._open(wanted, with_files=False)
            found = {key: opened[key] for key in more if key in opened}
            used, texts = used | more, texts | found
            names = await _names(more, found)
        return DeliverySources(used, texts)

    async def _sources(self, only: SecretFilter, *, must_fit: bool = False) -> dict[str, Secret]:
        """Return the secret whose text is used for each key: an alias's target, or the winner.

        An alias's target is checked each time. It is delivered only if its holder is in the
        service's chain.
        """
        winners = await self._winners(only, must_fit=must_fit)
        aliased = [winner.target.id for winner in winners if winner.is_alias and winner.target]
        targets = await secrets.by_ids(self._unit, aliased)
        used = {
            winner.key: targets[winner.target.id] if winner.is_alias and winner.target else winner
            for winner in winners
        }
        chain_ids = self._service.chain_ids
        return {key: source for key, source in used.items() if source.holder.id in chain_ids}

    async def _winners(self, only: SecretFilter, *, must_fit: bool) -> Sequence[Secret]:
        found: list[Secret] = []
        # Permission to read a service's values covers all secrets of its chain.
        visibility = Visibility.everywhere(self._service.organization_id)
        window, has_more = Window(size=_ALWAYS_FIT), True
        while has_more:
            page = await effective.winners(
                self._unit, self._service, window, visibility=visibility, only=only
            )
            found += [entry.item for entry in page.entries]
            if len(found) > MAX_DELIVERED_KEYS:
                raise TooManyKeys(found[MAX_DELIVERED_KEYS].key)
            has_more = page.has_next
            if must_fit and has_more and window.after is None:
                await self._ensure_can_fit()
            after = page.entries[-1].cursor if has_more else None
            window = Window(size=_ROWS_AT_ONCE, after=after)
        return found

    async def _ensure_can_fit(self) -> None:
        """Refuse what is certainly too long, before most rows are read and any value is opened."""
        unit, service = self._unit, self._service
        if await delivery_sizes.rough_size(unit, service) <= MAX_DELIVERED_BYTES:
            return
        texts, has_all_references = await delivery_sizes.stored_texts(
            unit, service, most=MAX_DELIVERED_KEYS + 1
        )
        if len(texts) > MAX_DELIVERED_KEYS:
            return
        names = [text.key for text in texts]
        hashes = self._vault.name_hashes(names, project_id=service.project_id)
        await asyncio.to_thread(
            ensure_can_fit,
            {hashes[text.key]: replace(text, size=sealed_size(text.size)) for text in texts},
            hash_bytes=NAME_HASH_BYTES,
            has_all_references=has_all_references,
        )

    async def _open(self, sources: Mapping[str, Secret], *, with_files: bool) -> dict[str, str]:
        wanted = {
            key: source
            for key, source in sources.items()
            if with_files or not source.mount_path_of_file
        }
        by_id = {source.id: source for source in wanted.values()}
        ids, opened = list(by_id), dict[str, str]()
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            found = await values.find_values(self._unit, ids[start : start + _ROWS_AT_ONCE])
            for source_id, (sealed, version) in found.items():
                identity = identity_of(by_id[source_id], version)
                opened[source_id] = await self._vault.open(self._unit, sealed, identity)
        return {key: opened.get(source.id, "") for key, source in wanted.items()}


async def _names(sources: Mapping[str, Secret], texts: Mapping[str, str]) -> AbstractSet[str]:
    """Return the names that texts refer to; a file's only if it is expanded."""
    expanded = [
        text
        for key, text in texts.items()
        if not sources[key].mount_path_of_file or sources[key].is_expanded
    ]

    def read() -> AbstractSet[str]:
        return set(chain.from_iterable(read_references(text).names for text in expanded))

    return await in_turn(read, expanded)


async def in_turn(work: Callable[[], Result], texts: Iterable[str]) -> Result:
    """Do work on texts; for long texts in a thread, so that the event loop stays free."""
    if sum(map(len, texts)) <= _LONG:
        return work()
    return await asyncio.to_thread(work)
