"""The tables of the audit log."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text, text
from sqlmodel import Field

from gateway.domain.content import MAX_KEY_LENGTH
from gateway.storage.columns import Model, blob, identifier, moment, text_column

_NAME: Final = 32
_ACTOR: Final = 512
_REQUEST: Final = 64


class AuditEventRow(Model, table=True):
    """One event. It has no foreign keys because it outlives its subject."""

    __tablename__ = "audit_event"
    __table_args__ = (
        CheckConstraint("seq > 0", name="seq"),
        Index(None, "organization_id", "seq"),
        Index(None, "actor_id", "seq"),
        Index(None, "project_id", "seq"),
        Index(None, "holder_id", "seq"),
        # Most events are deliveries, which do not pay for it: see `filters`.
        Index(
            None,
            "organization_id",
            "action",
            "seq",
            sqlite_where=text("action <> 'VALUES_DELIVERED'"),
            postgresql_where=text("action <> 'VALUES_DELIVERED'"),
        ),
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
    # Without the list of a delivery, which the delivered set of the event's block has.
    details: str = Field(sa_column=Column(Text, nullable=False))
    set_mac: bytes = blob(nullable=False)
    prev_hash: bytes = blob(nullable=False)
    hash: bytes = blob(nullable=False)
    delivered_set: bytes | None = blob(nullable=True)


class DeliveredSetRow(Model, table=True):
    """Secrets that were delivered, once for all events of a block that have the same list."""

    __tablename__ = "delivered_set"
    __table_args__ = (Index(None, "project_id"), {"sqlite_with_rowid": False})

    block: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    fingerprint: bytes = blob(primary_key=True)
    holder_id: str = identifier(nullable=False)
    project_id: str = identifier(nullable=False)
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
