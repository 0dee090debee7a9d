"""The tables of the audit log."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Text
from sqlmodel import Field

from gateway.domain.content import MAX_KEY_LENGTH
from gateway.storage.tables import ID_LENGTH, Model, UtcDateTime

_NAME: Final = 32
_ACTOR: Final = 512
_REQUEST: Final = 64


class AuditEventRow(Model, table=True):
    """One event. It has no foreign keys because it outlives its subject."""

    __tablename__ = "audit_event"
    __table_args__ = (
        CheckConstraint("seq > 0", name="seq"),
        Index(None, "organization_id", "seq"),
        Index(None, "holder_id", "seq"),
        Index(None, "actor_id", "seq"),
        Index(None, "at"),
    )

    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    actor_kind: str = Field(sa_column=Column(String(_NAME), nullable=False))
    actor_id: str = Field(sa_column=Column(String(_ACTOR), nullable=False))
    action: str = Field(sa_column=Column(String(_NAME), nullable=False))
    subject: str = Field(sa_column=Column(String(_NAME), nullable=False))
    subject_id: str = Field(sa_column=Column(String(ID_LENGTH), nullable=False))
    organization_id: str | None = Field(sa_column=Column(String(ID_LENGTH)))
    project_id: str | None = Field(sa_column=Column(String(ID_LENGTH)))
    holder_id: str | None = Field(sa_column=Column(String(ID_LENGTH)))
    key: str | None = Field(sa_column=Column(String(MAX_KEY_LENGTH)))
    face: str = Field(sa_column=Column(String(_NAME), nullable=False))
    request_id: str | None = Field(sa_column=Column(String(_REQUEST)))
    details: str = Field(sa_column=Column(Text, nullable=False))
    set_mac: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    prev_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditMentionRow(Model, table=True):
    """Index of the events that mention a secret; the event itself is authoritative."""

    __tablename__ = "audit_mention"

    secret_id: str = Field(sa_column=Column(String(ID_LENGTH), primary_key=True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


class AuditStateRow(Model, table=True):
    """The keyed hash of a watched row, as the gateway last wrote it."""

    __tablename__ = "audit_state"

    noun: str = Field(sa_column=Column(String(_NAME), primary_key=True))
    row_id: str = Field(sa_column=Column(String(ID_LENGTH), primary_key=True))
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AuditHeadRow(Model, table=True):
    """The chain's newest event, and the sealed sums over all watched rows and over access rows.

    The table has one row. An older version wrote no second sum; the next start adds it.
    """

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(Integer, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    set_box: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    access_box: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
