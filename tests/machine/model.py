"""The rules once more, in plain Python over dictionaries: what the gateway is compared with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from gateway.services.imports import ImportAction
from tests.machine.references import expander

NEW = "new"
Outcome = ErrorCode | None
Delivered = Mapping[str, tuple[str, tuple[str, str] | None]]


@dataclass(frozen=True)
class Place:
    id: str
    kind: Scope
    above: tuple[str, ...] = ()

    @property
    def chain(self) -> tuple[str, ...]:
        return (self.id, *self.above)


@dataclass(frozen=True)
class Entry:
    id: str
    place: Place
    key: str
    type: SecretType
    value: str = ""
    target_id: str | None = None
    mount_path: str | None = None
    expands: bool | None = None
    version: int = 1

    @property
    def rank(self) -> tuple[int, int, str, str]:
        order = {SecretType.OVERRIDE: 1, SecretType.ALIAS: 2}.get(self.type, 0)
        is_built_in = self.type is SecretType.BUILT_IN
        return (0 if is_built_in else self.place.kind.rank), order, self.key, self.id


@dataclass
class Model:
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        self.entries[entry.id] = entry

    def create(self, entry: Entry) -> Outcome:
        fault = _key_fault(entry.key) or self.conflict(entry.place, entry.key)
        return fault or self.room_fault(entry)

    def alias(self, at: Place, target_id: str, key: str) -> Outcome:
        target = self.entries.get(target_id)
        if fault := _key_fault(key) or _reach_fault(at, target):
            return fault
        if target and target.type is SecretType.ALIAS:
            return ErrorCode.ALIAS_OF_ALIAS
        alias = Entry("", at, key, SecretType.ALIAS, target_id=target_id)
        return self.conflict(at, key) or self.room_fault(alias)

    def override(self, at: Place, target_id: str, value: str) -> Outcome:
        target = self.entries.get(target_id)
        if fault := _reach_fault(at, target):
            return fault
        assert target
        if target.type not in {SecretType.VALUE, SecretType.FILE}:
            return ErrorCode.NOT_OVERRIDABLE
        if at.kind.rank <= target.place.kind.rank:
            return ErrorCode.SCOPE_VIOLATION
        if self._own(at, target.key):
            return ErrorCode.CONFLICT
        return self.room_fault(Entry("", at, target.key, SecretType.OVERRIDE, value, target_id))

    def edit(
        self, at: Place, secret_id: str, key: str, value: str | None, version: int | None
    ) -> Outcome:
        if not re.fullmatch(r"[A-Z_]+", key):
            return ErrorCode.BAD_USER_INPUT
        if fault := self._change_fault(at, secret_id, version):
            return fault
        old = self.entries[secret_id]
        if fault := self._content_fault(old, key, value):
            return fault
        if key != old.key and (fault := self.conflict(old.place, key)):
            return fault
        is_kept = value is None or old.type is SecretType.ALIAS
        new = replace(old, key=key, version=old.version + 1)
        new = new if is_kept else replace(new, value=value or "")
        # Its overrides are renamed with it, so a rename takes no room.
        if fault := self.room_fault(replace(new, key=old.key)):
            return fault
        self.entries[secret_id] = new
        for entry in [*self.entries.values()] if key != old.key else []:
            if entry.target_id == secret_id and entry.type is SecretType.OVERRIDE:
                self.entries[entry.id] = replace(entry, key=key, version=entry.version + 1)
        return None

    def delete(self, at: Place, secret_id: str, version: int | None) -> Outcome:
        if fault := self._change_fault(at, secret_id, version):
            return fault
        going = {secret_id}
        for _ in range(2):  # An alias of an override of the secret is the furthest there is.
            going |= {entry.id for entry in self.entries.values() if entry.target_id in going}
        for gone in going:
            del self.entries[gone]
        return None

    def imported(self, at: Place, key: str, value: str, *, overwrite: bool) -> ImportAction:
        if _key_fault(key):
            return ImportAction.FAILED
        if own := self._own(at, key):
            is_fixed = own.type in {SecretType.ALIAS, SecretType.BUILT_IN}
            if not overwrite:
                return ImportAction.SKIPPED
            fault = is_fixed or self.room_fault(replace(own, value=value))
            return ImportAction.FAILED if fault else ImportAction.UPDATED
        if not self.with_key(at, key):
            fault = self.create(Entry("", at, key, SecretType.VALUE, value))
            return ImportAction.FAILED if fault else ImportAction.CREATED
        target_id = self.overridden_by(at, key)
        fault = target_id is None or self.override(at, target_id, value)
        return ImportAction.FAILED if fault else ImportAction.OVERRIDDEN

    def room_fault(self, entry: Entry) -> Outcome:
        """Say what some service would get that cannot be delivered, with this entry in it."""
        later = Model({**self.entries, entry.id or NEW: replace(entry, id=entry.id or NEW)})
        is_colliding = any(later._collides(at) for at in later.below(entry.place))
        return ErrorCode.CONFLICT if is_colliding else None

    def below(self, place: Place) -> set[Place]:
        """Return the place and the others below it that have entries."""
        return {entry.place for entry in self.entries.values() if place.id in entry.place.chain}

    def _collides(self, at: Place) -> bool:
        files = {
            (self.path_of(source), source.id)
            for source in self.sources(at).values()
            if self.path_of(source)
        }
        paths = [path for path, _ in files]
        return any(
            paths.count(path) > 1 or any(f"{other}".startswith(f"{path}/") for other in paths)
            for path in paths
        )

    def sources(self, at: Place) -> Mapping[str, Entry]:
        """Return whose value each key has for a service there."""
        winners = {entry.key: entry for entry in self.visible(at)}
        return {key: self._source(winner) for key, winner in winners.items()}

    def overridden_by(self, at: Place, key: str) -> str | None:
        widest = min(self.with_key(at, key), key=lambda entry: entry.rank, default=None)
        is_overridable = widest and widest.type in {SecretType.VALUE, SecretType.FILE}
        return widest.id if widest and is_overridable and widest.place.id in at.chain else None

    def visible(self, at: Place) -> list[Entry]:
        seen = (entry for entry in self.entries.values() if entry.place.id in at.chain)
        return sorted(seen, key=lambda entry: entry.rank)

    def delivered(self, service: Place) -> Delivered:
        sources = self.sources(service)
        paths = {key: self.path_of(source) for key, source in sources.items()}
        texts = {key: paths[key] or source.value for key, source in sources.items()}
        expand = expander(texts)
        contents = {
            key: expand(source.value) if self.expands(source) else source.value
            for key, source in sources.items()
        }
        files = {key: (path, contents[key]) if path else None for key, path in paths.items()}
        return {key: (expand(texts[key]), files[key]) for key in sources}

    def text_of(self, entry: Entry) -> str:
        """Return the text that references to a secret are replaced by, as it is stored."""
        source = self._source(entry)
        return self.path_of(source) or source.value

    def _source(self, entry: Entry) -> Entry:
        return self.entries[entry.target_id or ""] if entry.type is SecretType.ALIAS else entry

    def path_of(self, entry: Entry) -> str | None:
        target = self.entries.get(entry.target_id or "")
        return entry.mount_path or (target.mount_path if target else None)

    def expands(self, entry: Entry) -> bool:
        target = self.entries.get(entry.target_id or "")
        inherited = target.expands if target and entry.expands is None else entry.expands
        return bool(inherited)

    def _own(self, at: Place, key: str) -> Entry | None:
        found = (
            entry for entry in self.entries.values() if entry.place.id == at.id and entry.key == key
        )
        return next(found, None)

    def with_key(self, at: Place, key: str) -> list[Entry]:
        named = (entry for entry in self.entries.values() if entry.key == key)
        return [item for item in named if item.place.id in at.chain or at.id in item.place.chain]

    def conflict(self, at: Place, key: str) -> Outcome:
        return ErrorCode.CONFLICT if self.with_key(at, key) else None

    def _change_fault(self, at: Place, secret_id: str, version: int | None) -> Outcome:
        entry = self.entries.get(secret_id)
        is_built_in = entry is not None and entry.type is SecretType.BUILT_IN
        if entry is None or entry.place.id not in (at.chain if is_built_in else (at.id,)):
            return ErrorCode.NOT_FOUND
        if is_built_in:
            return ErrorCode.READ_ONLY
        return ErrorCode.VERSION_CONFLICT if version not in {None, entry.version} else None

    def _content_fault(self, entry: Entry, key: str, value: str | None) -> Outcome:
        is_wrong = entry.type is SecretType.OVERRIDE and key != entry.key
        if entry.type is SecretType.ALIAS and value is not None:
            is_wrong = value != self.entries[entry.target_id or ""].key
        return ErrorCode.BAD_USER_INPUT if is_wrong or _key_fault(key) else None


def _key_fault(key: str) -> Outcome:
    is_key = re.fullmatch(r"[A-Z_]+", key) and not key.startswith("QOVERY_")
    return None if is_key else ErrorCode.BAD_USER_INPUT


def _reach_fault(at: Place, target: Entry | None) -> Outcome:
    if target and target.place.id in at.chain:
        return None
    is_below = target and at.id in target.place.chain and target.type is not SecretType.BUILT_IN
    return ErrorCode.SCOPE_VIOLATION if is_below else ErrorCode.NOT_FOUND


MAX_KEYS, MAX_BYTES, MAX_SECRET_BYTES = 3, 36, 24


class LimitedModel(Model):
    """A model with limits that are soon met."""

    def room_fault(self, entry: Entry) -> Outcome:
        """Count keys and bytes, too; what is too much already can shrink."""
        later = LimitedModel({**self.entries, entry.id or NEW: replace(entry, id=entry.id or NEW)})
        is_new_key = entry.id not in self.entries and entry.type is not SecretType.OVERRIDE
        is_too_much = any(
            (is_new_key and len(later.sources(at)) > MAX_KEYS)
            or (later.size(at) > MAX_BYTES and later.size(at) > self.size(at))
            for at in later.below(entry.place)
        )
        limit = ErrorCode.DELIVERY_LIMIT_EXCEEDED if is_too_much else None
        return super().room_fault(entry) or limit

    def size(self, at: Place) -> int:
        """Return the bytes of all that a service there gets."""
        sources = self.sources(at).values()
        return sum(
            len(f"{source.value}{self.path_of(source) or ''}".encode()) for source in sources
        )
