"""Statements that are built and compiled once, and run without SQLAlchemy.

SQLAlchemy needs longer to build a statement, to find its compiled form and to wrap its rows than
SQLite needs to run it. It stays in charge of the SQL and of the conversion of each column.
"""

from collections import namedtuple
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, cast

import orjson
from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Dialect,
    Row,
    Select,
    String,
    TypeDecorator,
    UpdateBase,
    bindparam,
    func,
    select,
)
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from gateway.domain.errors import ConcurrentChange, GatewayError, Unavailable
from gateway.storage.dialects.sqlite import Call
from gateway.storage.dialects.sqlite import Dialect as SqliteDialect

_DIALECT: Final = SqliteDialect(paramstyle="qmark")
# What SQLAlchemy puts where it would write a list of parameters at each execution.
_LIST: Final = "POSTCOMPILE"

Parameter = BindParameter[Any]
_Convert = Callable[[Any], Any]


class JsonList(TypeDecorator[Sequence[Any]]):
    """A list in one parameter, which `json_each` takes apart again."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else orjson.dumps(value).decode()


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a statement: named ones, or their values if these are given."""

    values: Mapping[str, Any] | None = None

    def one(self, name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]] = String) -> Parameter:
        if self.values is None:
            return bindparam(name, type_=type_)
        return bindparam(None, self.values[name], type_=type_, unique=True)

    def each(self, name: str) -> Select[Any]:
        """Select the elements of a parameter that has a list."""
        given = func.json_each(self.one(name, JsonList))
        return select(given.table_valued("value").c.value)


NAMED: Final = Parameters()
each_of: Final = NAMED.each


def values_of(ids: Collection[str]) -> Select[Any]:
    """Select these ids from one parameter, however many they are."""
    return Parameters({"ids": sorted(ids)}).each("ids")


class NotPreparable(Exception):
    """A statement has a list of parameters, whose length would be a part of its text."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A prepared statement with what the driver gets: parameters, or a list of them for many."""

    prepared: "Prepared"
    parameters: Sequence[Any] = field(repr=False)
    is_many: bool = False

    @property
    def call(self) -> Call:
        """The call of the driver."""
        return "executemany" if self.is_many else "execute", self.prepared.sql, self.parameters


class Prepared:
    """A statement with named parameters. It is compiled at its first use."""

    def __init__(
        self,
        statement: Select[Any] | CompoundSelect[Any] | UpdateBase,
        *,
        written: Iterable[str] = (),
    ) -> None:
        """Take a statement, and the columns whose values are parameters of a write."""
        self.statement = statement
        self._written = list(written) or None

    def __call__(self, **values: Any) -> Bound:  # noqa: ANN401 - what a column can hold
        """Bind the parameters of one execution."""
        return Bound(self, self._in_order(values))

    def many(self, rows: Iterable[Mapping[str, Any]]) -> Bound:
        """Bind the parameters of one execution for each of these."""
        return Bound(self, [self._in_order(row) for row in rows], is_many=True)

    @cached_property
    def sql(self) -> str:
        """The text for the driver.

        Raises:
            NotPreparable: if it would depend on the parameters.

        """
        text = str(self._compiled)
        if _LIST in text:
            raise NotPreparable(text)
        return text

    def read(self, found: Sequence[Sequence[Any]]) -> Sequence[Row[Any]]:
        """Return the driver's rows with their columns by name, as SQLAlchemy would.

        Raises:
            TypeError: if a column holds another type of data than its own, such as a number.
            ValueError: if a column holds what its type cannot read.

        """
        make, conversions = self._reading
        if conversions:
            found = [_converted(row, conversions) for row in found]
        return cast("Sequence[Row[Any]]", [make(row) for row in found])

    @cached_property
    def _compiled(self) -> SQLCompiler:
        return self.statement.compile(dialect=_DIALECT, column_keys=self._written)

    @cached_property
    def _binding(self) -> tuple[Sequence[tuple[str, _Convert | None]], Mapping[str, Any]]:
        """Each parameter in order, with its conversion; and those whose values are fixed."""
        binds = self._compiled.binds
        in_order = [
            (name, binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
            for name in self._compiled.positiontup or ()
        ]
        fixed = {name: each.effective_value for name, each in binds.items() if not each.required}
        return in_order, fixed

    def _in_order(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        in_order, fixed = self._binding
        every = {**fixed, **values}
        return tuple(
            every[name] if convert is None else convert(every[name]) for name, convert in in_order
        )

    @cached_property
    def _reading(self) -> tuple[_Convert, Sequence[tuple[int, _Convert]]]:
        """What makes a row, and the columns whose values are converted before."""
        columns = list(cast("Select[Any]", self.statement).selected_columns)
        made = namedtuple("PreparedRow", [str(each.key) for each in columns], rename=True)  # type: ignore[misc] # noqa: PYI024 - its names are data
        processors = (
            each.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for each in columns
        )
        return made._make, [(at, convert) for at, convert in enumerate(processors) if convert]


def _converted(row: Sequence[Any], conversions: Sequence[tuple[int, _Convert]]) -> Sequence[Any]:
    columns = list(row)
    for at, convert in conversions:
        columns[at] = convert(columns[at])
    return columns


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement that a unit will run, what must come of it, and what is raised if it fails."""

    bound: Bound
    # In place of the errors of a constraint, and of a database that does not answer.
    refusal: Callable[[], GatewayError] | None = None
    # How many rows it must touch, and what raises the fault if it does not.
    expected: int | None = None
    explain: Callable[[int], Awaitable[None]] | None = None

    def refused(self, error: Exception) -> Exception:
        """Return what to raise for an error of this statement."""
        if self.refusal and isinstance(error, ConcurrentChange | Unavailable):
            return self.refusal()
        return error
