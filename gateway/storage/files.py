"""Queries about files and the paths at which they are mounted."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, or_, select

from gateway.domain.files import folders_of
from gateway.domain.secrets import Secret
from gateway.storage.secrets import SECRET, reader, selection
from gateway.storage.unit_of_work import ReadUnit

# The character after the slash: every text that begins with `path/` sorts before `path0`.
_AFTER_SLASH = chr(ord("/") + 1)


async def colliding(unit: ReadUnit, project_id: str, path: str) -> list[Secret]:
    """Return a project's files that cannot exist together with a file at that path, by scope."""
    below = and_(SECRET.c.mount_path > f"{path}/", SECRET.c.mount_path < f"{path}{_AFTER_SLASH}")
    above = SECRET.c.mount_path.in_([path, *folders_of(path)])
    return await _files(unit, project_id, or_(above, below))


async def of_project(unit: ReadUnit, project_id: str) -> list[Secret]:
    return await _files(unit, project_id)


async def _files(unit: ReadUnit, project_id: str, *conditions: ColumnElement[bool]) -> list[Secret]:
    # The second condition is the index's own.
    wanted = (SECRET.c.project_id == project_id, SECRET.c.mount_path.is_not(None), *conditions)
    statement = selection().where(*wanted).order_by(SECRET.c.list_rank, SECRET.c.id)
    return list(map(reader(unit), await unit.rows(statement)))


async def referring_to(unit: ReadUnit, file_ids: Collection[str]) -> list[Secret]:
    """Return aliases and overrides of files, and aliases of these overrides."""
    direct = select(SECRET.c.id).where(SECRET.c.target_id.in_(file_ids))
    wanted = or_(SECRET.c.target_id.in_(file_ids), SECRET.c.target_id.in_(direct))
    return list(map(reader(unit), await unit.rows(selection().where(wanted))))
