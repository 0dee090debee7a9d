"""The tables, with every rule that a database can enforce as a constraint.

A rule that the domain checks before a write is a constraint here as well, so that no race and no
direct statement can store what the domain would refuse.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from gateway.domain.audit import AuditSubject
from gateway.domain.content import (
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
    MAX_MOUNT_PATH_LENGTH,
    MAX_NAME_LENGTH,
)
from gateway.domain.cryptographic_keys import DataKeyState
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.storage.columns import (
    Audited,
    InMac,
    Model,
    identifier,
    in_mac,
    moment,
    one_of,
    reference,
    row_mac,
    text_column,
)


class OrganizationRow(Model, table=True):
    """A tenant."""

    __tablename__ = "organization"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.ORGANIZATION, organization="id"
    )
    __table_args__ = (UniqueConstraint("name"),)

    id: str = identifier(primary_key=True)
    name: str = text_column(MAX_NAME_LENGTH, nullable=False)
    created_at: datetime = moment(nullable=False)


class HolderRow(Model, table=True):
    """A project, an environment or a service; every row has the ids of all holders above it.

    The foreign key over (parent, project, organization) makes the copies agree with the parent.
    """

    __tablename__ = "holder"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.HOLDER, project="project_id", holder="id", facts=("kind",)
    )
    __table_args__ = (
        CheckConstraint(one_of("kind", HOLDER_SCOPES), name="kind"),
        CheckConstraint(
            "(kind = 'PROJECT' AND parent_id IS NULL AND parent_kind IS NULL"
            " AND project_id = id AND environment_id IS NULL)"
            " OR (kind = 'ENVIRONMENT' AND parent_id = project_id AND parent_kind = 'PROJECT'"
            " AND parent_kind IS NOT NULL AND environment_id = id AND environment_id IS NOT NULL)"
            f" OR ({one_of('kind', SERVICE_SCOPES)} AND parent_id = environment_id"
            " AND parent_id IS NOT NULL AND environment_id IS NOT NULL"
            " AND parent_kind = 'ENVIRONMENT' AND parent_kind IS NOT NULL)",
            name="hierarchy",
        ),
        UniqueConstraint("id", "kind", "project_id", "organization_id"),
        ForeignKeyConstraint(
            ["parent_id", "parent_kind", "project_id", "organization_id"],
            ["holder.id", "holder.kind", "holder.project_id", "holder.organization_id"],
            ondelete="RESTRICT",
        ),
        UniqueConstraint("parent_id", "kind", "name"),
        Index(
            "uq_holder_project_name",
            "organization_id",
            "name",
            unique=True,
            sqlite_where=text("kind = 'PROJECT'"),
            postgresql_where=text("kind = 'PROJECT'"),
        ),
        Index(None, "environment_id"),
        Index(None, "project_id"),
        # The target of a grant's foreign key.
        Index("uq_holder_id_organization_id", "id", "organization_id", unique=True),
    )

    id: str = identifier(primary_key=True)
    kind: Scope = Field(sa_column=Column(String(16), nullable=False))
    name: str = text_column(MAX_NAME_LENGTH, nullable=False)
    organization_id: str = reference("organization.id", nullable=False)
    project_id: str = identifier(nullable=False)
    environment_id: str | None = identifier(nullable=True)
    # A constraint derives the parent from the other columns.
    parent_id: str | None = identifier(nullable=True, **in_mac(InMac.NEVER))
    parent_kind: Scope | None = Field(
        default=None, sa_column=Column(String(16), nullable=True, **in_mac(InMac.NEVER))
    )
    created_at: datetime = moment(nullable=False, **in_mac(InMac.NEVER))
    mac: bytes | None = row_mac()


class SecretRow(Model, table=True):
    """A secret without its value.

    `target_type` repeats the target's type so that constraints can check it: an alias of an alias,
    an override of a secret without its own value, and a reference into another project cannot be
    stored.
    """

    __tablename__ = "secret"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.SECRET,
        project="project_id",
        holder="holder_id",
        key="key",
        facts=("variable_type", "version"),
        former=("key",),
    )
    __table_args__ = (
        CheckConstraint(one_of("variable_type", tuple(SecretType)), name="variable_type"),
        CheckConstraint("scope = holder_kind OR scope = 'BUILT_IN'", name="scope"),
        CheckConstraint(
            "(scope = 'BUILT_IN') = (variable_type = 'BUILT_IN')",
            name="built_in",
        ),
        CheckConstraint(
            "(variable_type IN ('ALIAS', 'OVERRIDE'))"
            " = (target_id IS NOT NULL AND target_type IS NOT NULL)",
            name="target",
        ),
        CheckConstraint(
            "(target_id IS NULL) = (target_type IS NULL)",
            name="target_pair",
        ),
        CheckConstraint(
            "target_type IS NULL OR (variable_type = 'ALIAS' AND target_type <> 'ALIAS')"
            " OR (variable_type = 'OVERRIDE'"
            " AND target_type IN ('VALUE', 'FILE', 'EXTERNAL_SECRET'))",
            name="target_type",
        ),
        CheckConstraint("(variable_type = 'FILE') = (mount_path IS NOT NULL)", name="mount_path"),
        CheckConstraint("length(key) > 0", name="key"),
        CheckConstraint("version > 0", name="version"),
        UniqueConstraint("holder_id", "key"),
        UniqueConstraint("id", "variable_type", "project_id"),
        ForeignKeyConstraint(
            ["holder_id", "holder_kind", "project_id", "organization_id"],
            ["holder.id", "holder.kind", "holder.project_id", "holder.organization_id"],
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["target_id", "target_type", "project_id"],
            ["secret.id", "secret.variable_type", "secret.project_id"],
        ),
        Index(None, "project_id", "key", "list_rank", "id"),
        Index(
            None,
            "target_id",
            sqlite_where=text("target_id IS NOT NULL"),
            postgresql_where=text("target_id IS NOT NULL"),
        ),
        Index(None, "holder_id", "list_rank", "key"),
        # Has what a search compares, so that it reads the rows of its page only.
        Index(
            None,
            *("organization_id", "key", "id"),
            *("updated_at", "scope", "variable_type", "holder_id"),
        ),
        Index(None, "organization_id", "updated_at", "id"),
        Index(None, "project_id", "updated_at", "id"),
        Index(
            None,
            "project_id",
            "mount_path",
            sqlite_where=text("mount_path IS NOT NULL"),
            postgresql_where=text("mount_path IS NOT NULL"),
        ),
    )

    id: str = identifier(primary_key=True)
    key: str = text_column(MAX_KEY_LENGTH, nullable=False)
    mount_path: str | None = text_column(MAX_MOUNT_PATH_LENGTH, nullable=True)
    scope: Scope = Field(sa_column=Column(String(16), nullable=False))
    variable_type: SecretType = Field(sa_column=Column(String(16), nullable=False))
    description: str | None = text_column(MAX_DESCRIPTION_LENGTH, nullable=True)
    enable_interpolation_in_file: bool | None = None
    owned_by: str = Field(sa_column=Column(Text, nullable=False))
    version: int
    created_at: datetime = moment(nullable=False)
    updated_at: datetime = moment(nullable=False)
    source_service_id: str | None = identifier(nullable=True)
    source_service_name: str | None = text_column(MAX_NAME_LENGTH, nullable=True)
    source_service_type: ServiceType | None = Field(default=None, sa_column=Column(String(16)))
    organization_id: str = identifier(nullable=False)
    project_id: str = identifier(nullable=False)
    holder_id: str = identifier(nullable=False)
    holder_kind: Scope = Field(sa_column=Column(String(16), nullable=False))
    list_rank: int
    target_id: str | None = identifier(nullable=True)
    target_type: SecretType | None = Field(default=None, sa_column=Column(String(16)))
    # Repeats the value's version, so that the row's MAC covers which value belongs to the secret.
    value_version: int | None = None
    mac: bytes | None = row_mac()


class DataKeyRow(Model, table=True):
    """A data key, wrapped by a key-encryption key: one per project, and one for the instance.

    `project_id` is null for the instance's own key. A project has one active key, and also older
    ones while its values are being re-encrypted. The value table's foreign key prevents deleting a
    data key that a value still needs.
    """

    __tablename__ = "data_key"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.DATA_KEY, organization=None, above=("holder", "project_id")
    )
    __table_args__ = (
        Index(
            "uq_data_key_active",
            "project_id",
            unique=True,
            sqlite_where=text("state = 'ACTIVE'"),
            postgresql_where=text("state = 'ACTIVE'"),
        ),
    )

    id: str = identifier(primary_key=True)
    project_id: str | None = reference("holder.id", nullable=True, index=True)
    # Wrapping again changes these two; the wrapping itself names the key and its project.
    kek_id: str = Field(sa_column=Column(String(64), nullable=False, **in_mac(InMac.NEVER)))
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False, **in_mac(InMac.NEVER)))
    created_at: datetime = moment(nullable=False)
    # The constraint is the column's, not the table's: such a column can be added to a filled table.
    state: DataKeyState = Field(
        sa_column=Column(
            String(16),
            CheckConstraint(one_of("state", tuple(DataKeyState)), name="state"),
            nullable=False,
            server_default=DataKeyState.ACTIVE,
            **in_mac(InMac.NEVER),
        )
    )
    seal_count: int = Field(
        default=0,
        sa_column=Column(
            BigInteger,
            CheckConstraint("seal_count >= 0", name="seal_count"),
            nullable=False,
            server_default="0",
            **in_mac(InMac.NEVER),
        ),
    )


class SealedValueRow(Model, table=True):
    """A secret's encrypted value. It is apart from the metadata, so that no listing can read it."""

    __tablename__ = "sealed_value"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.SECRET,
        organization=None,
        above=("secret", "secret_id"),
        facts=("value_version",),
    )
    __table_args__ = (CheckConstraint("value_version > 0", name="value_version"),)

    secret_id: str = reference("secret.id", ondelete=None, primary_key=True)
    value_version: int
    data_key_id: str = reference("data_key.id", nullable=False, index=True)
    ciphertext: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdempotencyRow(Model, table=True):
    """The response of a write with an idempotency key, kept for a day."""

    __tablename__ = "idempotency"
    __table_args__ = (Index(None, "created_at"),)

    principal_id: str = identifier(primary_key=True)
    idempotency_key: str = Field(sa_column=Column(String(255), primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = moment(nullable=False)
    mac: bytes | None = row_mac()
