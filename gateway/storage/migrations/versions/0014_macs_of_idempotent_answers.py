"""MACs of the answers that are stored under idempotency keys."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column. The answers that are there live for a day and cannot be trusted: they go."""
    op.execute("DELETE FROM idempotency")
    op.add_column("idempotency", sa.Column("mac", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop the column again."""
    op.drop_column("idempotency", "mac")
