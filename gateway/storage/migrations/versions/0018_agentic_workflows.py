"""Holders of the kind AGENTIC_WORKFLOW."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KINDS_BEFORE: Final = "'TERRAFORM')"
_KINDS: Final = "'TERRAFORM', 'AGENTIC_WORKFLOW')"
_UPDATE: Final = (
    "UPDATE sqlite_master SET sql = replace(sql, :old, :new)"
    " WHERE type = 'table' AND name = 'holder'"
)


def _replace(old: str, new: str) -> None:
    """Change the texts of the table's constraints, and leave its rows alone.

    A copy of the table is not possible here: SQLite deletes what refers to a table that is dropped,
    and that is the whole database. It documents this procedure for constraints instead.
    """
    version = op.get_bind().scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    op.get_bind().execute(sa.text(_UPDATE), {"old": old, "new": new})
    # This connection and all others read the catalog again.
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = OFF")


def upgrade() -> None:
    """Allow the kind."""
    _replace(_KINDS_BEFORE, _KINDS)


def downgrade() -> None:
    """Forbid the kind again.

    Raises:
        RuntimeError: if there are such holders, which the older version cannot read.

    """
    found = op.get_bind().scalar(
        sa.text("SELECT count(*) FROM holder WHERE kind = 'AGENTIC_WORKFLOW'")
    )
    if found:
        message = f"Delete the {found} agentic workflows first."
        raise RuntimeError(message)
    _replace(_KINDS, _KINDS_BEFORE)
