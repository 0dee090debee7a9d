"""What a client asks to write, and the warnings that come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from typing import Any, Final, Self

from gateway.domain import content
from gateway.domain.entity_tags import EntityTags
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.holders import is_canonical_id
from gateway.domain.scopes import Scope
from gateway.domain.secrets import DEFAULT_OWNER, Secret, SecretType, ServiceReference


class WarningCode(StrEnum):
    """Stable names of warnings; never reused, never renamed."""

    REFERENCE_UNKNOWN = "REFERENCE_UNKNOWN"
    REFERENCE_BROKEN = "REFERENCE_BROKEN"
    VALUE_EMPTIED = "VALUE_EMPTIED"
    NOT_RESTORED = "NOT_RESTORED"


@dataclass(frozen=True, slots=True)
class ChangeWarning:
    """A warning about an argument of a write; `secret_id` is the written secret."""

    code: WarningCode
    message: str
    secret_id: str
    argument: Argument


_COLLECTED: Final[ContextVar[list[ChangeWarning] | None]] = ContextVar("warnings", default=None)


@contextmanager
def collecting_warnings() -> Iterator[list[ChangeWarning]]:
    """Yield the list that collects the warnings of changes inside the block."""
    collected: list[ChangeWarning] = []
    token = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(token)


def are_warnings_wanted() -> bool:
    """Return whether a collector is active; without one, the checks are skipped."""
    return _COLLECTED.get() is not None


def warn(warning: ChangeWarning) -> None:
    """Add a warning to the active collector, if any."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.append(warning)


@dataclass(frozen=True, slots=True)
class HolderReference:
    """A holder as a caller names it. A scope of None matches every kind."""

    scope: Scope | None
    id: str


class Kept(Enum):
    """Marks a field that an edit leaves unchanged; None would remove its content."""

    KEPT = "KEPT"


KEPT: Final = Kept.KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """The options of a write.

    A dry run returns what would happen and writes nothing. With an idempotency key, a repeated
    request writes once. A failed precondition refuses the write. A caller that does not know
    external secrets cannot refer to one or edit one.
    """

    dry_run: bool = False
    idempotency_key: str | None = None
    expected_version: int | None = None
    supports_external: bool = True
    # The value of the header If-Match: the secret must have one of these entity tags.
    if_match: str | None = None
    # For a holder, whose name is all that can change.
    expected_name: str | None = None

    @property
    def preconditions(self) -> tuple[str, ...]:
        """The preconditions as texts for the request's fingerprint."""
        named = {
            "expectedVersion": self.expected_version,
            "ifMatch": self.if_match,
            "expectedName": self.expected_name,
        }
        return tuple(f"{name}={value}" for name, value in named.items() if value is not None)

    def ensure_valid(self) -> None:
        """Refuse an idempotency key that a header cannot carry, and malformed entity tags.

        Raises:
            InvalidInput: naming the rule.

        """
        if self.idempotency_key is not None:
            content.ensure_idempotency_key(self.idempotency_key)
        if self.if_match is not None:
            EntityTags.parse(self.if_match)


DEFAULT_WRITE_OPTIONS: Final = WriteOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    description: str | None = None
    enable_interpolation_in_file: bool | None = None

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        content.ensure_description(self.description or "")

    def description_fields(self) -> dict[str, Any]:
        """Return the fields that describe a secret of any kind."""
        return {name: getattr(self, name) for name in _DESCRIBED}


_DESCRIBED: Final = tuple(each.name for each in fields(Draft))


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretDraft(Draft):
    """A new VALUE, or a new FILE if it has a mount path. A value of None is stored as empty."""

    key: str
    value: str | None = field(default=None, repr=False)
    mount_path: str | None = None

    def ensure_valid(self) -> None:
        Draft.ensure_valid(self)
        content.ensure_key(self.key)
        content.ensure_value(self.value or "")
        if self.mount_path:
            content.ensure_mount_path(self.mount_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasDraft(Draft):
    key: str

    def ensure_valid(self) -> None:
        Draft.ensure_valid(self)
        content.ensure_key(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideDraft(Draft):
    """Another value for a secret of a higher scope. A value of None is stored as empty."""

    value: str | None = field(default=None, repr=False)

    def ensure_valid(self) -> None:
        Draft.ensure_valid(self)
        content.ensure_value(self.value or "")

    @classmethod
    def of(cls, draft: SecretDraft) -> Self:
        """Return the override that an imported row becomes where a wider scope has its key."""
        return cls(value=draft.value, **draft.description_fields())


@dataclass(frozen=True, slots=True, kw_only=True)
class EditDraft:
    """New content for a secret. A value of None keeps the stored one; `""` empties it."""

    key: str
    value: str | None = field(default=None, repr=False)
    description: str | Kept | None = KEPT
    enable_interpolation_in_file: bool | Kept | None = KEPT

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule; whether the key can be changed is checked later.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        content.ensure_key_syntax(self.key)
        content.ensure_value(self.value or "")
        if isinstance(self.description, str):
            content.ensure_description(self.description)

    @classmethod
    def of(cls, draft: SecretDraft, value: str) -> Self:
        """Return the edit that an imported row becomes where the holder has its key."""
        given = {
            name: text for name, text in draft.description_fields().items() if text is not None
        }
        return cls(key=draft.key, value=value, **given)

    def description_fields(self, secret: Secret) -> dict[str, Any]:
        """Return the fields that describe the secret, as they are after the edit."""
        edited = {name: getattr(self, name) for name in _DESCRIBED}
        return {
            name: getattr(secret, name) if isinstance(value, Kept) else value
            for name, value in edited.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedDraft(Draft):
    """A new secret of the platform or of an external manager, which callers cannot write.

    With a `source` it is a BUILT_IN from that service, otherwise an EXTERNAL_SECRET.
    """

    key: str
    value: str = field(repr=False)
    owned_by: str = DEFAULT_OWNER
    source: ServiceReference | None = None

    @property
    def variable_type(self) -> SecretType:
        """BUILT_IN with a source, otherwise EXTERNAL_SECRET."""
        return SecretType.BUILT_IN if self.source else SecretType.EXTERNAL_SECRET

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule; a built-in key may have the reserved prefix."""
        Draft.ensure_valid(self)
        content.ensure_name(self.owned_by)
        content.ensure_value(self.value)
        if self.source is None:
            content.ensure_key(self.key)
        else:
            content.ensure_key_syntax(self.key)
            content.ensure_name(self.source.name)
            if not is_canonical_id(self.source.id):
                raise InvalidInput(Argument.SOURCE, "The id of the source must be a UUID.")
