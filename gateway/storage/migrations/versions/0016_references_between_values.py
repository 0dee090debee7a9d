"""References between values, and how far the values that are there have been read for them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the tables; the first start that has the keys reads the values that are there."""
    op.create_table(
        "value_reference",
        sa.Column("secret_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("value_version", sa.Integer(), nullable=False),
        sa.Column("names", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("length(names) > 0", name=op.f("ck_value_reference_names")),
        sa.ForeignKeyConstraint(
            ["secret_id"],
            ["secret.id"],
            name=op.f("fk_value_reference_secret_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("secret_id", name=op.f("pk_value_reference")),
    )
    op.create_index(op.f("ix_value_reference_project_id"), "value_reference", ["project_id"])
    op.create_table(
        "reference_reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.String(length=36), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_reference_reading_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_reading")),
    )


def downgrade() -> None:
    """Drop the tables again."""
    op.drop_table("reference_reading")
    op.drop_index(op.f("ix_value_reference_project_id"), table_name="value_reference")
    op.drop_table("value_reference")
