"""A second sealed sum in the log's head, over tokens, grants and users."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column; the first start that has the keys fills it in, from what the log proves."""
    op.add_column("audit_head", sa.Column("access_box", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop the column again."""
    op.drop_column("audit_head", "access_box")
