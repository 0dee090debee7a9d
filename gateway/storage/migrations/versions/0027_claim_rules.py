"""Roles by the claims of identities."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE: Final = "claim_rule"
_ROLES: Final = "'viewer', 'editor', 'runtime', 'admin', 'auditor', 'operator'"
_INDEXES: Final = (
    ("issuer", "organization_id"),
    ("holder_id",),
    ("organization_id", "created_at", "id"),
)


def upgrade() -> None:
    """Add the table; there is no rule yet."""
    op.create_table(
        _TABLE,
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(f"role IN ({_ROLES})", name=op.f("ck_claim_rule_role")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_claim_rule_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "organization_id"],
            ["holder.id", "holder.organization_id"],
            name=op.f("fk_claim_rule_holder_id_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_rule")),
    )
    for columns in _INDEXES:
        op.create_index(op.f("_".join(["ix", _TABLE, *columns])), _TABLE, list(columns))
    op.create_index(
        "uq_claim_rule_once",
        _TABLE,
        ["organization_id", "issuer", "conditions", "role", sa.text("coalesce(holder_id, '')")],
        unique=True,
    )


def downgrade() -> None:
    """Drop the table, and with it the access that rules give."""
    op.drop_table(_TABLE)
