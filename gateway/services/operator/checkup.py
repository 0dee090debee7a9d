"""Whether what is stored can be read: the part of a check-up that needs the keys."""

from datetime import datetime, timedelta
from typing import Final

from gateway.crypto.envelope import TamperedCiphertext
from gateway.domain.errors import RefusedStart
from gateway.services.context import ServiceContext
from gateway.services.vault import MissingDataKey
from gateway.services.writing import identity_of
from gateway.storage import catalog, samples, secrets, values
from gateway.storage.unit_of_work import ReadUnit

# More than clocks of machines that are looked after drift apart.
_TOLERANCE: Final = timedelta(minutes=5)


class UnreadableProject(RefusedStart):
    """A project's value does not open with the keys at hand."""

    def __init__(self, project_id: str) -> None:
        super().__init__(f"Values of project {project_id} do not open with this key file.")


class CheckUp:
    """Looks at what is stored, and changes nothing. For the instance's operator."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def ensure_readable(self) -> int:
        """Open one value of each project; return how many there were.

        Raises:
            UnreadableProject: for the first one that does not open.

        """
        async with self._context.database.read() as unit:
            ids = await samples.one_of_each_project(unit)
            for secret_id in ids:
                await self._open(unit, secret_id)
        return len(ids)

    async def foreign_objects(self) -> tuple[catalog.CatalogFinding, ...]:
        """Return how the database's objects differ from those that the gateway makes."""
        async with self._context.database.read() as unit:
            return await catalog.catalog_findings(unit)

    async def time_ahead(self) -> datetime | None:
        """Return the newest time that is stored, if it has not come yet by our clock."""
        async with self._context.database.read() as unit:
            newest = await samples.newest_time(unit)
        is_ahead = newest is not None and newest > self._context.now() + _TOLERANCE
        return newest if is_ahead else None

    async def _open(self, unit: ReadUnit, secret_id: str) -> None:
        secret = (await secrets.by_ids(unit, [secret_id])).get(secret_id)
        found = await values.find_value(unit, secret_id)
        if secret is None or found is None:  # Its holder is missing, which another check tells.
            return
        sealed, version = found
        try:
            await self._context.vault.open(unit, sealed, identity_of(secret, version))
        except (MissingDataKey, TamperedCiphertext, UnicodeDecodeError):
            raise UnreadableProject(secret.holder.project_id) from None
