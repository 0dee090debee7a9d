"""The tables of references between values, and of the progress in reading older values."""

from sqlalchemy import CheckConstraint, Column, Index, Integer
from sqlmodel import Field

from gateway.storage.columns import Model, blob, identifier, reference, row_mac


class ValueReferenceRow(Model, table=True):
    """The names that one value refers to as `{{KEY}}`, each as a keyed hash.

    A value without references has no row. A name in braces can be part of a secret value, so it is
    never stored in clear.
    """

    __tablename__ = "value_reference"
    __table_args__ = (
        Index(None, "project_id"),
        CheckConstraint("length(names) > 0", name="names"),
    )

    secret_id: str = reference("secret.id", ondelete="CASCADE", primary_key=True)
    project_id: str = identifier(nullable=False)
    # The version of the value that has these names.
    value_version: int
    names: bytes = blob(nullable=False)
    mac: bytes | None = row_mac()


class ReferenceReadingRow(Model, table=True):
    """Progress in reading the values that are older than stored references: one row, or no row."""

    __tablename__ = "reference_reading"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    # The id of the last secret that was read; null after the last one.
    position: str | None = identifier(nullable=True)
    mac: bytes | None = row_mac()
