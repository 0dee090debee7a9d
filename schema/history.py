"""What secrets were: their versions, and deleted secrets. No type here has a value."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import ID, UNSET, field

from gateway.domain.history import Author, Ending
from gateway.domain.history import DeletedSecret as DomainDeleted
from gateway.domain.history import SecretVersion as DomainVersion
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from schema.access import Actor, actor_of
from schema.audit import AuditFace
from schema.context import Info
from schema.enums import ActorKind
from schema.fields import BelongsTo, Description, Interpolation, Key, MountPath, Type, pure_field
from schema.inputs import to_window
from schema.pages import After, Before, Connection, First, Last
from schema.secrets import LazyHolder, wrap_holder

IsValueKept = Annotated[
    bool,
    field(
        description=(
            "Whether its value is still stored, so that it can be brought back. True for an alias, "
            "which has no value of its own."
        )
    ),
]


@strawberry.enum(description="How a version of a secret ended.")
class SecretVersionEnding(Enum):
    CHANGED = strawberry.enum_value(
        Ending.CHANGED.value, description="The secret was changed, which made the next version."
    )
    DELETED = strawberry.enum_value(Ending.DELETED.value, description="The secret was deleted.")


@strawberry.type(description="A version of a secret, without its value.")
class SecretVersion:
    version: int = field(description="Its number. `rollbackSecret` takes it.")
    key: Key
    variable_type: Type
    mount_path: MountPath
    description: Description
    enable_interpolation_in_file: Interpolation
    is_new_value: bool | None = field(
        description=(
            "Whether it has another value than the version before. Null if that version is no "
            "longer known."
        )
    )
    is_value_kept: IsValueKept
    at: datetime = field(description="When the version was made.")
    ended_at: datetime | None = field(description="When it ended; null for the present version.")
    ended_how: SecretVersionEnding | None = field(
        description="How it ended; null for the present version."
    )
    source: strawberry.Private[DomainVersion]

    @field(
        description=(
            "Who made the version. Null if you cannot read the audit log of the secret's holder, "
            "if it is no longer known, and where `AuditEvent.actor` is null."
        )
    )
    async def by(self, info: Info) -> Actor | None:
        return await _actor(info, await _author(info, self.source))

    @field(description="The interface through which it was made. Null if it is not known to you.")
    async def face(self, info: Info) -> AuditFace | None:
        author = await _author(info, self.source)
        return author.face if author else None

    @classmethod
    def of(cls, version: DomainVersion) -> Self:
        return cls(
            version=version.version,
            key=version.key,
            variable_type=version.variable_type,
            mount_path=version.mount_path,
            description=version.description,
            enable_interpolation_in_file=version.enable_interpolation_in_file,
            is_new_value=version.is_new_value,
            is_value_kept=version.is_value_kept,
            at=version.began_at,
            ended_at=version.ended_at,
            ended_how=SecretVersionEnding(version.ending.value) if version.ending else None,
            source=version,
        )


@strawberry.type(description="A page of the versions of a secret, the newest first.")
class SecretVersionConnection(Connection[SecretVersion]):
    """A page of a list."""


@strawberry.type(description="A deleted secret, as it was last. `restoreSecret` brings it back.")
class DeletedSecret:
    source: strawberry.Private[DomainDeleted]
    id: ID = field(description="The id that the secret had, and has again if it is restored.")
    key: Key
    scope: BelongsTo
    variable_type: Type
    mount_path: MountPath
    description: Description
    version: int = field(description="The last version.")
    is_value_kept: IsValueKept
    deleted_at: datetime = field(description="When the secret was deleted.")

    @field(description="Who deleted the secret. Null as for `SecretVersion.by`.")
    async def deleted_by(self, info: Info) -> Actor | None:
        return await _actor(info, info.context.services.history.author_of_deletion(self.source))

    @pure_field(description="The holder that the secret belonged to.")
    def holder(self) -> LazyHolder:
        return wrap_holder(self.source.holder)

    @field(description="The versions that the secret had, the newest first.")
    async def versions(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> SecretVersionConnection:
        page = await info.context.services.history.versions_of_deleted(
            deleted=self.source, window=to_window(first, after, last, before)
        )
        return SecretVersionConnection.of(page, SecretVersion.of)

    @classmethod
    def of(cls, deleted: DomainDeleted) -> Self:
        last, columns = deleted.last, deleted.last.columns
        return cls(
            source=deleted,
            id=ID(last.secret_id),
            key=last.key,
            scope=Scope(columns["scope"]),
            variable_type=SecretType(columns["variable_type"]),
            mount_path=columns["mount_path"],
            description=columns["description"],
            version=last.version,
            is_value_kept=last.has_value,
            deleted_at=last.ended_at,
        )


@strawberry.type(description="A page of deleted secrets, the last deleted first.")
class DeletedSecretConnection(Connection[DeletedSecret]):
    """A page of a list."""


async def _author(info: Info, version: DomainVersion) -> Author | None:
    """Return who made a version; that of the first one is in the audit log."""
    if version.author is None and version.is_first:
        return await info.context.secret_creators.load(version)
    return version.author


async def _actor(info: Info, author: Author | None) -> Actor | None:
    return await actor_of(info, ActorKind(author.kind), author.id) if author else None
