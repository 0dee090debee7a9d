"""The tables of the audit log."""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Text, text
from sqlmodel import Field

from gateway.domain.content import MAX_KEY_LENGTH
from gateway.storage.columns import Model, blob, identifier, moment, text_column

_NAME: Final = 32
_ACTOR: Final = 512
_REQUEST: Final = 64


# What filters compare, in the order of the list.
_FILTERED: Final = (
    ("organization_id", "seq"),
    ("actor_id", "seq"),
    ("project_id", "seq"),
    ("holder_id", "seq"),
    ("organization_id", "action", "seq"),
)


def _without_deliveries(*columns: str) -> Index:
    where = text("delivered_set IS NULL")
    return Index(None, *columns, sqlite_where=where, postgresql_where=where)


class AuditEventRow(Model, table=True):
    """One event. It has no foreign keys because it outlives its subject."""

    __tablename__ = "audit_event"
    __table_args__ = (
        CheckConstraint("seq > 0", name="seq"),
        # Most events are deliveries, which pay for none of these: their sets lead to them.
        *(_without_deliveries(*columns) for columns in _FILTERED),
        Index(
            None,
            "subject_id",
            "seq",
            sqlite_where=text("subject = 'SECRET'"),
            postgresql_where=text("subject = 'SECRET'"),
        ),
    )

    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: datetime = moment(nullable=False)
    actor_kind: str = text_column(_NAME, nullable=False)
    actor_id: str = text_column(_ACTOR, nullable=False)
    action: str = text_column(_NAME, nullable=False)
    subject: str = text_column(_NAME, nullable=False)
    subject_id: str = identifier(nullable=False)
    organization_id: str | None = identifier(nullable=True)
    project_id: str | None = identifier(nullable=True)
    holder_id: str | None = identifier(nullable=True)
    key: str | None = text_column(MAX_KEY_LENGTH, nullable=True)
    face: str = text_column(_NAME, nullable=False)
    request_id: str | None = text_column(_REQUEST, nullable=True)
    details: str = Field(sa_column=Column(Text, nullable=False))
    set_mac: bytes = blob(nullable=False)
    prev_hash: bytes = blob(nullable=False)
    hash: bytes = blob(nullable=False)
    # A delivery's actor, place and list of secrets are there, and not in the columns above.
    delivered_set: bytes | None = blob(nullable=True)


class DeliveredSetRow(Model, table=True):
    """Who fetched which secrets of which service, once for all such events of a block."""

    __tablename__ = "delivered_set"
    __table_args__ = (
        Index(None, "organization_id", "block"),
        Index(None, "project_id", "block"),
        Index(None, "holder_id", "block"),
        Index(None, "actor_id", "block"),
        {"sqlite_with_rowid": False},
    )

    block: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    fingerprint: bytes = blob(primary_key=True)
    organization_id: str = identifier(nullable=False)
    project_id: str = identifier(nullable=False)
    holder_id: str = identifier(nullable=False)
    actor_id: str = text_column(_ACTOR, nullable=False)
    # A bit for each span of the block that has such an event.
    spans: int = Field(sa_column=Column(BigInteger, nullable=False))
    secrets: bytes = blob(nullable=False)


class RowRecordRow(Model, table=True):
    """The newest MAC of a row in an audited table, as the gateway last wrote it."""

    __tablename__ = "row_record"
    # The key is long, so a second copy of it would be half of the table.
    __table_args__ = ({"sqlite_with_rowid": False},)

    table_name: str = text_column(_NAME, primary_key=True)
    row_id: str = identifier(primary_key=True)
    mac: bytes = blob(nullable=False)


class AuditHeadRow(Model, table=True):
    """The chain's newest event, and the sealed sums over all audited rows and over access rows.

    The table has one row. An older version wrote no second sum; the upgrade adds it.
    """

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(Integer, nullable=False))
    hash: bytes = blob(nullable=False)
    sealed_sum: bytes = blob(nullable=False)
    sealed_access_sum: bytes | None = blob(nullable=True)
