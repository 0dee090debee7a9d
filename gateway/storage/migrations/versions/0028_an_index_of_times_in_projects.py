"""An index in whose order the secrets of a project are searched by time."""

from collections.abc import Sequence
from typing import Final

from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS: Final = ("project_id", "updated_at", "id")
_NAME: Final = "_".join(["ix", "secret", *_COLUMNS])


def upgrade() -> None:
    """Create the index."""
    op.create_index(op.f(_NAME), "secret", list(_COLUMNS))


def downgrade() -> None:
    """Remove the index."""
    op.drop_index(op.f(_NAME), "secret")
