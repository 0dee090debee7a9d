"""What a write adds to deliveries, against counting all that each service gets."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from gateway.domain import delivery_sizes
from gateway.domain.delivery_sizes import DeliveryLoads, Growth, HolderLoad, OverrideSize
from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from tests.machine.model import Entry, LimitedModel, Place

pytestmark = pytest.mark.rule("R5")

TRIES = 2_000
PROJECT = Place("P", Scope.PROJECT)
ENVIRONMENTS = [Place(item, Scope.ENVIRONMENT, ("P",)) for item in "EF"]
SERVICES = [
    Place(f"{above.id}{number}", Scope.JOB, above.chain)
    for above in ENVIRONMENTS
    for number in range(2)
]
PLACES = [PROJECT, *ENVIRONMENTS, *SERVICES]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a few secrets pass."""
    for name, limit in (("MAX_KEYS", 5), ("MAX_BYTES", 40)):
        monkeypatch.setattr(delivery_sizes, name, limit)


def _holder(place: Place) -> Holder:
    environment = next((item.id for item in ENVIRONMENTS if item.id in place.chain), None)
    return Holder(
        id=place.id,
        kind=place.kind,
        name=place.id,
        organization_id="O",
        project_id="P",
        environment_id=environment,
    )


def _loads(model: LimitedModel) -> DeliveryLoads:
    return DeliveryLoads("P", {place.id: _load(model, place) for place in PLACES})


def _load(model: LimitedModel, place: Place) -> HolderLoad:
    own = [entry for entry in model.entries.values() if entry.place == place]
    overrides = {
        f"{item.target_id}": OverrideSize(len(item.value), len(_target(model, item).value))
        for item in own
        if item.type is SecretType.OVERRIDE
    }
    sizes = [
        len(_target(model, item).value if item.type is SecretType.ALIAS else item.value)
        for item in own
    ]
    return HolderLoad(
        holder_id=place.id,
        environment_id=_holder(place).environment_id,
        rows=len(own),
        keys=len(own) - len(overrides),
        size=sum(sizes),
        overrides=overrides,
    )


def _target(model: LimitedModel, entry: Entry) -> Entry:
    return model.entries[entry.target_id or ""]


def _growth(model: LimitedModel, entry: Entry) -> Growth:
    holder, size = _holder(entry.place), len(entry.value)
    if before := model.entries.get(entry.id):
        counts = [
            item.place.id
            for item in model.entries.values()
            if item.type is SecretType.ALIAS and item.target_id == entry.id
        ]
        is_override = entry.type is SecretType.OVERRIDE
        return Growth(
            holder=holder,
            size=size - len(before.value),
            target_id=entry.target_id if is_override else entry.id,
            secret_id=entry.id,
            aliases={count: counts.count(count) for count in counts},
        )
    if entry.type is SecretType.OVERRIDE:
        return Growth(
            holder=holder,
            size=size,
            target_id=entry.target_id,
            target_size=len(_target(model, entry).value),
            is_override=True,
        )
    if entry.type is SecretType.ALIAS:
        size = len(_target(model, entry).value)
    return Growth(holder=holder, size=size, keys=1)


def _writes(chosen: random.Random, model: LimitedModel) -> Iterator[Entry]:
    for number in range(30):
        place, value = chosen.choice(PLACES), "x" * chosen.randrange(14)
        known = list(model.entries.values())
        in_chain = [item for item in known if item.place.id in place.chain]
        kind = chosen.random()
        entry = Entry(f"{number}", place, f"K{number}", SecretType.VALUE, value)
        if kind < 0.3 and known:
            there = chosen.choice(known)
            if there.type is not SecretType.ALIAS:
                yield replace(there, value=value)
        elif kind < 0.5 and in_chain:
            target = chosen.choice(in_chain)
            if target.type is not SecretType.ALIAS:
                yield replace(entry, type=SecretType.ALIAS, value="", target_id=target.id)
        elif kind < 0.7 and in_chain:
            target = chosen.choice(in_chain)
            taken = {
                (item.target_id, item.place) for item in known if item.type is SecretType.OVERRIDE
            }
            is_lower = place.kind.is_lower_than(target.place.kind)
            if target.type is SecretType.VALUE and is_lower and (target.id, place) not in taken:
                key, kind_of_it = target.key, SecretType.OVERRIDE
                yield replace(entry, key=key, type=kind_of_it, target_id=target.id)
        else:
            yield entry


def _refused(model: LimitedModel, entry: Entry) -> tuple[set[str], set[str]]:
    """Return where there would be too many keys, and too many bytes, by counting everything."""
    later = LimitedModel({**model.entries, entry.id: entry})
    is_new = entry.id not in model.entries and entry.type is not SecretType.OVERRIDE
    places = [item for item in PLACES if entry.place.id in item.chain]
    keys = {
        place.id
        for place in places
        if is_new and len(later.sources(place)) > delivery_sizes.MAX_KEYS
    }
    sizes: Mapping[str, tuple[int, int]] = {
        place.id: (model.size(place), later.size(place)) for place in places
    }
    most = delivery_sizes.MAX_BYTES
    return keys, {name for name, (before, after) in sizes.items() if after > max(most, before)}


def test_a_write_is_refused_exactly_where_a_service_would_get_too_much() -> None:
    """Also after writes that were taken into account without counting again."""
    refused = 0
    for seed in range(TRIES // 30):
        model, chosen = LimitedModel(), random.Random(seed)  # noqa: S311 - the same cases each time
        loads = _loads(model)
        for entry in _writes(chosen, model):
            growth = _growth(model, entry)
            found = (
                set(loads.with_too_many_keys(growth)),
                set(loads.with_too_many_bytes(growth)),
            )
            assert found == _refused(model, entry), (seed, entry)
            refused += any(found)
            if not any(found):
                model.add(entry)
                loads.apply(growth)
                assert loads == _loads(model), (seed, entry)

    assert refused > TRIES // 30


def test_what_is_beyond_a_limit_already_can_shrink() -> None:
    """Such services may be there from before there were limits."""
    model = LimitedModel()
    for number in range(9):
        model.add(Entry(f"{number}", SERVICES[0], f"K{number}", SecretType.VALUE, "x" * 9))
    loads = _loads(model)
    shorter, longer = (replace(model.entries["0"], value="x" * size) for size in (8, 10))
    more = Entry("more", PROJECT, "MORE", SecretType.VALUE, "")

    assert loads.with_too_many_bytes(_growth(model, shorter)) == []
    assert loads.with_too_many_bytes(_growth(model, longer)) == [SERVICES[0].id]
    assert loads.with_too_many_keys(_growth(model, more)) == [SERVICES[0].id]
    assert loads.with_too_many_bytes(_growth(model, more)) == []
