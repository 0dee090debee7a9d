"""MACs of users and holders."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("holder", "user_account")


def upgrade() -> None:
    """Add the columns; the first start that has the keys fills them in, once."""
    for table in _TABLES:
        op.add_column(table, sa.Column("mac", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop the columns again."""
    for table in _TABLES:
        op.drop_column(table, "mac")
