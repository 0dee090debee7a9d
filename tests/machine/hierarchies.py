"""Random hierarchies whose values refer to one another, and what changes when one is written.

Everything here is resolved by the model, from the beginning, before and after each change.
"""

import random
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from tests.machine.model import Entry, Model, Place
from tests.machine.references import names_in

KEYS = ("A", "B", "C", "D", "E", "F")
_WITH_VALUES = (SecretType.VALUE, SecretType.FILE, SecretType.OVERRIDE)


class Step(StrEnum):
    """One kind of write."""

    CREATE = "CREATE"
    ALIAS = "ALIAS"
    OVERRIDE = "OVERRIDE"
    EDIT = "EDIT"
    RENAME = "RENAME"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Written:
    """A write that the rules allow: the secret as it is to be, and the one that it is about."""

    step: Step
    entry: Entry


class Writer:
    """Chooses writes at random, and applies them to a model."""

    def __init__(self, chance: random.Random, places: Sequence[Place]) -> None:
        self.chance = chance
        self.places = places
        self.model = Model()
        self.count = 0

    def text(self) -> str:
        """Return a value that no other secret has, mostly with references or escapes."""
        self.count += 1
        parts = [f"{self.count}"]
        for _ in range(self.chance.choice([0, 0, 1, 1, 2, 3])):
            slashes = "\\" * self.chance.choice([0, 0, 0, 0, 1, 2])
            parts.append(f"{slashes}{{{{{self.chance.choice([*KEYS, 'NOBODY'])}}}}}")
        return "-".join(parts)

    def writes(self) -> Iterator[Written]:
        """Give writes that the rules allow, for ever."""
        while True:
            step = self.chance.choice(list(Step))
            if written := getattr(self, f"_{step.lower()}")():
                yield Written(step, written)

    def apply(self, written: Written) -> Model:
        """Return the model after a write; the writer's own stays."""
        after = deepcopy(self.model)
        entry = written.entry
        if written.step is Step.DELETE:
            assert after.delete(entry.place, entry.id, None) is None
        elif written.step in {Step.EDIT, Step.RENAME}:
            value = entry.value if written.step is Step.EDIT else None
            assert after.edit(entry.place, entry.id, entry.key, value, None) is None
        else:
            after.add(entry)
        return after

    def _create(self) -> Entry | None:
        place, key = self.chance.choice(self.places), self.chance.choice(KEYS)
        path = self.chance.choice([None, None, None, f"/etc/{key}"])
        kind = SecretType.FILE if path else SecretType.VALUE
        expands = self.chance.choice([None, True, True])
        made = Entry(new_id(), place, key, kind, self.text(), None, path, expands)
        return None if self.model.create(made) else made

    def _alias(self) -> Entry | None:
        target, place = self._any(), self.chance.choice(self.places)
        key = self.chance.choice(KEYS)
        if target is None or self.model.alias(place, target.id, key):
            return None
        return Entry(new_id(), place, key, SecretType.ALIAS, target_id=target.id)

    def _override(self) -> Entry | None:
        target, place = self._any(), self.chance.choice(self.places)
        value, expands = self.text(), self.chance.choice([None, True])
        if target is None or self.model.override(place, target.id, value):
            return None
        return Entry(
            new_id(), place, target.key, SecretType.OVERRIDE, value, target.id, expands=expands
        )

    def _edit(self) -> Entry | None:
        entry = self._any()
        is_valued = entry is not None and entry.type in _WITH_VALUES
        return replace(entry, value=self.text()) if entry and is_valued else None

    def _rename(self) -> Entry | None:
        entry, key = self._any(), self.chance.choice(KEYS)
        if entry is None or entry.type is SecretType.OVERRIDE or key == entry.key:
            return None
        return None if self.model.conflict(entry.place, key) else replace(entry, key=key)

    def _delete(self) -> Entry | None:
        return self._any()

    def _any(self) -> Entry | None:
        return self.chance.choice([*self.model.entries.values()] or [None])


def random_places(chance: random.Random) -> tuple[Place, ...]:
    """Return the holders of one project."""
    project = Place(new_id(), Scope.PROJECT)
    found = [project]
    for _ in range(chance.choice([1, 2])):
        environment = Place(new_id(), Scope.ENVIRONMENT, project.chain)
        found.append(environment)
        found += [
            Place(new_id(), Scope.JOB, environment.chain) for _ in range(chance.choice([1, 2]))
        ]
    return tuple(found)


def changed_keys(before: Model, after: Model, at: Place) -> set[str]:
    """Return the keys under which a holder sees something else, each model resolved by itself."""
    then, now = before.delivered(at), after.delivered(at)
    return {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)}


def winner_ids(model: Model, at: Place, keys: set[str]) -> set[str]:
    """Return the secrets that win for these keys."""
    winners = {entry.key: entry.id for entry in model.visible(at)}
    return {winners[key] for key in keys & winners.keys()}


def leads_into_a_cycle(model: Model, at: Place, secret_id: str) -> bool:
    """Whether a secret's text, as a holder sees it, refers into a cycle."""
    winners = {entry.key: entry for entry in model.visible(at)}
    texts = {key: model.text_of(entry) for key, entry in winners.items()}

    def is_circular(name: str, on_the_way: frozenset[str]) -> bool:
        return name in on_the_way or any(
            is_circular(item, on_the_way | {name}) for item in names_in(texts[name]) & texts.keys()
        )

    text = model.text_of(model.entries[secret_id])
    return any(is_circular(name, frozenset()) for name in names_in(text) & texts.keys())


def may_be_wider(written: Written, before: Model, after: Model, service: Place) -> bool:
    """Whether the feed may name more keys: a cycle is, or may have been, where the change is.

    What a value referred to before an edit or a deletion is not stored any longer.
    """
    if written.step is Step.EDIT:
        return leads_into_a_cycle(after, service, written.entry.id)
    gone = [entry for entry in before.entries.values() if entry.id not in after.entries]
    seen = [item for item in gone if item.place.id in service.chain]
    keys = {item.key for item in seen}
    followers = [item.id for item in after.visible(service) if item.key in keys]
    return any(leads_into_a_cycle(before, service, item.id) for item in seen) or any(
        leads_into_a_cycle(after, service, follower) for follower in followers
    )
