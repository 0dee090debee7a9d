"""The size of deliveries: holder by holder with what a write adds, and text by text.

A service gets the keys of its chain. An override has the key of its target: it adds no key and
hides the target's value. An alias adds a key, and its target's value a second time. The
sizes of sealed texts refuse a delivery before any of them is opened.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.domain.content import MAX_MOUNT_PATH_LENGTH, MAX_VALUE_BYTES
from gateway.domain.holders import Holder
from gateway.domain.interpolation import (
    MAX_DELIVERED_BYTES,
    MAX_DELIVERED_KEYS,
    DeliveryBudget,
    topological_order,
)

MAX_KEYS: Final = MAX_DELIVERED_KEYS
MAX_BYTES: Final = MAX_DELIVERED_BYTES
_BYTES_PER_CHARACTER: Final = 4
# The most that one secret can add: its value and its mount path.
MAX_SECRET_BYTES: Final = MAX_VALUE_BYTES + _BYTES_PER_CHARACTER * MAX_MOUNT_PATH_LENGTH


@dataclass(frozen=True, slots=True)
class OverrideSize:
    own: int
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderLoad:
    """What one holder adds to deliveries. `size` is None if its bytes were not measured."""

    holder_id: str
    environment_id: str | None
    rows: int = 0
    keys: int = 0
    size: int | None = None
    # By the targets' ids.
    overrides: Mapping[str, OverrideSize] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """The most bytes that it can add, including those that overrides hide."""
        return self.rows * MAX_SECRET_BYTES if self.size is None else self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What a write adds to the deliveries of all services at or below its holder.

    `target_id` is the secret whose overrides on lower holders hide the change. `is_override` says
    that the write creates such an override. `source_id` is the secret that a new alias delivers a
    second time, and `path_size` the bytes of a target's mount path. `aliases` counts, by holder,
    the aliases that also deliver the changed value.
    """

    holder: Holder
    size: int
    keys: int = 0
    target_id: str | None = None
    target_size: int = 0
    is_override: bool = False
    secret_id: str | None = None
    source_id: str | None = None
    path_size: int = 0
    aliases: Mapping[str, int] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """The most bytes that it can add to one delivery."""
        return max(0, self.size) * (1 + sum(self.aliases.values()))


@dataclass(slots=True)
class DeliveryLoads:
    """The loads of a holder's chain and of all holders below it, by the holders' ids."""

    project_id: str
    loads: dict[str, HolderLoad] = field(default_factory=dict)

    def at_or_below(self, holder: Holder) -> Iterator[HolderLoad]:
        """Yield the loads of the holder and of all holders below it.

        Environments and projects are included, since a service can be created there.
        """
        for load in self.loads.values():
            if holder.id in (load.holder_id, load.environment_id, self.project_id):
                yield load

    def chain(self, load: HolderLoad) -> list[HolderLoad]:
        """Return the loads that make up a delivery, the narrowest holder first."""
        ids = dict.fromkeys((load.holder_id, load.environment_id, self.project_id))
        return [self.loads[id_] for id_ in ids if id_ is not None]

    def keys_at(self, load: HolderLoad) -> int:
        return sum(each.keys for each in self.chain(load))

    def most_at(self, load: HolderLoad) -> int:
        return sum(each.most for each in self.chain(load))

    def size_at(self, load: HolderLoad) -> int:
        """Return the bytes that a service there gets; exact if its whole chain is measured."""
        chain = self.chain(load)
        hidden: dict[str, int] = {}
        # From the widest down: each override hides the nearest one above it, or the target.
        for each in reversed(chain):
            for target_id, size in each.overrides.items():
                above = _nearest(chain[chain.index(each) + 1 :], target_id)
                left = size.target if above is None else above
                hidden[target_id] = hidden.get(target_id, 0) + left
        return sum(each.most for each in chain) - sum(hidden.values())

    def growth_at(self, load: HolderLoad, growth: Growth) -> int:
        """Return the bytes that a write adds to the delivery of a service there."""
        chain = self.chain(load)
        aliased = sum(growth.aliases.get(each.holder_id, 0) for each in chain)
        return self._own_growth(chain, growth) + growth.size * aliased

    def _own_growth(self, chain: list[HolderLoad], growth: Growth) -> int:
        if growth.target_id is None:
            return growth.size
        at = next(i for i, each in enumerate(chain) if each.holder_id == growth.holder.id)
        if any(growth.target_id in each.overrides for each in chain[:at]):
            return 0
        if not growth.is_override:
            return growth.size
        above = _nearest(chain[at + 1 :], growth.target_id)
        return growth.size - (growth.target_size if above is None else above)

    def with_too_many_keys(self, growth: Growth) -> list[str]:
        """Return the holders where a service would get more keys than a delivery can hold."""
        if not growth.keys:
            return []
        return [
            load.holder_id
            for load in self.at_or_below(growth.holder)
            if self.keys_at(load) + growth.keys > MAX_KEYS
        ]

    def with_too_many_bytes(self, growth: Growth) -> list[str]:
        """Return the holders where a service would get more bytes than a delivery can hold.

        A delivery that already exceeds the limit can still shrink, or change without growing.
        """
        return [
            load.holder_id
            for load in self.at_or_below(growth.holder)
            if self.most_at(load) + growth.most > MAX_BYTES
            and (added := self.growth_at(load, growth)) > 0
            and self.size_at(load) + added > MAX_BYTES
        ]

    def apply(self, growth: Growth) -> None:
        at = self.loads[growth.holder.id]
        overrides = dict(at.overrides)
        target_id = growth.target_id
        if growth.is_override and target_id is not None:
            overrides[target_id] = OverrideSize(growth.size, growth.target_size)
        elif target_id in overrides:
            before = overrides[target_id]
            overrides[target_id] = replace(before, own=before.own + growth.size)
        self.loads[at.holder_id] = replace(
            at,
            rows=at.rows + growth.keys + growth.is_override,
            keys=at.keys + growth.keys,
            size=at.most + growth.size,
            overrides=overrides,
        )
        self._apply_to_referrers(growth)

    def _apply_to_referrers(self, growth: Growth) -> None:
        for holder_id, load in self.loads.items():
            aliased = growth.size * growth.aliases.get(holder_id, 0)
            hiding = load.overrides.get(growth.secret_id or "")
            if aliased:
                self.loads[holder_id] = replace(load, size=load.most + aliased)
            if hiding and growth.secret_id:
                changed = replace(hiding, target=hiding.target + growth.size)
                overrides = {**load.overrides, growth.secret_id: changed}
                self.loads[holder_id] = replace(self.loads[holder_id], overrides=overrides)


def _nearest(chain: Iterable[HolderLoad], target_id: str) -> int | None:
    found = (each.overrides[target_id].own for each in chain if target_id in each.overrides)
    return next(found, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredText:
    """What is known of a sealed text: its bytes, and the names that its expansion follows.

    `name_hashes` joins the keyed hash of each name, once, however often the text refers to it.
    """

    key: str
    size: int
    is_file: bool
    name_hashes: bytes = field(repr=False)


def ensure_can_fit(
    texts: Mapping[bytes, StoredText], *, hash_bytes: int, has_all_references: bool
) -> None:
    """Refuse a delivery whose sealed texts, by the hashes of their keys, are certainly too long.

    Raises:
        DeliveryTooLarge: if they are too long together as they are, or once expanded.

    """
    sealed, least = DeliveryBudget(), DeliveryBudget()
    for text in texts.values():
        sealed.spend(text.key, text.size)
    if has_all_references:
        for key, size in least_sizes(texts, hash_bytes):
            least.spend(key, size)


def least_sizes(texts: Mapping[bytes, StoredText], hash_bytes: int) -> Iterator[tuple[str, int]]:
    """Yield for each key at most the bytes that an `Interpolator` counts.

    A text with references becomes at least as long as what these lead to. Removed backslashes
    shorten any other text by less than half. The paths of files are not counted.
    """
    names = {own: _known_names(text.name_hashes, hash_bytes, texts) for own, text in texts.items()}
    least: dict[bytes, int] = {}

    def measure(own: bytes) -> int:
        text = texts[own]
        referred = sum(least.get(name, 0) for name in names[own])
        return referred if text.name_hashes else (text.size + 1) // 2

    # A reference to a file becomes its path.
    values = {own: names[own] for own, text in texts.items() if not text.is_file}
    for own in topological_order(values):
        least[own] = measure(own)
        yield texts[own].key, least[own]
    for own in texts.keys() - least.keys():
        yield texts[own].key, measure(own)


def _known_names(hashes: bytes, size: int, known: Container[bytes]) -> set[bytes]:
    each = (hashes[start : start + size] for start in range(0, len(hashes), size))
    return {name for name in each if name in known}
