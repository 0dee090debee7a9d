"""Former states of secrets."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_IS_DELETED = sa.text("ended_how = 'DELETED'")
_HAS_VALUE = sa.text("ciphertext IS NOT NULL")


def upgrade() -> None:
    """Add the table. What secrets were before this revision is not known."""
    op.create_table(
        "secret_version",
        sa.Column("secret_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended_how", sa.String(length=16), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("value_version", sa.Integer(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor_id", sa.String(length=512), nullable=False),
        sa.Column("face", sa.String(length=32), nullable=False),
        sa.Column("ended_in", sa.BigInteger(), nullable=False),
        sa.Column("data_key_id", sa.String(length=36), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "ended_how IN ('CHANGED', 'DELETED', 'RESTORED')",
            name=op.f("ck_secret_version_ended_how"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_secret_version_version")),
        sa.CheckConstraint("ended_at >= began_at", name=op.f("ck_secret_version_times")),
        sa.CheckConstraint(
            "(data_key_id IS NULL) = (ciphertext IS NULL)",
            name=op.f("ck_secret_version_sealed"),
        ),
        sa.CheckConstraint(
            "ciphertext IS NULL OR value_version IS NOT NULL",
            name=op.f("ck_secret_version_value_version"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"],
            ["holder.id"],
            name=op.f("fk_secret_version_holder_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["data_key_id"],
            ["data_key.id"],
            name=op.f("fk_secret_version_data_key_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint(
            "secret_id", "version", "ended_how", name=op.f("pk_secret_version")
        ),
    )
    _index("holder_id", "ended_at", "secret_id", where=_IS_DELETED)
    _index("ended_in", where=_IS_DELETED)
    _index("holder_id")
    _index("ended_at")
    _index("secret_id", "value_version", where=_HAS_VALUE)
    _index("data_key_id", "secret_id", "version", where=_HAS_VALUE)


def downgrade() -> None:
    """Drop the table, with all values in it."""
    op.drop_table("secret_version")


def _index(*columns: str, where: sa.TextClause | None = None) -> None:
    name = op.f(f"ix_secret_version_{'_'.join(columns)}")
    op.create_index(
        name, "secret_version", list(columns), sqlite_where=where, postgresql_where=where
    )
