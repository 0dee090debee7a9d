"""Store what was delivered once for all events with the same list; drop the index of mentions."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from gateway.domain.delivered_sets import (
    BLOCK_EVENTS,
    UNREADABLE,
    block_of,
    split_details,
    with_secrets,
)

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AT_ONCE: Final = 1_000
_OF_SECRET: Final = sa.text("subject = 'SECRET'")
_DELIVERIES: Final = sa.text(
    "SELECT seq, holder_id, project_id, details FROM audit_event"
    " WHERE action = 'VALUES_DELIVERED' AND seq > :after ORDER BY seq LIMIT :size"
)
_KEEP: Final = sa.text(
    "INSERT INTO delivered_set VALUES (:block, :fingerprint, :holder_id, :project_id, :secrets)"
    " ON CONFLICT DO NOTHING"
)
_TAKE_OUT: Final = sa.text(
    "UPDATE audit_event SET details = :details, delivered_set = :fingerprint WHERE seq = :seq"
)
_NAMED: Final = sa.text(
    "SELECT seq, details, secrets FROM audit_event JOIN delivered_set"
    " ON block = seq / :block_events AND fingerprint = delivered_set AND seq > :after"
    " ORDER BY seq LIMIT :size"
).bindparams(block_events=BLOCK_EVENTS)
_PUT_BACK: Final = sa.text("UPDATE audit_event SET details = :details WHERE seq = :seq")
_MENTIONS: Final = """
    INSERT INTO audit_mention (secret_id, seq)
    SELECT subject_id, seq FROM audit_event WHERE subject = 'SECRET'
    UNION
    SELECT each.key, seq FROM audit_event
    JOIN json_each(iif(json_valid(details), details, '{}'), '$.secrets') AS each
    WHERE action = 'VALUES_DELIVERED'
"""


def upgrade() -> None:
    """Add the table, and move the lists of older deliveries into it.

    An event's hash covers the list as before. Details that do not come back byte for byte stay.
    """
    op.create_table(
        "delivered_set",
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "fingerprint", name=op.f("pk_delivered_set")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_delivered_set_project_id"), "delivered_set", ["project_id"])
    op.add_column("audit_event", sa.Column("delivered_set", sa.LargeBinary(), nullable=True))
    op.create_index(
        op.f("ix_audit_event_subject_id_seq"),
        "audit_event",
        ["subject_id", "seq"],
        sqlite_where=_OF_SECRET,
        postgresql_where=_OF_SECRET,
    )
    for rows in _pages(_DELIVERIES):
        if taken := [columns for row in rows if (columns := _columns(row))]:
            op.get_bind().execute(_KEEP, taken)
            op.get_bind().execute(_TAKE_OUT, taken)
    op.drop_table("audit_mention")


def downgrade() -> None:
    """Put the lists and the index back."""
    for rows in _pages(_NAMED):
        restored = [
            {"seq": row.seq, "details": with_secrets(row.details, row.secrets)} for row in rows
        ]
        op.get_bind().execute(_PUT_BACK, restored)
    op.drop_index(op.f("ix_audit_event_subject_id_seq"), table_name="audit_event")
    op.drop_column("audit_event", "delivered_set")
    op.drop_table("delivered_set")
    op.create_table(
        "audit_mention",
        sa.Column("secret_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("secret_id", "seq", name=op.f("pk_audit_mention")),
    )
    op.execute(_MENTIONS)


def _pages(statement: sa.TextClause) -> Iterator[Sequence[sa.Row[Any]]]:
    after = 0
    while True:
        rows = op.get_bind().execute(statement, {"after": after, "size": _AT_ONCE}).all()
        if not rows:
            return
        yield rows
        after = rows[-1].seq


def _columns(row: sa.Row[Any]) -> dict[str, object] | None:
    if row.holder_id is None or row.project_id is None:
        return None
    try:
        details, secrets = split_details(row.details)
    except UNREADABLE:
        return None
    block = block_of(row.seq)
    return {
        "seq": row.seq,
        "details": details,
        "block": block,
        "fingerprint": fingerprint(block, row.holder_id, row.project_id, secrets),
        "holder_id": row.holder_id,
        "project_id": row.project_id,
        "secrets": secrets,
    }


def fingerprint(block: int, holder_id: str, project_id: str, secrets: bytes) -> bytes:
    """Return the name of a set in this revision."""
    return sha256(f"{block} {holder_id} {project_id} ".encode() + secrets).digest()[:16]
