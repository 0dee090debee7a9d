"""Who created a token; users registered by organization, at first as an invitation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_IS_INVITED = "is_invited INTEGER CONSTRAINT ck_user_account_is_invited CHECK (is_invited = 1)"


@contextmanager
def _without_grants() -> Iterator[None]:
    """Keep grants aside: SQLite deletes what refers to a table that is copied and dropped."""
    made = sa.text(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'role_grant' AND sql IS NOT NULL"
        " AND type IN ('table', 'index') ORDER BY type DESC"
    )
    statements = [row.sql for row in op.get_bind().execute(made)]
    op.execute("CREATE TABLE grants_before AS SELECT * FROM role_grant")
    op.drop_table("role_grant")
    yield
    for statement in statements:
        op.execute(sa.text(statement.replace(":", r"\:")))
    op.execute("INSERT INTO role_grant SELECT * FROM grants_before")
    op.drop_table("grants_before")


def upgrade() -> None:
    """Add the columns. Who is registered already needs no invitation, so nobody's MAC changes."""
    op.execute("ALTER TABLE api_token ADD COLUMN created_by VARCHAR(64)")
    op.create_index("ix_api_token_created_by", "api_token", ["created_by"])
    op.execute(f"ALTER TABLE user_account ADD COLUMN {_IS_INVITED}")
    with _without_grants(), op.batch_alter_table("user_account") as table:
        table.drop_constraint(op.f("uq_user_account_issuer_subject"), type_="unique")
        table.create_unique_constraint(
            op.f("uq_user_account_issuer_subject_organization_id"),
            ["issuer", "subject", "organization_id"],
        )
    op.create_index(
        "uq_user_account_home",
        "user_account",
        ["issuer", "subject"],
        unique=True,
        sqlite_where=sa.text("is_invited IS NULL"),
        postgresql_where=sa.text("is_invited IS NULL"),
    )


def downgrade() -> None:
    """Drop the columns again; one registration of an identity stays.

    The older version refuses what this one created since: its MAC covers the columns.
    """
    op.execute(
        "DELETE FROM user_account WHERE EXISTS (SELECT 1 FROM user_account AS other"
        " WHERE other.issuer = user_account.issuer AND other.subject = user_account.subject"
        " AND (coalesce(other.is_invited, 0), other.created_at, other.id)"
        " < (coalesce(user_account.is_invited, 0), user_account.created_at, user_account.id))"
    )
    op.drop_index("uq_user_account_home", "user_account")
    with _without_grants(), op.batch_alter_table("user_account") as table:
        table.drop_constraint(
            op.f("uq_user_account_issuer_subject_organization_id"), type_="unique"
        )
        table.create_unique_constraint(
            op.f("uq_user_account_issuer_subject"), ["issuer", "subject"]
        )
        table.drop_constraint(op.f("ck_user_account_is_invited"), type_="check")
        table.drop_column("is_invited")
    op.drop_index("ix_api_token_created_by", "api_token")
    op.execute("ALTER TABLE api_token DROP COLUMN created_by")
