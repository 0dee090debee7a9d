"""Restoring a backup after checking that it can replace the database."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from pydantic import SecretStr

from gateway.config.settings import Settings
from gateway.crypto.private_files import create_private, sync_file
from gateway.domain.errors import RefusedStart
from gateway.runtime import Runtime
from gateway.storage.database import Database
from gateway.storage.dialects.copies import ensure_sound, put_in_place
from gateway.storage.migrate import ForeignObjects, migrate


class DatabaseThere(RefusedStart):
    def __init__(self, path: Path) -> None:
        super().__init__(f"There is a database {path} already: use --overwrite to put it aside.")


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore: how many projects were checked, and what was put aside."""

    projects: int
    kept: Path | None


def database_file(settings: Settings) -> Path:
    return Path(Database(settings.resolved_database_url).path)


async def restore(settings: Settings, backup: Path, *, overwrite: bool) -> Restored:
    """Check a backup with the current key file, migrate it, and make it the database.

    Nothing changes unless every check succeeds; the backup itself never changes.

    Raises:
        RefusedStart: if the backup is unsound, of a newer version, or of another key file; if there
        is a database that must not be put aside, or is in use.

    """
    target = database_file(settings)
    ensure_sound(backup)
    if target.exists() and not overwrite:
        raise DatabaseThere(target)
    staged = _stage(backup, beside=target)
    try:
        projects = await _ensure_opens(settings, staged)
        return Restored(projects, put_in_place(staged, target))
    finally:
        for leftover in target.parent.glob(f"{staged.name}*"):
            leftover.unlink()


def _stage(backup: Path, *, beside: Path) -> Path:
    """Return a copy that only its owner can read, on the database's disk."""
    beside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    staged = beside.with_name(f".{beside.name}.{token_hex(8)}")
    with create_private(staged) as copy, backup.open("rb") as original:
        shutil.copyfileobj(original, copy)
        sync_file(copy)
    return staged


async def _ensure_opens(settings: Settings, staged: Path) -> int:
    # An absolute path adds its own slash to the three.
    url = SecretStr(f"sqlite+aiosqlite:///{staged}")
    looked_at = settings.model_copy(update={"database_url": url})
    async with Database(looked_at.resolved_database_url) as database:
        await migrate(database)
    async with Runtime.over(looked_at).running() as runtime:
        check_up = runtime.operator.check_up
        if found := await check_up.foreign_objects():
            raise ForeignObjects(found)
        return await check_up.ensure_readable()
