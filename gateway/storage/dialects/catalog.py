"""The catalog: the tables, indexes, triggers and views that a database of this version has.

An unexpected object can change rows without the gateway. Nothing is written while there is one.
`catalog.json` lists what the migrations create, and a test compares the two.
`python -m gateway.storage.dialects.catalog_snapshot` writes the file.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import TextClause, text

from gateway.domain.audit import CatalogNotTrusted
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_log = structlog.get_logger(__name__)

SNAPSHOT: Final = Path(__file__).with_name("catalog.json")
EXPECTED: Final[Mapping[str, str]] = json.loads(SNAPSHOT.read_text("utf-8"))
TABLE: Final = "sqlite_schema"
# As bytes: a name that is not text must not prevent reading the others.
CATALOG: Final[TextClause] = text(
    "SELECT CAST(type AS BLOB), CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)"
    " FROM main.sqlite_master"
)
# SQLite creates these itself, for ANALYZE and AUTOINCREMENT; they cannot change a row.
_SQLITES_OWN: Final = (
    ("table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    (
        *("table", "sqlite_stat4", "sqlite_stat4"),
        "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
    ),
    ("table", "sqlite_sequence", "sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"),
)
# The connection's entry for the database state that it last checked.
_SEEN: Final = "catalog_seen_at"
_TOKENS: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|\s+|.""", re.DOTALL)
_PLAIN_NAME: Final = re.compile(r'"(\w+)"')
_MAX_NAME: Final = 120

Object = tuple[str, str, str, str]


class CatalogFault(StrEnum):
    ADDED = "ADDED"
    CHANGED = "CHANGED"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class CatalogFinding:
    """An object that differs from what the migrations create, as `trigger its_name`."""

    fault: CatalogFault
    name: str

    def __str__(self) -> str:
        return f"{self.fault} {self.name}"


def digests(objects: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Return the name and the digest of each object, in order.

    The digest covers the statement that created the object. It ignores what has no meaning there:
    spaces between words, quotes around plain names, and the order of a table's constraints. All of
    these differ between databases because Alembic copies tables.
    """
    for kind, name, table, sql in sorted(objects):
        words = [word for word in _TOKENS.findall(sql) if not word.isspace()]
        plain = [_PLAIN_NAME.sub(r"\1", word) for word in words]
        meant = list(_with_sorted_constraints(plain)) if kind == "table" else plain
        yield f"{kind} {name}", sha256("\0".join([table, *meant]).encode()).hexdigest()


def _with_sorted_constraints(words: Iterable[str]) -> Iterator[str]:
    """Yield the words of a CREATE TABLE: columns in their order, then constraints sorted."""
    parts, depth, tail = [[""]], 0, [""]
    for word in words:
        depth -= word == ")"
        if depth == 1 and word == ",":
            parts.append([])
        else:
            (parts[-1] if depth else tail).append(word)
        depth += word == "("
    columns = [part for part in parts if part[:1] != ["CONSTRAINT"]]
    constraints = sorted(part for part in parts if part[:1] == ["CONSTRAINT"])
    for part in (tail, *columns, *constraints):
        yield from (*part, ",")


def rows_to_objects(rows: Iterable[Sequence[bytes | None]]) -> tuple[Object, ...]:
    decoded = (
        [(column or b"").decode("utf-8", "backslashreplace") for column in row] for row in rows
    )
    return tuple((kind, name, table, sql) for kind, name, table, sql in decoded)


@lru_cache(maxsize=4)
def differences(objects: tuple[Object, ...]) -> tuple[CatalogFinding, ...]:
    found = list(digests(objects))
    missing = sorted(EXPECTED.keys() - {name for name, _ in found})
    gone = [CatalogFinding(CatalogFault.MISSING, name) for name in missing]
    return (*_find_unexpected(found), *gone)


async def catalog_findings(unit: ReadUnit) -> tuple[CatalogFinding, ...]:
    """Return how the database's catalog differs from what this version expects."""
    return differences(rows_to_objects(await unit.rows(CATALOG)))


async def ensure_expected(unit: WriteUnit, *, seen_at: int | None = None) -> None:
    """Refuse to write unless the catalog is as expected.

    `seen_at` is the connection's `PRAGMA data_version`, read in this transaction. While it stays
    the same, no other connection has committed since the last check. Without it, check again.

    Raises:
        CatalogNotTrusted: after logging each unexpected object.

    """
    seen = unit.connection_info
    if seen_at is not None and seen.get(_SEEN) == seen_at:
        return
    if found := await catalog_findings(unit):
        report(found)
        raise CatalogNotTrusted
    seen[_SEEN] = seen_at


def report(findings: Iterable[CatalogFinding]) -> None:
    for finding in findings:
        _log.critical("integrity_fault", fault=finding.fault, table=TABLE, object=finding.name)


def _find_unexpected(found: Iterable[tuple[str, str]]) -> Iterator[CatalogFinding]:
    allowed = {**dict(digests(_SQLITES_OWN)), **EXPECTED}
    seen: set[str] = set()
    for name, digest in found:
        is_new = name not in allowed or name in seen
        seen.add(name)
        if is_new or allowed[name] != digest:
            fault = CatalogFault.ADDED if is_new else CatalogFault.CHANGED
            yield CatalogFinding(fault, _printable(name))


def _printable(name: str) -> str:
    """Return a name, which can come from an attacker, as one line of ASCII."""
    return name[:_MAX_NAME].encode("unicode_escape").decode("ascii")
