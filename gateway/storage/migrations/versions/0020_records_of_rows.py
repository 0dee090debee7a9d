"""The newest MAC of each row, and no deletions by foreign keys.

The records are copied as they are. The first start after this compares them with the rows, and
replaces them by MACs, since only a start has the keys.
"""

from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CASCADE: Final = " ON DELETE CASCADE"
_KEYS: Final = (
    ("secret", "REFERENCES secret (id, variable_type, project_id)"),
    ("sealed_value", "REFERENCES secret (id)"),
    ("value_reference", "REFERENCES secret (id)"),
    ("role_grant", "REFERENCES api_token (id, organization_id)"),
    ("role_grant", "REFERENCES user_account (id, organization_id)"),
    ("role_grant", "REFERENCES holder (id, organization_id)"),
)
_COLUMNS: Final = (
    ("sealed_value", "box", "ciphertext"),
    ("audit_head", "set_box", "sealed_sum"),
    ("audit_head", "access_box", "sealed_access_sum"),
)
_UPDATE: Final = (
    "UPDATE sqlite_master SET sql = replace(sql, :old, :new) WHERE type = 'table' AND name = :name"
)


def upgrade() -> None:
    """Copy the records; rename columns after what they hold; let no key delete rows."""
    op.create_table(
        "row_record",
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.String(length=36), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_id", name=op.f("pk_row_record")),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO row_record SELECT noun, row_id, state FROM audit_state")
    op.drop_table("audit_state")
    for table, before, after in _COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")
    _replace(lambda key: (key + _CASCADE, key))


def downgrade() -> None:
    """Undo it; the older version does not accept the records of a start with this one."""
    op.create_table(
        "audit_state",
        sa.Column("noun", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("noun", "row_id", name=op.f("pk_audit_state")),
    )
    op.execute("INSERT INTO audit_state SELECT table_name, row_id, mac FROM row_record")
    op.drop_table("row_record")
    for table, before, after in _COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {after} TO {before}")
    _replace(lambda key: (key, key + _CASCADE))


def _replace(of: Callable[[str], tuple[str, str]]) -> None:
    """Change the texts of foreign keys, as SQLite documents it, and leave the rows alone."""
    connection = op.get_bind()
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    for name, key in _KEYS:
        old, new = of(key)
        connection.execute(sa.text(_UPDATE), {"old": old, "new": new, "name": name})
    # This connection and all others read the catalog again.
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = OFF")
