"""The tables, with every rule that a database can enforce as a constraint.

A rule that the domain checks before a write is a constraint here as well, so that no race and no
direct statement can store what the domain would refuse.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from gateway.domain.content import (
    MAX_DESCRIPTION_LENGTH,
    MAX_KEY_LENGTH,
    MAX_MOUNT_PATH_LENGTH,
    MAX_NAME_LENGTH,
)
from gateway.domain.keys import DataKeyState
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope, ServiceType
from gateway.domain.secrets import SecretType

ID_LENGTH: Final = 36
CREATOR_LENGTH: Final = 64

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time. SQLite drops the offset, so it is removed on writing and set on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """The Python type; a decorated type does not give it by itself."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert the time to UTC."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Mark the time as UTC."""
        del dialect
        return value and value.replace(tzinfo=UTC)


class Model(SQLModel):
    """The base of all tables: one metadata, with fixed constraint names for migrations."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)
    __tablename__: ClassVar[str]
    __table__: ClassVar[Table]


def one_of(column: str, allowed: "tuple[str, ...]") -> str:
    """Return the text of a constraint that the column has one of these values."""
    return f"{column} IN ({', '.join(repr(str(name)) for name in allowed)})"


def _id(**options: Any) -> Any:  # noqa: ANN401 - what SQLModel's own Field takes and returns
    return Field(sa_column=Column(String(ID_LENGTH), **options))


def _text(length: int, **options: Any) -> Any:  # noqa: ANN401 - as above
    # SQLModel's own string type does not report its Python type, which cursors need to know.
    return Field(sa_column=Column(String(length), **options))


def _reference(target: str, **options: Any) -> Any:  # noqa: ANN401 - as above
    key = ForeignKey(target, ondelete=options.pop("ondelete", "RESTRICT"))
    return Field(sa_column=Column(String(ID_LENGTH), key, **options))


def _bytes(**options: Any) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(LargeBinary, **options))


def _moment(**options: Any) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(UtcDateTime, **options))


class OrganizationRow(Model, table=True):
    """A tenant."""

    __tablename__ = "organization"
    __table_args__ = (UniqueConstraint("name"),)

    id: str = _id(primary_key=True)
    name: str = _text(MAX_NAME_LENGTH, nullable=False)
    created_at: datetime = _moment(nullable=False)


class HolderRow(Model, table=True):
    """A project, an environment or a service; every row has the ids of all holders above it.

    The foreign key over (parent, project, organization) makes the copies agree with the parent.
    """

    __tablename__ = "holder"
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

    id: str = _id(primary_key=True)
    kind: Scope = Field(sa_column=Column(String(16), nullable=False))
    name: str = _text(MAX_NAME_LENGTH, nullable=False)
    organization_id: str = _reference("organization.id", nullable=False)
    parent_id: str | None = _id(nullable=True)
    parent_kind: Scope | None = Field(default=None, sa_column=Column(String(16), nullable=True))
    project_id: str = _id(nullable=False)
    environment_id: str | None = _id(nullable=True)
    created_at: datetime = _moment(nullable=False)
    mac: bytes | None = _bytes(nullable=True)


class SecretRow(Model, table=True):
    """A secret without its value.

    `target_type` repeats the target's type so that constraints can check it: an alias of an alias,
    an override of a secret without its own value, and a reference into another project cannot be
    stored.
    """

    __tablename__ = "secret"
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
            ondelete="CASCADE",
        ),
        Index(None, "project_id", "key"),
        Index(None, "target_id"),
        Index(None, "holder_id", "list_rank", "key"),
        Index(
            None,
            "project_id",
            "mount_path",
            sqlite_where=text("mount_path IS NOT NULL"),
            postgresql_where=text("mount_path IS NOT NULL"),
        ),
    )

    id: str = _id(primary_key=True)
    organization_id: str = _id(nullable=False)
    project_id: str = _id(nullable=False)
    holder_id: str = _id(nullable=False)
    holder_kind: Scope = Field(sa_column=Column(String(16), nullable=False))
    scope: Scope = Field(sa_column=Column(String(16), nullable=False))
    variable_type: SecretType = Field(sa_column=Column(String(16), nullable=False))
    list_rank: int
    key: str = _text(MAX_KEY_LENGTH, nullable=False)
    mount_path: str | None = _text(MAX_MOUNT_PATH_LENGTH, nullable=True)
    description: str | None = _text(MAX_DESCRIPTION_LENGTH, nullable=True)
    enable_interpolation_in_file: bool | None = None
    target_id: str | None = _id(nullable=True)
    target_type: SecretType | None = Field(default=None, sa_column=Column(String(16)))
    source_service_id: str | None = _id(nullable=True)
    source_service_name: str | None = _text(MAX_NAME_LENGTH, nullable=True)
    source_service_type: ServiceType | None = Field(default=None, sa_column=Column(String(16)))
    owned_by: str = Field(sa_column=Column(Text, nullable=False))
    version: int
    created_at: datetime = _moment(nullable=False)
    updated_at: datetime = _moment(nullable=False)
    # Repeats the value's version, so that the row's MAC covers which value belongs to the secret.
    value_version: int | None = None
    mac: bytes | None = _bytes(nullable=True)


class DataKeyRow(Model, table=True):
    """A data key, wrapped by a key-encryption key: one per project, and one for the instance.

    `project_id` is null for the instance's own key. A project has one active key, and also older
    ones while its values are being re-encrypted. The value table's foreign key prevents deleting a
    data key that a value still needs.
    """

    __tablename__ = "data_key"
    __table_args__ = (
        Index(
            "uq_data_key_active",
            "project_id",
            unique=True,
            sqlite_where=text("state = 'ACTIVE'"),
            postgresql_where=text("state = 'ACTIVE'"),
        ),
    )

    id: str = _id(primary_key=True)
    project_id: str | None = _reference("holder.id", nullable=True, index=True)
    kek_id: str = Field(sa_column=Column(String(64), nullable=False))
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _moment(nullable=False)
    # The constraint is the column's, not the table's: such a column can be added to a filled table.
    state: DataKeyState = Field(
        sa_column=Column(
            String(16),
            CheckConstraint(one_of("state", tuple(DataKeyState)), name="state"),
            nullable=False,
            server_default=DataKeyState.ACTIVE,
        )
    )
    seal_count: int = Field(
        sa_column=Column(
            BigInteger,
            CheckConstraint("seal_count >= 0", name="seal_count"),
            nullable=False,
            server_default="0",
        )
    )


class SealedValueRow(Model, table=True):
    """A secret's encrypted value. It is apart from the metadata, so that no listing can read it."""

    __tablename__ = "sealed_value"
    __table_args__ = (CheckConstraint("value_version > 0", name="value_version"),)

    secret_id: str = _reference("secret.id", ondelete="CASCADE", primary_key=True)
    value_version: int
    data_key_id: str = _reference("data_key.id", nullable=False, index=True)
    box: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdempotencyRow(Model, table=True):
    """The response of a write with an idempotency key, kept for a day."""

    __tablename__ = "idempotency"
    __table_args__ = (Index(None, "created_at"),)

    principal_id: str = _id(primary_key=True)
    idempotency_key: str = Field(sa_column=Column(String(255), primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = _moment(nullable=False)
    mac: bytes | None = _bytes(nullable=True)


class ApiTokenRow(Model, table=True):
    """An API token: its keyed hash, never the token itself."""

    __tablename__ = "api_token"
    __table_args__ = (
        UniqueConstraint("digest"),
        Index("uq_api_token_id_organization_id", "id", "organization_id", unique=True),
    )

    id: str = _id(primary_key=True)
    organization_id: str = _reference("organization.id", nullable=False, index=True)
    name: str = _text(MAX_NAME_LENGTH, nullable=False)
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _moment(nullable=False)
    expires_at: datetime | None = _moment(nullable=True)
    revoked_at: datetime | None = _moment(nullable=True)
    last_used_at: datetime | None = _moment(nullable=True)
    # `KIND:id` of the creator; null for tokens that are older than this column.
    created_by: str | None = _text(CREATOR_LENGTH, nullable=True, index=True)
    mac: bytes | None = _bytes(nullable=True)
