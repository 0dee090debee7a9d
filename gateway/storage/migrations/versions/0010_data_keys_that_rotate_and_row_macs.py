"""Data keys that rotate, and MACs of rows."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# MACs stay empty here: the first start that has the keys fills them in, once.
_COLUMNS = (
    (
        "data_key",
        "state VARCHAR(16) DEFAULT 'ACTIVE' NOT NULL CONSTRAINT ck_data_key_state CHECK (state IN ('ACTIVE', 'RETIRING'))",
    ),
    (
        "data_key",
        "seal_count BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_data_key_seal_count CHECK (seal_count >= 0)",
    ),
    ("secret", "value_version INTEGER"),
    ("secret", "mac BLOB"),
    ("api_token", "mac BLOB"),
    ("role_grant", "mac BLOB"),
)


def upgrade() -> None:
    """Add columns; what is there keeps its values, and its data keys are the active ones."""
    for table, column in _COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    op.execute(
        "UPDATE secret SET value_version = (SELECT sealed_value.value_version FROM sealed_value"
        " WHERE sealed_value.secret_id = secret.id)"
    )
    op.create_index(
        "uq_data_key_active",
        "data_key",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("state = 'ACTIVE'"),
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )


def downgrade() -> None:
    """Drop the columns again."""
    op.drop_index("uq_data_key_active", table_name="data_key")
    for table, column in reversed(_COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.split()[0]}")
