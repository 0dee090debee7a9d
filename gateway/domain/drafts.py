"""What a caller asks to be written; each draft knows the rules that need no look at the store."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from gateway.domain import content
from gateway.domain.entity_tags import EntityTags
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.ids import is_canonical_id
from gateway.domain.scopes import Scope
from gateway.domain.secrets import DEFAULT_OWNER, SecretType, ServiceReference


@dataclass(frozen=True, slots=True)
class HolderReference:
    """A holder as a caller names it. Without a scope, one of any kind is meant."""

    scope: Scope | None
    id: str


class Kept(Enum):
    """Stands for what an edit leaves as it is; null would take it away."""

    KEPT = "KEPT"


KEPT: Final = Kept.KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """On what terms something is written.

    A dry run answers what would happen and writes nothing. Under an idempotency key the same write
    happens once, however often it is sent. What is expected must hold, or nothing is changed. A
    caller who does not know external secrets cannot refer to one, and cannot edit one.
    """

    dry_run: bool = False
    idempotency_key: str | None = None
    expected_version: int | None = None
    knows_external: bool = True
    # Of a secret: entity tags, one of which it must have, as the header If-Match lists them.
    if_match: str | None = None
    # Of a holder, which has nothing else that changes.
    expected_name: str | None = None

    @property
    def preconditions(self) -> tuple[str, ...]:
        """What must hold before the write, as a part of the request; empty for nothing."""
        named = {
            "expectedVersion": self.expected_version,
            "ifMatch": self.if_match,
            "expectedName": self.expected_name,
        }
        return tuple(f"{name}={value}" for name, value in named.items() if value is not None)

    def ensure_valid(self) -> None:
        """Refuse an idempotency key that is no header's value, and malformed entity tags.

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
    """What every secret is given besides key and value."""

    description: str | None = None
    enable_interpolation_in_file: bool | None = None

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        content.ensure_description(self.description or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretDraft(Draft):
    """A new VALUE, or with a mount path a new FILE. No value is the empty one."""

    key: str
    value: str | None = field(default=None, repr=False)
    mount_path: str | None = None

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        Draft.ensure_valid(self)
        content.ensure_key(self.key)
        content.ensure_value(self.value or "")
        if self.mount_path:
            content.ensure_mount_path(self.mount_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasDraft(Draft):
    """A new key for a secret that is there."""

    key: str

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        Draft.ensure_valid(self)
        content.ensure_key(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideDraft(Draft):
    """Another value for a secret of a higher scope. No value is the empty one."""

    value: str | None = field(default=None, repr=False)

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        Draft.ensure_valid(self)
        content.ensure_value(self.value or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditDraft:
    """New content for a secret. A value of None keeps the one it has; `""` empties it."""

    key: str
    value: str | None = field(default=None, repr=False)
    description: str | Kept | None = KEPT
    enable_interpolation_in_file: bool | Kept | None = KEPT

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule; whether the key may be changed to this one comes later.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        content.ensure_key_syntax(self.key)
        content.ensure_value(self.value or "")
        if isinstance(self.description, str):
            content.ensure_description(self.description)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedDraft(Draft):
    """A new secret that is not written by a caller: the platform's, or an external manager's.

    With a `source` it is a BUILT_IN that comes from this service, else an EXTERNAL_SECRET.
    """

    key: str
    value: str = field(repr=False)
    owned_by: str = DEFAULT_OWNER
    source: ServiceReference | None = None

    @property
    def variable_type(self) -> SecretType:
        """Which of the two it is."""
        return SecretType.BUILT_IN if self.source else SecretType.EXTERNAL_SECRET

    def ensure_valid(self) -> None:
        """Refuse what breaks a rule; a built-in key may have the reserved prefix.

        Raises:
            InvalidInput: naming the rule, never the text.

        """
        Draft.ensure_valid(self)
        content.ensure_name(self.owned_by)
        content.ensure_value(self.value)
        if self.source is None:
            content.ensure_key(self.key)
        else:
            content.ensure_key_syntax(self.key)
            content.ensure_name(self.source.name)
            if not is_canonical_id(self.source.id):
                raise InvalidInput(Argument.SOURCE, "The source's id is not a UUID.")
