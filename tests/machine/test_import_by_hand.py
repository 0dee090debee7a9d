"""An import does what its rows do one by one, each through the use case for one secret."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.domain.drafts import (
    KEPT,
    AliasDraft,
    EditDraft,
    OverrideDraft,
    ProvidedDraft,
    SecretDraft,
)
from gateway.domain.errors import BusinessError
from gateway.domain.holders import new_id
from gateway.domain.pages import Window
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import Secret, ServiceReference
from gateway.services.imports import ImportAction, ImportRow
from tests.machine.model import Place
from tests.machine.stage import PLATFORM_KEY, Stage, named, opened_stage

SEEDS = 4
# A project, its first environment, and two services there.
IN_CHAIN = (0, 1, 3, 4)
KEYS = (*"ABABCDEFGH", PLATFORM_KEY, "1", "QOVERY_A")
SCOPES = (None, None, None, Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB, Scope.CONTAINER)
Outcome = tuple[ImportAction, Any]


@dataclass(frozen=True)
class Twin:
    """One of two projects with the same hierarchy in the same order."""

    stage: Stage
    places: Sequence[Place]

    async def visible(self, place: Place) -> list[Secret]:
        """Return all that a holder sees, the widest first."""
        async with self.stage.runtime.database.read() as unit:
            found = await self.stage.services_on(unit).hierarchy.find(ids=[place.id])
            page = await self.stage.services_on(unit).secrets.visible_from(
                holder=found[place.id], window=Window(size=100)
            )
        return [entry.item for entry in page.entries]

    async def prepare(self) -> None:
        """Write what rows can meet: own, inherited, overridden, aliased and siblings' secrets."""
        services = self.stage.services
        project, environment, job, container = (named(self.places[item]) for item in IN_CHAIN)
        create, override = services.secrets.create, services.overrides.create
        source = ServiceReference(id=new_id(), name="db", type=ServiceType.DATABASE)
        built_in = ProvidedDraft(key=PLATFORM_KEY, value="platform", source=source)
        if not await self.visible(self.places[1]):
            await services.administration.register(holder_reference=environment, draft=built_in)
        for at, key in ((project, "A"), (environment, "B"), (container, "E"), (job, "F")):
            await create(holder_reference=at, draft=SecretDraft(key=key, value="there"))
        ids = {secret.key: secret.id for secret in await self.visible(self.places[3])}
        for at, key in ((environment, "A"), (job, "B")):
            draft = OverrideDraft(value="narrow")
            await override(holder_reference=at, target_id=ids[key], draft=draft)
        for at, key, target in ((environment, "C", "A"), (job, "D", "F")):
            alias = AliasDraft(key=key)
            await services.aliases.create(holder_reference=at, target_id=ids[target], draft=alias)

    async def state(self) -> Any:
        """Return all secrets without their ids and times, and all that services get."""
        delivered = []
        for place in self.places:
            if place.kind.is_service:
                async with self.stage.runtime.database.read() as unit:
                    found = await self.stage.services_on(unit).delivery.runtime_secrets(
                        service_id=place.id
                    )
                    delivered.append(found.secrets)
        facts = [[self.facts(item) for item in await self.visible(place)] for place in self.places]
        return [sorted(each, key=repr) for each in facts], delivered

    def facts(self, secret: Secret | None) -> Any:
        """Return what does not differ between twins."""
        if secret is None:
            return None
        place = next(i for i, item in enumerate(self.places) if item.id == secret.holder.id)
        target = replace(secret.target, id="") if secret.target else None
        own = replace(secret.facts, id="")
        return place, own, target, secret.version

    async def imported(
        self, place: Place, rows: Sequence[ImportRow], *, overwrite: bool
    ) -> list[Outcome]:
        """Import all rows at once."""
        report = await self.stage.services.imports.run(
            holder_reference=named(place), rows=rows, overwrite=overwrite
        )
        return [
            (row.action, row.error.code if row.error else self.facts(row.secret))
            for row in report.rows
        ]

    async def written(
        self, place: Place, rows: Sequence[ImportRow], *, overwrite: bool
    ) -> list[Outcome]:
        """Write the rows one by one."""
        return [await self._row(place, row, overwrite=overwrite) for row in rows]

    async def _row(self, place: Place, row: ImportRow, *, overwrite: bool) -> Outcome:
        kinds = {item.kind: item for item in self.places if item.id in place.chain}
        at = kinds.get(row.scope or place.kind)
        try:
            row.draft.ensure_valid()
            if at is None:
                return ImportAction.FAILED, "BAD_USER_INPUT"
            action, secret = await self._use_case(at, row.draft, overwrite=overwrite)
        except BusinessError as error:
            return ImportAction.FAILED, error.code
        return action, self.facts(secret)

    async def _use_case(
        self, at: Place, draft: SecretDraft, *, overwrite: bool
    ) -> tuple[ImportAction, Secret]:
        services = self.stage.services
        named_so = [item for item in await self.visible(at) if item.key == draft.key]
        own = [item for item in named_so if item.holder.id == at.id]
        if own and not overwrite:
            return ImportAction.SKIPPED, own[0]
        if own:
            edit = EditDraft(
                key=draft.key, value=draft.value or "", description=draft.description or KEPT
            )
            edited = await services.changes.edit(secret_id=own[0].id, draft=edit)
            return ImportAction.UPDATED, edited
        if named_so:
            override = OverrideDraft(value=draft.value, description=draft.description)
            made = await services.overrides.create(
                holder_reference=named(at), target_id=named_so[0].id, draft=override
            )
            return ImportAction.OVERRIDDEN, made
        made = await services.secrets.create(holder_reference=named(at), draft=draft)
        return ImportAction.CREATED, made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two projects of the same hierarchy."""
    with opened_stage(tmp_path_factory.mktemp("twins") / "data") as opened:
        yield opened


def _twins(stage: Stage) -> list[Twin]:
    projects = [place for place in stage.places if place.kind is Scope.PROJECT]
    return [
        Twin(stage, [place for place in stage.places if project.id in place.chain])
        for project in projects
    ]


def _rows(chosen: random.Random) -> list[ImportRow]:
    return [
        ImportRow(
            SecretDraft(
                key=chosen.choice(KEYS),
                value=chosen.choice([None, "A", "F", f"{chosen.random()}"]),
                description=chosen.choice([None, "one", "two"]),
            ),
            chosen.choice(SCOPES),
        )
        for _ in range(15)
    ]


@dataclass(frozen=True)
class Compared:
    """The same rows at twins, imported at one and written by hand at the other."""

    imported: list[Outcome]
    by_hand: list[Outcome]
    states: tuple[Any, Any]

    @property
    def is_equal(self) -> bool:
        """Whether the twins are equal again."""
        return self.imported == self.by_hand and self.states[0] == self.states[1]


def _compare(stage: Stage, seed: int) -> Compared:
    stage.reset()
    one, other = _twins(stage)
    for twin in (one, other):
        stage.run(twin.prepare())
    chosen = random.Random(seed)  # noqa: S311 - the same rows each time
    rows, at, overwrite = _rows(chosen), chosen.choice((*IN_CHAIN, 3, 4)), chosen.random() < 0.7
    return Compared(
        stage.run(one.imported(one.places[at], rows, overwrite=overwrite)),
        stage.run(other.written(other.places[at], rows, overwrite=overwrite)),
        (stage.run(one.state()), stage.run(other.state())),
    )


@pytest.mark.rule("V4")
def test_an_import_does_what_its_rows_do_one_by_one(stage: Stage) -> None:
    """Results in order, what is stored, and what every service gets."""
    met: set[ImportAction] = set()

    for seed in range(SEEDS):
        compared = _compare(stage, seed)
        assert compared.is_equal, (seed, compared)
        met |= {action for action, _ in compared.imported}

    assert met == set(ImportAction)


@pytest.mark.parametrize(
    ("seed", "name", "mistake"),
    [
        (3, "ImportPlan._with_current_target", lambda _, secret: secret),
        (0, "_width", lambda secret: (-secret.scope.rank, secret.id)),
    ],
    ids=["forgets what rows before did", "overrides the nearest"],
)
def test_the_comparison_notices_a_mistake(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, seed: int, name: str, mistake: Any
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(f"gateway.services.import_plan.{name}", mistake)

    assert not _compare(stage, seed).is_equal
