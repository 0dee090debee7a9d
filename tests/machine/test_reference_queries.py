"""Dependents, impact and the change feed say what resolving everything twice says."""

import asyncio
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.change_feed import SecretChange
from gateway.domain.drafts import AliasDraft, EditDraft, OverrideDraft, SecretDraft
from gateway.domain.pages import Window
from gateway.domain.secrets import Secret, SecretType
from gateway.services.change_feed import EffectiveChange
from tests.machine.hierarchies import (
    Step,
    Writer,
    Written,
    changed_keys,
    may_be_wider,
    winner_ids,
)
from tests.machine.model import Entry, Model, Place
from tests.machine.stage import Stage, named, opened_stage
from tests.patience import PATIENCE

HIERARCHIES = int(os.environ.get("GATEWAY_HIERARCHIES", "12"))
_SECRETS, _CHANGES = 8, 4
_TICK = "TICK"
_ALL = Window(size=100)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway for all hierarchies in turn."""
    with opened_stage(tmp_path_factory.mktemp("stage") / "data") as opened:
        yield opened


@pytest.mark.timeout(7_200)
def test_dependents_impact_and_feed_equal_a_full_resolution(stage: Stage) -> None:
    for seed in range(HIERARCHIES):
        _Run(stage, seed).go()


class _Run:
    """One hierarchy, and some changes of it."""

    def __init__(self, stage: Stage, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - no secret is made of it
        self.seed, self.stage = seed, stage
        # The first project; the other one's services see nothing of it.
        self.places = [place for place in stage.places if place.chain[-1] == stage.places[0].id]
        self.writer = Writer(chance, self.places)
        stage.reset()
        self.tick = stage.run(self._create(self.places[0], SecretDraft(key=_TICK, value="0")))

    def go(self) -> None:
        """Fill the hierarchy, then compare each change of it."""
        for number, written in zip(range(_SECRETS + _CHANGES), self.writer.writes(), strict=False):
            if number < _SECRETS:
                self.writer.model = self._write(written)
                continue
            self._compare_plans()
            cursor = self.stage.run(self._cursor())
            before = self.writer.model
            done, after = self._written(written)
            self.writer.model = after
            self._compare_feed(done, before, after, cursor)

    def _write(self, written: Written) -> Model:
        return self._written(written)[1]

    def _written(self, written: Written) -> tuple[Written, Model]:
        """Write through the gateway; return the write and the model with the gateway's id."""
        made = self.stage.run(self._use_case(written))
        entry = replace(written.entry, id=made.id if made else written.entry.id)
        written = replace(written, entry=entry)
        return written, self.writer.apply(written)

    def _compare_plans(self) -> None:
        """Compare what the gateway says before a change with what the model says."""
        model = self.writer.model
        for entry in model.entries.values():
            # An alias has no value: what an edit of it can change is what is under its key.
            edited = replace(entry, value="plain and new", **_as_valued(model, entry))
            after_edit = Model({**model.entries, entry.id: edited})
            after_deletion = self.writer.apply(Written(Step.DELETE, entry))
            expected = after_edit, after_deletion
            found = self.stage.run(self._planned(entry.id))
            for ids, after in zip(found[:2], expected, strict=True):
                services = (item for item in self.places if item.kind.is_service)
                assert ids == {
                    service.id for service in services if changed_keys(model, after, service)
                }, (
                    self.seed,
                    entry,
                )
            dependents = model.entries.keys() - after_deletion.entries.keys()
            for place in self.places:
                for after in expected:
                    dependents |= winner_ids(model, place, changed_keys(model, after, place))
            assert found[2] == dependents - {entry.id}, (self.seed, entry)

    def _compare_feed(self, written: Written, before: Model, after: Model, cursor: str) -> None:
        for service in (place for place in self.places if place.kind.is_service):
            found = self.stage.run(self._reported(service, cursor))
            expected = changed_keys(before, after, service)
            assert found >= expected, (self.seed, written)
            if found > expected:
                assert may_be_wider(written, before, after, service), (self.seed, written)

    async def _planned(self, secret_id: str) -> tuple[set[str], set[str], set[str]]:
        """Return the services that an edit and the deletion reach, and the dependents."""
        async with self.stage.runtime.database.read() as unit:
            services = self.stage.services_on(unit)
            found = await services.secrets.find(ids=[secret_id])
            secret = found[secret_id]
            impacts = [
                await services.effective.impact(secret=secret, window=_ALL, of_deletion=of_deletion)
                for of_deletion in (False, True)
            ]
            dependents = await services.secrets.dependents_of(secret=secret, window=_ALL)
        edit, deletion = ({entry.item.id for entry in page.entries} for page in impacts)
        return edit, deletion, {entry.item.id for entry in dependents.entries}

    async def _cursor(self) -> str:
        async with self.stage.runtime.database.read() as unit:
            return await self.stage.services_on(unit).change_feed.cursor()

    async def _reported(self, service: Place, cursor: str) -> set[str]:
        """Return the keys that the feed names after a cursor, up to a change made for this."""
        await self._edit(self.tick.id, EditDraft(key=_TICK, value="again"))
        view = self.stage.runtime.database.view(is_bounded=False)
        feed = self.stage.services_on(view).change_feed
        changes = feed.effective_changes(service_id=service.id, after=cursor)
        keys: set[str] = set()
        async with asyncio.timeout(PATIENCE):
            async for found in changes:
                assert isinstance(found, EffectiveChange)
                if _is_tick(found.change):
                    break
                keys |= set(found.keys)
        await changes.aclose()
        return keys - {_TICK}

    async def _use_case(self, written: Written) -> Secret | None:
        entry, services = written.entry, self.stage.services
        if written.step is Step.CREATE:
            draft = SecretDraft(
                key=entry.key,
                value=entry.value,
                mount_path=entry.mount_path,
                enable_interpolation_in_file=entry.expands,
            )
            return await self._create(entry.place, draft)
        if written.step is Step.ALIAS:
            return await services.aliases.create(
                holder_reference=named(entry.place),
                target_id=str(entry.target_id),
                draft=AliasDraft(key=entry.key),
            )
        if written.step is Step.OVERRIDE:
            return await services.overrides.create(
                holder_reference=named(entry.place),
                target_id=str(entry.target_id),
                draft=OverrideDraft(value=entry.value, enable_interpolation_in_file=entry.expands),
            )
        if written.step is Step.DELETE:
            await services.changes.delete(secret_id=entry.id)
            return None
        value = entry.value if written.step is Step.EDIT else None
        return await self._edit(entry.id, EditDraft(key=entry.key, value=value))

    async def _create(self, place: Place, draft: SecretDraft) -> Secret:
        return await self.stage.services.secrets.create(holder_reference=named(place), draft=draft)

    async def _edit(self, secret_id: str, draft: EditDraft) -> Secret:
        return await self.stage.services.changes.edit(secret_id=secret_id, draft=draft)


def _as_valued(model: Model, entry: Entry) -> dict[str, Any]:
    if entry.type is not SecretType.ALIAS:
        return {}
    path = model.path_of(model.entries[str(entry.target_id)])
    return {"type": SecretType.FILE if path else SecretType.VALUE, "mount_path": path}


def _is_tick(change: SecretChange) -> bool:
    return change.key == _TICK
