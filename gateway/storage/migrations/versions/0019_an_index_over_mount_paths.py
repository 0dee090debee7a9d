"""An index over the paths of files, so that a new file finds those that it collides with."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NAME = "ix_secret_project_id_mount_path"
_FILES = sa.text("mount_path IS NOT NULL")


def upgrade() -> None:
    """Add the index; only files are in it."""
    op.create_index(
        _NAME,
        "secret",
        ["project_id", "mount_path"],
        sqlite_where=_FILES,
        postgresql_where=_FILES,
    )


def downgrade() -> None:
    """Drop the index again."""
    op.drop_index(_NAME, "secret")
