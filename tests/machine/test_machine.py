"""Any sequence of writes leaves the gateway as the model: what is seen, delivered and refused."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from gateway.domain import delivery_sizes
from gateway.domain.drafts import AliasDraft, EditDraft, OverrideDraft, SecretDraft, WriteOptions
from gateway.domain.errors import ErrorCode
from gateway.domain.secrets import SecretType
from gateway.services.imports import ImportReport, ImportRow
from tests.machine import model
from tests.machine.comparing import ComparedMachine
from tests.machine.model import Entry, LimitedModel, Model, Place
from tests.machine.stage import PLATFORM_KEY, PLATFORM_VALUE, named, opened_stage

KEYS = st.sampled_from(["A", "B", "C", "D", PLATFORM_KEY, "A_B", "QOVERY_A", "1", ""])
VALUES = st.sampled_from(
    ["", "x", "{{A}}", "{{B}}-{{C}}", "{{D}}{{NOTHING}}", "é{{PLATFORM}}", r"\{{A}}", r"\\{{B}}"]
)
MOUNT_PATHS = st.sampled_from([None, None, "/etc/one", "/etc/two", "/etc/two/x"])
FLAGS = st.sampled_from([None, True, False])
VERSIONS = st.sampled_from([None, None, None, 1, 2])


ALL_OF_IT = settings(
    stateful_step_count=30,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


class GatewayMachine(ComparedMachine):
    """Drives the gateway and the model side by side."""

    ids = Bundle("ids")

    @initialize(target=ids)
    def register(self) -> str:
        """Begin with the platform's secret alone."""
        made = self.stage.reset()
        place = self.stage.platform_place
        self.model.add(Entry(made.id, place, PLATFORM_KEY, SecretType.BUILT_IN, PLATFORM_VALUE))
        return made.id

    @rule(
        target=ids,
        at=st.integers(0, 13),
        key=KEYS,
        value=VALUES,
        path=MOUNT_PATHS,
        flag=FLAGS,
    )
    def create(self, *, at: int, key: str, value: str, path: str | None, flag: bool | None) -> Any:
        """Create a VALUE or a FILE."""
        place = self.place(at)
        draft = SecretDraft(
            key=key, value=value, mount_path=path, enable_interpolation_in_file=flag
        )
        kind = SecretType.FILE if path else SecretType.VALUE
        entry = Entry("", place, key, kind, value, None, path, flag)
        expected = self.model.create(entry)
        made = self.stage.outcome(
            self.stage.services.secrets.create(holder_reference=named(place), draft=draft)
        )
        return self.taken(made, expected, entry)

    @rule(target=ids, at=st.integers(0, 13), target_id=ids, key=KEYS)
    def alias(self, *, at: int, target_id: str, key: str) -> Any:
        """Create an alias."""
        place = self.place(at)
        expected = self.model.alias(place, target_id, key)
        made = self.stage.outcome(
            self.stage.services.aliases.create(
                holder_reference=named(place), target_id=target_id, draft=AliasDraft(key=key)
            )
        )
        entry = Entry("", place, key, SecretType.ALIAS, target_id=target_id)
        return self.taken(made, expected, entry)

    @rule(target=ids, at=st.integers(0, 13), target_id=ids, value=VALUES, flag=FLAGS)
    def override(self, *, at: int, target_id: str, value: str, flag: bool | None) -> Any:
        """Create an override."""
        place = self.place(at)
        expected = self.model.override(place, target_id, value)
        made = self.stage.outcome(
            self.stage.services.overrides.create(
                holder_reference=named(place),
                target_id=target_id,
                draft=OverrideDraft(value=value, enable_interpolation_in_file=flag),
            )
        )
        key = "" if expected else self.model.entries[target_id].key
        kind = SecretType.OVERRIDE
        return self.taken(
            made, expected, Entry("", place, key, kind, value, target_id, expands=flag)
        )

    @rule(
        at=st.one_of(st.none(), st.integers(0, 13)),
        secret_id=ids,
        key=st.one_of(st.none(), KEYS),
        value=st.one_of(st.none(), VALUES),
        version=VERSIONS,
    )
    def edit(
        self,
        *,
        at: int | None,
        secret_id: str,
        key: str | None,
        value: str | None,
        version: int | None,
    ) -> None:
        """Change key and value; through its own holder, unless another is named."""
        place = self.own_place(at, secret_id)
        there = self.model.entries.get(secret_id)
        new_key = (there.key if there else "A") if key is None else key
        expected = self.model.edit(place, secret_id, new_key, value, version)
        edited = self.stage.outcome(
            self.stage.services.changes.edit(
                holder_reference=named(place),
                secret_id=secret_id,
                draft=EditDraft(key=new_key, value=value),
                options=WriteOptions(expected_version=version),
            )
        )
        assert (edited if isinstance(edited, ErrorCode) else None) == expected

    @rule(at=st.one_of(st.none(), st.integers(0, 13)), secret_id=ids, version=VERSIONS)
    def delete(self, *, at: int | None, secret_id: str, version: int | None) -> None:
        """Delete; through its own holder, unless another is named."""
        place = self.own_place(at, secret_id)
        expected = self.model.delete(place, secret_id, version)
        deleted = self.stage.outcome(
            self.stage.services.changes.delete(
                holder_reference=named(place),
                secret_id=secret_id,
                options=WriteOptions(expected_version=version),
            )
        )
        assert (deleted if isinstance(deleted, ErrorCode) else None) == expected

    @rule(
        target=ids,
        at=st.integers(0, 13),
        rows=st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=4),
        overwrite=st.booleans(),
    )
    def import_rows(self, *, at: int, rows: list[tuple[str, str]], overwrite: bool) -> Any:
        """Import some rows."""
        place = self.place(at)
        report = self.stage.outcome(
            self.stage.services.imports.run(
                holder_reference=named(place),
                rows=[ImportRow(SecretDraft(key=key, value=value)) for key, value in rows],
                overwrite=overwrite,
            )
        )
        assert isinstance(report, ImportReport)
        made = []
        for (key, value), row in zip(rows, report.rows, strict=True):
            assert row.action == self.model.imported(place, key, value, overwrite=overwrite)
            made += self.wrote(place, key, value, row)
        return multiple(*made)


class BoundlessModel(Model):
    """A model with a mistake: it has room for everything."""

    def room_fault(self, entry: Entry) -> ErrorCode | None:
        """Find nothing too much."""
        del entry
        return None


class EagerModel(Model):
    """A model with a mistake: it lets any key be taken again."""

    def conflict(self, at: Place, key: str) -> ErrorCode | None:
        """Find nothing in the way."""
        del at, key
        return None


@contextmanager
def _staged(folder: Path, model: type[Model]) -> Iterator[type[GatewayMachine]]:
    with opened_stage(folder) as stage:
        yield type("StagedMachine", (GatewayMachine,), {"stage": stage, "make_model": model})


@pytest.mark.timeout(3_600)
def test_any_sequence_of_writes_leaves_what_the_model_says(tmp_path: Path) -> None:
    chosen = settings(ALL_OF_IT, max_examples=int(os.environ.get("MACHINE_EXAMPLES", "75")))

    with _staged(tmp_path / "data", Model) as machine:
        run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.rule("R5")
@pytest.mark.timeout(3_600)
def test_nothing_is_accepted_that_cannot_be_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With small limits, exactly what passes them for some service is refused."""
    for name in ("MAX_KEYS", "MAX_BYTES", "MAX_SECRET_BYTES"):
        monkeypatch.setattr(delivery_sizes, name, getattr(model, name))
    chosen = settings(ALL_OF_IT, max_examples=int(os.environ.get("MACHINE_EXAMPLES", "15")))

    with _staged(tmp_path / "data", LimitedModel) as machine:
        run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.parametrize("mistaken", [EagerModel, BoundlessModel])
def test_the_machine_notices_a_mistake(tmp_path: Path, mistaken: type[Model]) -> None:
    """The control of the tests above."""
    chosen = settings(ALL_OF_IT, max_examples=500, phases=[Phase.generate], database=None)

    with _staged(tmp_path / "data", mistaken) as machine, pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=chosen)
