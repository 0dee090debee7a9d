"""What every step of the machine shares: the two sides, and how they are compared."""

from dataclasses import replace
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant, multiple

from gateway.domain.errors import ErrorCode
from gateway.domain.secrets import Secret, SecretType
from gateway.services.imports import ImportAction, ImportedRow
from tests.machine.model import Entry, Model, Place
from tests.machine.stage import Stage


class ComparedMachine(RuleBasedStateMachine):
    """The gateway and the model, side by side."""

    stage: ClassVar[Stage]
    make_model: ClassVar[type[Model]] = Model

    def __init__(self) -> None:
        super().__init__()
        self.model = self.make_model()
        self.steps = 0
        self.touched = self.stage.places[0]

    def place(self, number: int) -> Place:
        """Return a holder by its number."""
        self.touched = self.stage.places[number]
        return self.touched

    def taken(self, made: Secret | ErrorCode, expected: ErrorCode | None, entry: Entry) -> Any:
        """Compare an outcome; take what was made into the model, under the id that it was given."""
        if not isinstance(made, Secret):
            assert made == expected
            return multiple()
        assert expected is None
        self.model.add(replace(entry, id=made.id))
        return made.id

    def own_place(self, at: int | None, secret_id: str) -> Place:
        """Return the holder with that number, or the one that the secret hangs on."""
        there = self.model.entries.get(secret_id)
        if at is None and there:
            self.touched = there.place
            return there.place
        return self.place(at or 0)

    def wrote(self, place: Place, key: str, value: str, row: ImportedRow) -> list[str]:
        """Take an imported row into the model; return the id of what it made."""
        if row.secret is None or row.action is ImportAction.SKIPPED:
            return []
        if row.action is ImportAction.UPDATED:
            secret_id = row.secret.id
            assert self.model.edit(place, secret_id, key, value, None) is None
            return []
        target_id = self.model.overridden_by(place, key)
        kind = SecretType.OVERRIDE if target_id else SecretType.VALUE
        self.model.add(Entry(row.secret.id, place, key, kind, value, target_id))
        return [row.secret.id]

    @invariant()
    def what_was_changed_is_as_the_model_says(self) -> None:
        """Compare what the holder of the last step sees, and what a service gets, each in turn."""
        self.steps += 1
        services = self.stage.service_places
        self.compare(self.touched, services[self.steps % len(services)])

    def teardown(self) -> None:
        """Compare everything: what services see is all there is."""
        for place in self.stage.service_places:
            self.compare(place, place)

    def compare(self, at: Place, service: Place) -> None:
        """Compare rows, their order, references and versions; and keys, values and files."""
        seen, got = self.stage.run(self.stage.seen(at, service))
        assert [_shape(secret) for secret in seen] == [
            (
                item.id,
                item.key,
                item.type,
                item.place.id,
                item.target_id,
                item.mount_path,
                item.version,
            )
            for item in self.model.visible(at)
        ]
        files = {item.key: (item.file.mount_path, item.file.content) for item in got if item.file}
        delivered = {item.key: (item.value, files.get(item.key)) for item in got}
        assert delivered == self.model.delivered(service)


def _shape(secret: Secret) -> tuple[object, ...]:
    target_id = secret.target.id if secret.target else None
    kind, holder_id = secret.variable_type, secret.holder.id
    return secret.id, secret.key, kind, holder_id, target_id, secret.mount_path, secret.version
