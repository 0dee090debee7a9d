"""The table of former states of secrets."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, String, Text, text
from sqlmodel import Field

from gateway.domain.history import Ending
from gateway.storage.columns import (
    InMac,
    Model,
    identifier,
    in_mac,
    moment,
    one_of,
    reference,
    row_mac,
    text_column,
)

_NAME = 32
_ACTOR = 512
_IS_DELETED = text("ended_how = 'DELETED'")
_HAS_VALUE = text("ciphertext IS NOT NULL")


class SecretVersionRow(Model, table=True):
    """A former state of a secret, and its value if that ended with it.

    The secret's own row is its newest version. `state` has the other columns of the former row as
    JSON, so a new column of secrets needs no column here. The value of a version is in the first
    of the later rows that has the same value version, or it is still the secret's value.

    A row never changes, except that its value is sealed again or removed.
    """

    __tablename__ = "secret_version"
    __table_args__ = (
        CheckConstraint(one_of("ended_how", tuple(Ending)), name="ended_how"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("ended_at >= began_at", name="times"),
        CheckConstraint("(data_key_id IS NULL) = (ciphertext IS NULL)", name="sealed"),
        CheckConstraint("ciphertext IS NULL OR value_version IS NOT NULL", name="value_version"),
        Index(
            None,
            *("holder_id", "ended_at", "secret_id"),
            sqlite_where=_IS_DELETED,
            postgresql_where=_IS_DELETED,
        ),
        Index(None, "ended_in", sqlite_where=_IS_DELETED, postgresql_where=_IS_DELETED),
        Index(None, "holder_id"),
        Index(None, "ended_at"),
        Index(
            None,
            *("secret_id", "value_version"),
            sqlite_where=_HAS_VALUE,
            postgresql_where=_HAS_VALUE,
        ),
        Index(
            None,
            *("data_key_id", "secret_id", "version"),
            sqlite_where=_HAS_VALUE,
            postgresql_where=_HAS_VALUE,
        ),
    )

    secret_id: str = identifier(primary_key=True)
    version: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    ended_how: Ending = Field(sa_column=Column(String(16), primary_key=True))
    organization_id: str = identifier(nullable=False)
    project_id: str = identifier(nullable=False)
    holder_id: str = reference("holder.id", nullable=False)
    state: str = Field(sa_column=Column(Text, nullable=False))
    value_version: int | None = None
    began_at: datetime = moment(nullable=False)
    ended_at: datetime = moment(nullable=False)
    actor_kind: str = text_column(_NAME, nullable=False)
    actor_id: str = text_column(_ACTOR, nullable=False)
    face: str = text_column(_NAME, nullable=False)
    # The number of the first event of the transaction that ended the state.
    ended_in: int = Field(sa_column=Column(BigInteger, nullable=False))
    # A ciphertext proves itself: it opens only for this version of this secret's value.
    data_key_id: str | None = reference("data_key.id", nullable=True, **in_mac(InMac.NEVER))
    ciphertext: bytes | None = Field(
        default=None, sa_column=Column(LargeBinary, nullable=True, **in_mac(InMac.NEVER))
    )
    mac: bytes | None = row_mac()
