"""Holders, organizations and secrets as all queries see them: without those that are deleted.

A large deletion hides its rows at once, and later steps remove them: see `deletions`. Only these
selections are read. The tables themselves are written, checked, and removed from.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Subquery, Table, exists, select

from gateway.storage.access_tables import DeletionRow
from gateway.storage.tables import HolderRow, OrganizationRow, SecretRow

_DELETION: Final = DeletionRow.__table__
_ABOVE: Final = HolderRow.__table__.alias("above")
_CHAIN: Final = ("id", "environment_id", "project_id")


def _is_deleted(*ids: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(_DELETION.c.id.in_(ids))


def _is_at_deleted(holder_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that the holder with this id, or one above it, is deleted."""
    chain = [_ABOVE.c[name] for name in _CHAIN]
    is_there = exists().where(_ABOVE.c.id == holder_id, _DELETION.c.id.in_(chain))
    # For each of the few deletions; without any, the holder is not looked up.
    return exists().select_from(_DELETION).where(is_there.correlate_except(_ABOVE))


def _live(table: Table, is_deleted: ColumnElement[bool]) -> Subquery:
    return select(table).where(~is_deleted).subquery(table.name)


_HOLDERS: Final = HolderRow.__table__
_ORGANIZATIONS: Final = OrganizationRow.__table__
_SECRETS: Final = SecretRow.__table__
HOLDER: Final = _live(
    _HOLDERS,
    _is_deleted(*(_HOLDERS.c[name] for name in (*_CHAIN, "organization_id"))),
)
ORGANIZATION: Final = _live(_ORGANIZATIONS, _is_deleted(_ORGANIZATIONS.c.id))
# A secret of a deleted organization is only read through its holder.
SECRET: Final = _live(_SECRETS, _is_at_deleted(_SECRETS.c.holder_id))
