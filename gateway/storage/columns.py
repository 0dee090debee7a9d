"""Declare tables: every column once, with what else follows from it.

A row's MAC covers a column unless the column says otherwise; the order of a table's fields is the
order of the MAC's message, so a new column is the last that a MAC covers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, ClassVar, Final, Self

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlmodel import Field, SQLModel

from gateway.domain.audit import AuditSubject

ID_LENGTH: Final = 36
_MAC: Final = "mac"
_UNSET: Final = object()

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time. SQLite drops the offset, so it is removed on writing and set on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """The Python type; a decorated type does not give it by itself."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return value and value.replace(tzinfo=UTC)


class InMac(Enum):
    ALWAYS = auto()
    # For a column of a later version: rows that were written before it keep their MACs.
    IF_SET = auto()
    # For a column that changes with every use, or decides nothing.
    NEVER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What the audit log says about a changed row: its subject, and which columns have its facts.

    `above` names the table and the column with the id of the row that has what this one lacks.
    """

    subject: AuditSubject
    organization: str | None = "organization_id"
    project: str | None = None
    holder: str | None = None
    key: str | None = None
    above: tuple[str, str] | None = None
    facts: tuple[str, ...] = ()
    # The columns of which an update also records the former value, if it changes them.
    former: tuple[str, ...] = ()


class Model(SQLModel):
    """The base of all tables: one metadata, with fixed constraint names for migrations."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)
    __tablename__: ClassVar[str]
    __table__: ClassVar[Table]
    # None for a table whose changes the audit log does not record.
    audited: ClassVar[Audited | None] = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Build a row from its columns, without what SQLModel does for each attribute."""
        row: Self = cls.__new__(cls)
        row.__dict__.update(values)
        return row

    def values(self) -> dict[str, Any]:
        """Return the values that were set, by column; times in UTC, as the database gives them."""
        given = self.__dict__
        return {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for name in self.__table__.columns.keys()  # noqa: SIM118 - iterating gives columns
            if (value := given.get(name, _UNSET)) is not _UNSET
        }


def columns_in_mac(table: Table, coverage: InMac) -> tuple[str, ...]:
    """Return the names of the columns with this coverage, in the order of the MAC's message."""
    return tuple(
        column.name
        for column in table.columns
        if column.name != _MAC and column.info.get(_MAC, InMac.ALWAYS) is coverage
    )


def one_of(column: str, allowed: Sequence[str]) -> str:
    """Return the text of a constraint that the column has one of these values."""
    return f"{column} IN ({', '.join(repr(str(name)) for name in allowed)})"


def in_mac(coverage: InMac) -> Mapping[str, Any]:
    """Return the option of a column that its row's MAC covers it only if set, or never."""
    return {"info": {_MAC: coverage}}


def identifier(**options: Any) -> Any:  # noqa: ANN401 - what SQLModel's own Field takes and returns
    return Field(sa_column=Column(String(ID_LENGTH), **options))


def text_column(length: int, **options: Any) -> Any:  # noqa: ANN401 - as above
    """Declare a column of texts of at most this length."""
    # SQLModel's own string type does not report its Python type, which cursors need to know.
    return Field(sa_column=Column(String(length), **options))


def reference(target: str, **options: Any) -> Any:  # noqa: ANN401 - as above
    """Declare a column of ids with a foreign key to a column of another table."""
    key = ForeignKey(target, ondelete=options.pop("ondelete", "RESTRICT"))
    return Field(sa_column=Column(String(ID_LENGTH), key, **options))


def blob(**options: Any) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(LargeBinary, **options))


def moment(**options: Any) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(UtcDateTime, **options))


def row_mac() -> Any:  # noqa: ANN401 - as above
    """Declare the column of the row's MAC; null only in rows that are older than MACs."""
    return Field(default=None, sa_column=Column(LargeBinary, nullable=True))
