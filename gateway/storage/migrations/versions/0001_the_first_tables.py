"""The first tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make all tables."""
    _create_idempotency()
    _create_organization()
    _create_api_token()
    _create_holder()
    _create_data_key()
    _create_secret()
    _create_sealed_value()


def downgrade() -> None:
    """Drop all tables, and with them all data."""
    op.drop_table("sealed_value")
    op.drop_table("secret")
    op.drop_table("data_key")
    op.drop_table("holder")
    op.drop_table("api_token")
    op.drop_table("organization")
    op.drop_table("idempotency")


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("principal_id", sa.String(length=36), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "idempotency_key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)


def _create_organization() -> None:
    op.create_table(
        "organization",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("name", name=op.f("uq_organization_name")),
    )


def _create_api_token() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('viewer', 'editor', 'runtime', 'admin', 'operator')",
            name=op.f("ck_api_token_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_api_token_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
    )
    op.create_index(
        op.f("ix_api_token_organization_id"), "api_token", ["organization_id"], unique=False
    )


def _create_holder() -> None:
    op.create_table(
        "holder",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("parent_kind", sa.String(length=16), nullable=True),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("environment_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'PROJECT' AND parent_id IS NULL AND parent_kind IS NULL AND project_id = id AND environment_id IS NULL) OR (kind = 'ENVIRONMENT' AND parent_id = project_id AND parent_kind = 'PROJECT' AND parent_kind IS NOT NULL AND environment_id = id AND environment_id IS NOT NULL) OR (kind IN ('APPLICATION', 'CONTAINER', 'JOB', 'HELM', 'TERRAFORM') AND parent_id = environment_id AND parent_id IS NOT NULL AND environment_id IS NOT NULL AND parent_kind = 'ENVIRONMENT' AND parent_kind IS NOT NULL)",
            name=op.f("ck_holder_hierarchy"),
        ),
        sa.CheckConstraint(
            "kind IN ('PROJECT', 'ENVIRONMENT', 'APPLICATION', 'CONTAINER', 'JOB', 'HELM', 'TERRAFORM')",
            name=op.f("ck_holder_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_holder_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id", "parent_kind", "project_id", "organization_id"],
            ["holder.id", "holder.kind", "holder.project_id", "holder.organization_id"],
            name=op.f("fk_holder_parent_id_parent_kind_project_id_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holder")),
        sa.UniqueConstraint(
            "id",
            "kind",
            "project_id",
            "organization_id",
            name=op.f("uq_holder_id_kind_project_id_organization_id"),
        ),
        sa.UniqueConstraint(
            "parent_id", "kind", "name", name=op.f("uq_holder_parent_id_kind_name")
        ),
    )
    op.create_index(op.f("ix_holder_environment_id"), "holder", ["environment_id"], unique=False)
    op.create_index(op.f("ix_holder_project_id"), "holder", ["project_id"], unique=False)
    op.create_index(
        "uq_holder_project_name",
        "holder",
        ["organization_id", "name"],
        unique=True,
        sqlite_where=sa.text("kind = 'PROJECT'"),
        postgresql_where=sa.text("kind = 'PROJECT'"),
    )


def _create_data_key() -> None:
    op.create_table(
        "data_key",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=True),
        sa.Column("kek_id", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["holder.id"], name=op.f("fk_data_key_project_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
    )
    op.create_index(op.f("ix_data_key_project_id"), "data_key", ["project_id"], unique=False)


def _create_secret() -> None:
    op.create_table(
        "secret",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=False),
        sa.Column("holder_kind", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("variable_type", sa.String(length=16), nullable=False),
        sa.Column("list_rank", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("mount_path", sa.String(length=1024), nullable=True),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("enable_interpolation_in_file", sa.Boolean(), nullable=True),
        sa.Column("target_id", sa.String(length=36), nullable=True),
        sa.Column("target_type", sa.String(length=16), nullable=True),
        sa.Column("source_service_id", sa.String(length=36), nullable=True),
        sa.Column("source_service_name", sa.String(length=255), nullable=True),
        sa.Column("source_service_type", sa.String(length=16), nullable=True),
        sa.Column("owned_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(scope = 'BUILT_IN') = (variable_type = 'BUILT_IN')", name=op.f("ck_secret_built_in")
        ),
        sa.CheckConstraint(
            "(variable_type = 'FILE') = (mount_path IS NOT NULL)", name=op.f("ck_secret_mount_path")
        ),
        sa.CheckConstraint(
            "(variable_type IN ('ALIAS', 'OVERRIDE')) = (target_id IS NOT NULL AND target_type IS NOT NULL)",
            name=op.f("ck_secret_target"),
        ),
        sa.CheckConstraint(
            "scope = holder_kind OR scope = 'BUILT_IN'", name=op.f("ck_secret_scope")
        ),
        sa.CheckConstraint(
            "target_type IS NULL OR (variable_type = 'ALIAS' AND target_type <> 'ALIAS') OR (variable_type = 'OVERRIDE' AND target_type IN ('VALUE', 'FILE', 'EXTERNAL_SECRET'))",
            name=op.f("ck_secret_target_type"),
        ),
        sa.CheckConstraint(
            "variable_type IN ('VALUE', 'ALIAS', 'OVERRIDE', 'BUILT_IN', 'FILE', 'EXTERNAL_SECRET')",
            name=op.f("ck_secret_variable_type"),
        ),
        sa.CheckConstraint(
            "(target_id IS NULL) = (target_type IS NULL)", name=op.f("ck_secret_target_pair")
        ),
        sa.CheckConstraint("length(key) > 0", name=op.f("ck_secret_key")),
        sa.CheckConstraint("version > 0", name=op.f("ck_secret_version")),
        sa.ForeignKeyConstraint(
            ["holder_id", "holder_kind", "project_id", "organization_id"],
            ["holder.id", "holder.kind", "holder.project_id", "holder.organization_id"],
            name=op.f("fk_secret_holder_id_holder_kind_project_id_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["target_id", "target_type", "project_id"],
            ["secret.id", "secret.variable_type", "secret.project_id"],
            name=op.f("fk_secret_target_id_target_type_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret")),
        sa.UniqueConstraint("holder_id", "key", name=op.f("uq_secret_holder_id_key")),
        sa.UniqueConstraint(
            "id", "variable_type", "project_id", name=op.f("uq_secret_id_variable_type_project_id")
        ),
    )
    op.create_index(
        op.f("ix_secret_holder_id_list_rank_key"),
        "secret",
        ["holder_id", "list_rank", "key"],
        unique=False,
    )
    op.create_index(op.f("ix_secret_project_id_key"), "secret", ["project_id", "key"], unique=False)
    op.create_index(op.f("ix_secret_target_id"), "secret", ["target_id"], unique=False)


def _create_sealed_value() -> None:
    op.create_table(
        "sealed_value",
        sa.Column("secret_id", sa.String(length=36), nullable=False),
        sa.Column("value_version", sa.Integer(), nullable=False),
        sa.Column("data_key_id", sa.String(length=36), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("value_version > 0", name=op.f("ck_sealed_value_value_version")),
        sa.ForeignKeyConstraint(
            ["data_key_id"],
            ["data_key.id"],
            name=op.f("fk_sealed_value_data_key_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secret.id"], name=op.f("fk_sealed_value_secret_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("secret_id", name=op.f("pk_sealed_value")),
    )
    op.create_index(
        op.f("ix_sealed_value_data_key_id"), "sealed_value", ["data_key_id"], unique=False
    )
