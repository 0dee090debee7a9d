"""Indexes in the order of the lists that are read through them."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BEFORE: Final = (
    ("api_token", "organization_id"),
    ("audit_event", "at"),
    ("role_grant", "organization_id"),
    ("secret", "project_id", "key"),
    ("user_account", "organization_id"),
    ("value_reference", "project_id"),
)
_NOW: Final = (
    ("api_token", "organization_id", "created_at", "id"),
    ("audit_event", "project_id", "seq"),
    ("role_grant", "organization_id", "created_at", "id"),
    ("secret", "project_id", "key", "list_rank", "id"),
    ("user_account", "organization_id", "display_name", "id"),
    ("value_reference", "project_id", "secret_id"),
)
_ACTIONS: Final = ("audit_event", "organization_id", "action", "seq")
_TARGET: Final = ("secret", "target_id")


def _create(table: str, *columns: str, where: str | None = None) -> None:
    partial = sa.text(where) if where else None
    op.create_index(
        _name(table, *columns),
        table,
        list(columns),
        sqlite_where=partial,
        postgresql_where=partial,
    )


def _name(table: str, *columns: str) -> str:
    return op.f("_".join(["ix", table, *columns]))


def upgrade() -> None:
    """Replace the indexes; the new one over actions leaves out deliveries."""
    for table, *columns in (*_BEFORE, _TARGET):
        op.drop_index(_name(table, *columns), table)
    for table, *columns in _NOW:
        _create(table, *columns)
    _create(*_ACTIONS, where="action <> 'VALUES_DELIVERED'")
    _create(*_TARGET, where="target_id IS NOT NULL")


def downgrade() -> None:
    """Restore the indexes."""
    for table, *columns in (*_NOW, _ACTIONS, _TARGET):
        op.drop_index(_name(table, *columns), table)
    for table, *columns in (*_BEFORE, _TARGET):
        _create(table, *columns)
