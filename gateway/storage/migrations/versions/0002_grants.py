"""Roles are granted at places, to tokens and users; what tokens had, they keep everywhere."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

REFERENCES = {"token_id": "api_token", "user_id": "user_account", "holder_id": "holder"}
ROLES = "'viewer', 'editor', 'runtime', 'admin', 'auditor', 'operator'"


def upgrade() -> None:
    """Make the tables, and give every token the role that it had, as a grant."""
    # Copied first: SQLite drops a column with a constraint only with its table, and to drop the
    # table of tokens would delete the grants that refer to it.
    op.execute(
        "CREATE TABLE role_before AS SELECT id, organization_id, role, created_at FROM api_token"
    )
    with op.batch_alter_table("api_token") as table:
        table.drop_constraint(op.f("ck_api_token_role"), type_="check")
        table.drop_column("role")
        table.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    _create_references()
    _create_user_account()
    _create_role_grant()
    # A token has one grant so far, so its id can be the grant's too.
    op.execute(
        "INSERT INTO role_grant (id, organization_id, token_id, role, created_at)"
        " SELECT id, organization_id, id, role, created_at FROM role_before"
    )
    op.drop_table("role_before")


def downgrade() -> None:
    """Give every token the role that it has everywhere; users, places and other tokens are lost."""
    op.execute(
        "CREATE TABLE role_before AS SELECT token_id, min(role) AS role FROM role_grant"
        " WHERE token_id IS NOT NULL AND holder_id IS NULL AND role <> 'auditor' GROUP BY token_id"
    )
    op.drop_table("role_grant")
    op.drop_table("user_account")
    op.drop_index("uq_api_token_id_organization_id", "api_token")
    op.drop_index("uq_holder_id_organization_id", "holder")
    # A token that had nothing everywhere would gain by staying.
    op.execute("DELETE FROM api_token WHERE id NOT IN (SELECT token_id FROM role_before)")
    with op.batch_alter_table("api_token") as table:
        table.drop_column("last_used_at")
        table.add_column(
            sa.Column("role", sa.String(length=16), nullable=False, server_default="viewer")
        )
    op.execute(
        "UPDATE api_token SET role ="
        " (SELECT role FROM role_before WHERE role_before.token_id = api_token.id)"
    )
    with op.batch_alter_table("api_token") as table:
        table.alter_column("role", server_default=None)
        table.create_check_constraint(
            op.f("ck_api_token_role"),
            "role IN ('viewer', 'editor', 'runtime', 'admin', 'operator')",
        )
    op.drop_table("role_before")


def _create_references() -> None:
    columns = ["id", "organization_id"]
    op.create_index("uq_holder_id_organization_id", "holder", columns, unique=True)
    op.create_index("uq_api_token_id_organization_id", "api_token", columns, unique=True)


def _create_user_account() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_user_account_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_user_account_issuer_subject")),
    )
    columns = ["id", "organization_id"]
    op.create_index("uq_user_account_id_organization_id", "user_account", columns, unique=True)
    op.create_index(op.f("ix_user_account_organization_id"), "user_account", ["organization_id"])


def _create_role_grant() -> None:
    op.create_table(
        "role_grant",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("token_id", sa.String(length=36), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_role_grant_role")),
        sa.CheckConstraint(
            "(token_id IS NULL) <> (user_id IS NULL)", name=op.f("ck_role_grant_grantee")
        ),
        *(_reference(column, table) for column, table in REFERENCES.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    for column in (*REFERENCES, "organization_id"):
        op.create_index(op.f(f"ix_role_grant_{column}"), "role_grant", [column])
    grantee, place = sa.text("coalesce(token_id, user_id)"), sa.text("coalesce(holder_id, '')")
    op.create_index("uq_role_grant_once", "role_grant", [grantee, "role", place], unique=True)


def _reference(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column, "organization_id"],
        [f"{table}.id", f"{table}.organization_id"],
        name=op.f(f"fk_role_grant_{column}_organization_id"),
        ondelete="CASCADE",
    )
