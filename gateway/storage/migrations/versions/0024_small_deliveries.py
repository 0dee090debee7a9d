"""Store who fetched values and where in the delivered sets; no index has deliveries."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from gateway.domain.delivered_sets import BLOCK_EVENTS, DeliveredSet, span_bit, with_secrets

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AT_ONCE: Final = 1_000
_INDEXES: Final = (
    ["organization_id", "seq"],
    ["actor_id", "seq"],
    ["project_id", "seq"],
    ["holder_id", "seq"],
    ["organization_id", "action", "seq"],
)
_ACTION: Final = _INDEXES[-1]
_OF_SET: Final = ("organization_id", "project_id", "holder_id", "actor_id")
_NAMED: Final = (
    "SELECT seq, action, subject_id, details, secrets, {columns} FROM audit_event AS event"
    " LEFT JOIN {sets} ON block = seq / :block_events AND fingerprint = delivered_set AND {same}"
    " WHERE delivered_set IS NOT NULL AND seq > :after ORDER BY seq LIMIT :size"
)
_BEFORE: Final = sa.text(
    _NAMED.format(
        columns=", ".join(f"event.{name}" for name in _OF_SET),
        sets="former_set",
        same="former_set.holder_id = event.holder_id AND former_set.project_id = event.project_id",
    )
)
_NOW: Final = sa.text(
    _NAMED.format(
        columns=", ".join(f"delivered_set.{name}" for name in _OF_SET),
        sets="delivered_set",
        same="action = 'VALUES_DELIVERED'",
    )
)
_KEEP: Final = sa.text(
    "INSERT INTO delivered_set VALUES (:block, :fingerprint, :organization_id, :project_id,"
    " :holder_id, :actor_id, :spans, :secrets)"
    " ON CONFLICT DO UPDATE SET spans = spans | excluded.spans"
)
_TAKE_OUT: Final = sa.text(
    "UPDATE audit_event SET delivered_set = :fingerprint, actor_id = '', subject_id = '',"
    " organization_id = NULL, project_id = NULL, holder_id = NULL WHERE seq = :seq"
)
# What differs from its set, or has none, stays as it is and is found by the indexes.
_LEAVE: Final = sa.text(
    "UPDATE audit_event SET delivered_set = NULL, details = :details WHERE seq = :seq"
)
_KEEP_FORMER: Final = sa.text(
    "INSERT INTO former_set VALUES (:block, :fingerprint, :holder_id, :project_id, :secrets)"
    " ON CONFLICT DO NOTHING"
)
_PUT_BACK: Final = sa.text(
    "UPDATE audit_event SET delivered_set = :fingerprint, actor_id = :actor_id,"
    " subject_id = :holder_id, organization_id = :organization_id, project_id = :project_id,"
    " holder_id = :holder_id WHERE seq = :seq"
)


def upgrade() -> None:
    """Move what the sets have now out of the events; their hashes cover it as before."""
    for columns in _INDEXES:
        op.drop_index(_name("audit_event", columns), table_name="audit_event")
    op.drop_index(_name("delivered_set", ["project_id"]), table_name="delivered_set")
    op.rename_table("delivered_set", "former_set")
    _create_sets()
    for rows in _pages(_BEFORE):
        moved = [kept for row in rows if (kept := _columns(row))]
        found = {kept["seq"] for kept in moved}
        left = [
            {"seq": row.seq, "details": _whole_details(row)} for row in rows if row.seq not in found
        ]
        _run(_KEEP, moved)
        _run(_TAKE_OUT, moved)
        _run(_LEAVE, left)
    op.drop_table("former_set")
    for columns in _INDEXES:
        _create_index(columns, "delivered_set IS NULL")


def downgrade() -> None:
    """Put it back; what has no set stays as it is."""
    for columns in _INDEXES:
        op.drop_index(_name("audit_event", columns), table_name="audit_event")
    op.create_table("former_set", *_columns_of_sets(), sqlite_with_rowid=False)
    for rows in _pages(_NOW):
        restored = [_former(row) for row in rows if row.secrets is not None]
        _run(_KEEP_FORMER, restored)
        _run(_PUT_BACK, restored)
    op.drop_table("delivered_set")
    op.rename_table("former_set", "delivered_set")
    op.create_index(_name("delivered_set", ["project_id"]), "delivered_set", ["project_id"])
    for columns in _INDEXES:
        _create_index(columns, "action <> 'VALUES_DELIVERED'" if columns is _ACTION else None)


def _create_sets() -> None:
    op.create_table(
        "delivered_set",
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=False),
        sa.Column("actor_id", sa.String(length=512), nullable=False),
        sa.Column("spans", sa.BigInteger(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "fingerprint", name=op.f("pk_delivered_set")),
        sqlite_with_rowid=False,
    )
    for column in _OF_SET:
        columns = [column, "block"]
        op.create_index(_name("delivered_set", columns), "delivered_set", columns)


def _columns_of_sets() -> Sequence[Any]:
    return (
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=36), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "fingerprint", name=op.f("pk_delivered_set")),
    )


def _create_index(columns: Sequence[str], where: str | None) -> None:
    partial = sa.text(where) if where else None
    op.create_index(
        _name("audit_event", columns),
        "audit_event",
        list(columns),
        sqlite_where=partial,
        postgresql_where=partial,
    )


def _name(table: str, columns: Sequence[str]) -> str:
    return op.f("_".join(["ix", table, *columns]))


def _pages(statement: sa.TextClause) -> Iterator[Sequence[sa.Row[Any]]]:
    after = 0
    values = {"block_events": BLOCK_EVENTS, "size": _AT_ONCE}
    while rows := op.get_bind().execute(statement, {"after": after, **values}).all():
        yield rows
        after = rows[-1].seq


def _run(statement: sa.TextClause, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        op.get_bind().execute(statement, rows)


def _columns(row: sa.Row[Any]) -> dict[str, Any] | None:
    """Return the columns of an event's set, if the event has nothing else in its own columns."""
    place = {name: getattr(row, name) for name in _OF_SET}
    is_delivery = row.action == "VALUES_DELIVERED" and row.subject_id == row.holder_id
    if row.secrets is None or not is_delivery or not all(place.values()):
        return None
    block = row.seq // BLOCK_EVENTS
    kept = DeliveredSet(block, **place, secrets=row.secrets)
    columns = {"seq": row.seq, "block": block, "spans": span_bit(row.seq), "secrets": row.secrets}
    return {**columns, **place, "fingerprint": kept.fingerprint}


def _whole_details(row: sa.Row[Any]) -> str:
    return row.details if row.secrets is None else with_secrets(row.details, row.secrets)


def _former(row: sa.Row[Any]) -> dict[str, Any]:
    block = row.seq // BLOCK_EVENTS
    text = f"{block} {row.holder_id} {row.project_id} "
    name = sha256(text.encode() + row.secrets).digest()[:16]
    columns = {"seq": row.seq, "block": block, "fingerprint": name, "secrets": row.secrets}
    return {**columns, **{each: getattr(row, each) for each in _OF_SET}}
