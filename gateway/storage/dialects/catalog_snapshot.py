"""Write the committed catalog: `python -m gateway.storage.dialects.catalog_snapshot`."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.storage.database import Database
from gateway.storage.dialects.catalog import CATALOG, SNAPSHOT, digests, rows_to_objects
from gateway.storage.migrate import upgrade


async def _migrate(file: Path) -> None:
    # Does not check the committed catalog, which can be out of date.
    url = f"sqlite+aiosqlite:///{file}"
    async with Database(url, creates=True) as database, database.writer.begin() as connection:
        await connection.run_sync(upgrade)


def catalog_of(file: Path) -> Mapping[str, str]:
    """Return the digests of all objects in a database file, by name."""
    with closing(sqlite3.connect(file)) as connection:
        return dict(digests(rows_to_objects(connection.execute(str(CATALOG)))))


def snapshot() -> Mapping[str, str]:
    """Return the catalog of a database that the migrations created."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "secrets.db"
        asyncio.run(_migrate(file))
        return catalog_of(file)


if __name__ == "__main__":
    SNAPSHOT.write_text(f"{json.dumps(snapshot(), indent=1)}\n", encoding="utf-8")
