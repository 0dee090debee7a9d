"""Visibility as SQL conditions, so that a list is filtered before it is cut into pages."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, or_, true

from gateway.domain.visibility import Visibility
from gateway.storage.tables import HolderRow


def holders_covered(visibility: Visibility, holder: FromClause = HolderRow.__table__) -> Any:  # noqa: ANN401 - what SQLAlchemy combines
    is_own = holder.c.organization_id == visibility.organization_id
    return is_own & _is_covered(visibility, holder)


def holders_there(visibility: Visibility, holder: FromClause = HolderRow.__table__) -> Any:  # noqa: ANN401 - as above
    """Return the condition that a grant is at a row of the holder table, above or below it."""
    is_own = holder.c.organization_id == visibility.organization_id
    if visibility.is_everywhere:
        return is_own
    return is_own & or_(
        holder.c.id.in_(sorted(visibility.ancestor_ids)), _is_covered(visibility, holder)
    )


def _is_covered(visibility: Visibility, holder: FromClause) -> ColumnElement[bool]:
    if visibility.is_everywhere:
        return true()
    ids = sorted(visibility.holder_ids)
    columns = (holder.c.id, holder.c.environment_id, holder.c.project_id)
    return or_(*(column.in_(ids) for column in columns))
