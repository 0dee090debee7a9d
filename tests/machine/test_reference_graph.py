"""The graph of references says of any change what resolving everything twice says."""

import os
import random
from collections.abc import Iterable
from datetime import UTC, datetime

from gateway.domain.change_feed import ChangeKind, SecretChange
from gateway.domain.reference_graph import Graph, Node, graphs_before
from gateway.domain.secrets import SecretType
from tests.machine.hierarchies import (
    Writer,
    Written,
    changed_keys,
    may_be_wider,
    random_places,
)
from tests.machine.model import Entry, Model, Place
from tests.machine.references import names_in

HIERARCHIES = int(os.environ.get("REFERENCE_HIERARCHIES", "300"))
_SECRETS, _CHANGES = 9, 8


def test_the_graph_equals_a_full_resolution() -> None:
    for seed in range(HIERARCHIES):
        for written, before, after, places in _changes(seed):
            graphs = _graph(before), _graph(after)
            graphs[1].numbers = graphs[0].numbers
            for place in places:
                found = graphs[0].changed_names(graphs[1], place.chain)
                expected = changed_keys(before, after, place)
                assert {item.decode() for item in found} == expected, (seed, written)


def test_what_was_there_before_a_change_is_found_from_what_is_there_after() -> None:
    wider = 0
    for seed in range(HIERARCHIES):
        for written, before, after, places in _changes(seed):
            for place in (item for item in places if item.kind.is_service):
                found = _reported(before, after, place)
                expected = changed_keys(before, after, place)
                assert found >= expected, (seed, written)
                if found > expected:
                    wider += 1
                    assert may_be_wider(written, before, after, place), (seed, written)
    # The control: there are changes around cycles among these.
    assert wider


def _changes(seed: int) -> Iterable[tuple[Written, Model, Model, tuple[Place, ...]]]:
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    places = random_places(chance)
    writer = Writer(chance, places)
    for number, written in zip(range(_SECRETS + _CHANGES), writer.writes(), strict=False):
        before, after = writer.model, writer.apply(written)
        if number >= _SECRETS:
            yield written, before, after, places
        writer.model = after


def _graph(model: Model) -> Graph:
    return Graph.of(_node(model, entry) for entry in model.entries.values())


def _node(model: Model, entry: Entry) -> Node:
    is_alias = entry.type is SecretType.ALIAS
    path = None if is_alias else model.path_of(entry)
    is_read = path is None or model.expands(entry)
    return Node(
        id=entry.id,
        key=entry.key,
        name=entry.key.encode(),
        holder_id=entry.place.id,
        rank=entry.place.kind.rank * len(SecretType) + entry.rank[1],
        target_id=entry.target_id if is_alias else None,
        path=path,
        names=frozenset(map(str.encode, names_in(entry.value))) if is_read else frozenset(),
        text=entry.value,
    )


def _reported(before: Model, after: Model, service: Place) -> set[str]:
    """Return what all events of a change say together."""
    now = _graph(after)
    found: set[str] = set()
    for entry_id in before.entries.keys() | after.entries.keys():
        there, here = before.entries.get(entry_id), after.entries.get(entry_id)
        change = _event(there, here)
        if there == here or change.holder_id not in service.chain:
            continue
        names = [
            *change.keys,
            *(node.key for node in now.nodes.values() if node.target_id == entry_id),
        ]
        hashes = {key: key.encode() for key in names}
        for graph in graphs_before(now, change, hashes, service.chain):
            found |= {item.decode() for item in graph.changed_names(now, service.chain)}
    return found


def _event(before: Entry | None, after: Entry | None) -> SecretChange:
    entry = after or before
    assert entry
    kind = ChangeKind.UPDATED
    if before is None or after is None:
        kind = ChangeKind.DELETED if after is None else ChangeKind.CREATED
    former = before.key if before and after and before.key != after.key else None
    return SecretChange(
        seq=0,
        cursor="",
        kind=kind,
        secret_id=entry.id,
        key=entry.key,
        former_key=former,
        holder_id=entry.place.id,
        at=datetime.now(UTC),
        is_new_value=bool(before and after and before.value != after.value),
    )
