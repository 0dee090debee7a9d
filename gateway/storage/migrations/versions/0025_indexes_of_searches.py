"""Indexes in whose order the secrets of an organization are searched."""

from collections.abc import Sequence
from typing import Final

from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_INDEXES: Final = (
    ("organization_id", "key", "id", "updated_at", "scope", "variable_type", "holder_id"),
    ("organization_id", "updated_at", "id"),
)


def _name(columns: Sequence[str]) -> str:
    return op.f("_".join(["ix", "secret", *columns]))


def upgrade() -> None:
    """Create the indexes."""
    for columns in _INDEXES:
        op.create_index(_name(columns), "secret", list(columns))


def downgrade() -> None:
    """Remove the indexes."""
    for columns in _INDEXES:
        op.drop_index(_name(columns), "secret")
