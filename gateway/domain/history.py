"""Former states of secrets: what is known of them, and who ended each one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from gateway.domain.holders import Holder
from gateway.domain.origins import ActorKind, AuditFace
from gateway.domain.secrets import SecretType

FIRST_VERSION: Final = 1


class Ending(StrEnum):
    """What ended a state of a secret. RESTORED ends the time in which the secret was deleted."""

    CHANGED = "CHANGED"
    DELETED = "DELETED"
    RESTORED = "RESTORED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who made a version, and through which face."""

    kind: ActorKind
    id: str
    face: AuditFace


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerState:
    """A former state of a secret. `columns` has the other columns of the secret's row by name."""

    secret_id: str
    version: int
    ending: Ending
    organization_id: str
    project_id: str
    holder_id: str
    columns: Mapping[str, Any] = field(repr=False)
    value_version: int | None
    began_at: datetime
    ended_at: datetime
    ended_by: Author
    # The number of the first event of the transaction that ended it.
    ended_in: int
    # Whether its value is still stored. True for a secret without its own value.
    has_value: bool

    @property
    def key(self) -> str:
        key: str = self.columns["key"]
        return key

    @property
    def target_id(self) -> str | None:
        target_id: str | None = self.columns["target_id"]
        return target_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersion:
    """One version of a secret, without its value. The present version has no ending."""

    secret_id: str
    holder: Holder
    version: int
    key: str
    variable_type: SecretType
    mount_path: str | None
    description: str | None
    enable_interpolation_in_file: bool | None
    # None if the version before it is no longer known.
    is_new_value: bool | None
    is_value_kept: bool
    began_at: datetime
    ended_at: datetime | None
    ending: Ending | None
    # None if the principal cannot read the audit log there, if it is no longer known, and for the
    # first version, whose author only the audit log has.
    author: Author | None

    @property
    def is_first(self) -> bool:
        return self.version == FIRST_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedSecret:
    """A deleted secret as it was last, and the holder that it belonged to."""

    last: FormerState = field(repr=False)
    holder: Holder
