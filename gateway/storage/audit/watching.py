"""Record what a transaction changes, and compare it with what was meant.

Watching rows: the database itself notes the rows that a transaction touches. Triggers on the
gateway's writing connection note every row that is added, changed or removed, including those that
a foreign key deletes. So no use case can forget to record a change. A write by another program is
not noted, and shows later as a difference.

The rows that a transaction intends to write are compared with those that the database noted. A
foreign trigger in the database writes in the same transaction. The database notes its writes too,
but no code announced them here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from sqlalchemy import Delete, Executable, TableClause

from gateway.domain.audit import AuditSubject
from gateway.storage.access_tables import RoleGrantRow, UserRow, ValueReferenceRow
from gateway.storage.columns import InMac, Model, columns_in_mac
from gateway.storage.tables import (
    ApiTokenRow,
    DataKeyRow,
    HolderRow,
    OrganizationRow,
    SealedValueRow,
    SecretRow,
)

_NONE: Final = "NULL"
# The prefix of a column's former value.
FORMER: Final = "former_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A table whose rows are watched, and the columns that make up a row's state.

    The row's organization, project, holder and key are expressions over the row `{row}`; facts are
    columns to record.
    """

    subject: AuditSubject
    columns: tuple[str, ...]
    # Columns added in later versions, as their tables declare. A state includes such a column only
    # where it is not null, so that older rows keep their states.
    optional: tuple[str, ...] = ()
    row_id: str = "id"
    organization: str = "{row}.organization_id"
    project: str = _NONE
    holder: str = _NONE
    key: str = _NONE
    facts: tuple[str, ...] = ()
    # The columns of which an update also notes the former value, if it changes them.
    former: tuple[str, ...] = ()

    def state(self, row: str) -> str:
        """Return the expression of a row's state: the type and bytes of each column."""
        fixed = " || ',' || ".join(_state(row, column) for column in self.columns)
        return fixed + "".join(
            f" || CASE WHEN {row}.{column} IS NULL THEN '' "
            f"ELSE ',{column}=' || {_state(row, column)} END"
            for column in self.optional
        )


def _state(row: str, column: str) -> str:
    return f"typeof({row}.{column}) || ':' || hex({row}.{column})"


# Derived columns, and the time of a credential's last use, are left out.
_DECLARED: Final[Mapping[type[Model], Watched]] = {
    OrganizationRow: Watched(
        subject=AuditSubject.ORGANIZATION, columns=("id", "name"), organization="{row}.id"
    ),
    HolderRow: Watched(
        subject=AuditSubject.HOLDER,
        columns=(
            *("id", "kind", "name", "organization_id"),
            *("parent_id", "project_id", "environment_id"),
        ),
        project="{row}.project_id",
        holder="{row}.id",
        facts=("kind",),
    ),
    DataKeyRow: Watched(
        subject=AuditSubject.DATA_KEY,
        columns=("id", "project_id"),
        organization="(SELECT organization_id FROM holder WHERE id = {row}.project_id)",
        project="{row}.project_id",
    ),
    SecretRow: Watched(
        subject=AuditSubject.SECRET,
        columns=(
            *("id", "organization_id", "project_id", "holder_id", "holder_kind"),
            *("scope", "variable_type", "key", "mount_path", "description"),
            *("enable_interpolation_in_file", "target_id", "target_type"),
            *("source_service_id", "source_service_name", "source_service_type"),
            *("owned_by", "version", "created_at", "updated_at"),
        ),
        project="{row}.project_id",
        holder="{row}.holder_id",
        key="{row}.key",
        facts=("variable_type", "version"),
        former=("key",),
    ),
    SealedValueRow: Watched(
        subject=AuditSubject.SECRET,
        columns=("secret_id", "value_version", "data_key_id", "box"),
        row_id="secret_id",
        organization="(SELECT organization_id FROM secret WHERE id = {row}.secret_id)",
        project="(SELECT project_id FROM secret WHERE id = {row}.secret_id)",
        holder="(SELECT holder_id FROM secret WHERE id = {row}.secret_id)",
        key="(SELECT key FROM secret WHERE id = {row}.secret_id)",
        facts=("value_version",),
    ),
    ValueReferenceRow: Watched(
        subject=AuditSubject.SECRET,
        columns=("secret_id", "project_id", "value_version", "names"),
        row_id="secret_id",
        organization="(SELECT organization_id FROM secret WHERE id = {row}.secret_id)",
        project="{row}.project_id",
        holder="(SELECT holder_id FROM secret WHERE id = {row}.secret_id)",
        key="(SELECT key FROM secret WHERE id = {row}.secret_id)",
    ),
    ApiTokenRow: Watched(
        subject=AuditSubject.TOKEN,
        columns=(
            *("id", "organization_id", "name"),
            *("digest", "created_at", "expires_at", "revoked_at"),
        ),
        facts=("expires_at", "revoked_at"),
    ),
    UserRow: Watched(
        subject=AuditSubject.USER,
        columns=("id", "organization_id", "issuer", "subject", "display_name", "created_at"),
    ),
    RoleGrantRow: Watched(
        subject=AuditSubject.GRANT,
        columns=(
            *("id", "organization_id", "token_id", "user_id"),
            *("role", "holder_id", "created_at"),
        ),
        project="(SELECT project_id FROM holder WHERE id = {row}.holder_id)",
        holder="{row}.holder_id",
        facts=("token_id", "user_id", "role"),
    ),
}
WATCHED: Final[Mapping[str, Watched]] = {
    row.__tablename__: replace(watched, optional=columns_in_mac(row.__table__, InMac.IF_SET))
    for row, watched in _DECLARED.items()
}

_NOTES: Final = """CREATE TEMP TABLE touched (
    n INTEGER PRIMARY KEY, noun TEXT, row_id TEXT, is_new INTEGER, before TEXT, after TEXT,
    organization_id TEXT, project_id TEXT, holder_id TEXT, key TEXT, facts TEXT
)"""
# The head is stored last; a statement less for each change.
_HEAD_TRIGGER: Final = """CREATE TEMP TRIGGER told_{event} AFTER {event} ON main.audit_head
BEGIN
    DELETE FROM touched;
END"""
_TRIGGER: Final = """CREATE TEMP TRIGGER touched_{table}_{event} AFTER {event}{of} ON main.{table}
BEGIN
    INSERT INTO touched
        (noun, row_id, is_new, before, after, organization_id, project_id, holder_id, key, facts)
    VALUES ('{table}', {row_id}, {is_new}, {before}, {after},
        {organization}, {project}, {holder}, {key}, json_object({facts}));
END"""


@cache
def watching_script() -> str:
    """Return the statements that make a connection note the rows that it touches."""
    triggers = [_HEAD_TRIGGER.format(event=event) for event in ("INSERT", "UPDATE")]
    for table, watched in WATCHED.items():
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            triggers.append(_trigger(table, watched, event, row))
    return ";\n".join([_NOTES, *triggers]) + ";"


def _trigger(table: str, watched: Watched, event: str, row: str) -> str:
    facts = [f"'{column}', {row}.{column}" for column in watched.facts]
    if event == "UPDATE":
        facts += [
            f"'{FORMER}{column}', CASE WHEN OLD.{column} IS NOT NEW.{column} THEN OLD.{column} END"
            for column in watched.former
        ]
    return _TRIGGER.format(
        table=table,
        event=event,
        of=f" OF {', '.join(watched.columns + watched.optional)}" if event == "UPDATE" else "",
        row_id=f"{row}.{watched.row_id}",
        is_new=int(event == "INSERT"),
        before=_NONE if event == "INSERT" else watched.state("OLD"),
        after=_NONE if event == "DELETE" else watched.state("NEW"),
        organization=watched.organization.format(row=row),
        project=watched.project.format(row=row),
        holder=watched.holder.format(row=row),
        key=watched.key.format(row=row),
        facts=", ".join(facts),
    )


_CASCADE: Final = "CASCADE"


@dataclass(slots=True)
class Intended:
    """Rows that a transaction inserts or updates, how often each, and tables it deletes from."""

    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    tables: set[str] = field(default_factory=set)

    def write(self, table: str, row_id: str) -> None:
        """Announce the insertion of a watched row, or the update of a watched column in it."""
        self.rows[table, row_id] += 1

    def note(self, statement: Executable) -> None:
        """Announce the tables that a statement deletes from."""
        if isinstance(statement, Delete) and isinstance(statement.table, TableClause):
            self.tables |= _tables_emptied_with(statement.table.name)

    def difference(self, notes: Iterable[Any]) -> tuple[str, str] | None:
        """Return the table and id of a row whose writes differ from those announced, if any."""
        noted: Counter[tuple[str, str]] = Counter()
        for note in notes:
            if note.after is not None:
                noted[note.noun, note.row_id] += 1
            elif note.noun not in self.tables:
                return note.noun, note.row_id
        if noted == self.rows:
            return None
        return min((noted - self.rows) or (self.rows - noted))


@cache
def _tables_emptied_with(table: str) -> frozenset[str]:
    """Return a table and the tables whose rows foreign keys delete with its rows."""
    emptied, left = {table}, [table]
    while left:
        above = left.pop()
        below = {
            each.name
            for each in Model.metadata.tables.values()
            for key in each.foreign_keys
            if key.ondelete == _CASCADE and key.column.table.name == above
        }
        left += below - emptied
        emptied |= below
    return frozenset(emptied)
