"""All operator services, built once, and the checkup of an instance."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from gateway.crypto.envelope import TamperedCiphertext
from gateway.domain.errors import RefusedStart
from gateway.services.authentication import TokenUses
from gateway.services.context import ServiceContext
from gateway.services.operator.audit import Audit
from gateway.services.operator.directory import Directory, Topologies
from gateway.services.operator.keys import Keys
from gateway.services.operator.organizations import OperatorTokens, Organizations
from gateway.services.operator.references import References
from gateway.services.vault import MissingDataKey
from gateway.services.writing import identity_of
from gateway.storage import secrets, values
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import ReadUnit

# More than the clocks of maintained machines differ.
_TOLERANCE: Final = timedelta(minutes=5)


class UnreadableProject(RefusedStart):
    def __init__(self, project_id: str) -> None:
        super().__init__(f"Values of project {project_id} cannot be decrypted with this key file.")


class CheckUp:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def ensure_readable(self) -> int:
        """Decrypt one value of each project; return the number of values.

        Raises:
            UnreadableProject: for the first value that cannot be decrypted.

        """
        async with self._context.database.read() as unit:
            ids = await values.one_of_each_project(unit)
            for secret_id in ids:
                await self._open(unit, secret_id)
        return len(ids)

    async def foreign_objects(self) -> tuple[catalog.CatalogFinding, ...]:
        """Return how the database's objects differ from those that the gateway creates."""
        async with self._context.database.read() as unit:
            return await catalog.catalog_findings(unit)

    async def time_ahead(self) -> datetime | None:
        """Return the newest stored time, if it is in the future by this machine's clock."""
        async with self._context.database.read() as unit:
            newest = await values.newest_time(unit)
        is_ahead = newest is not None and newest > self._context.now() + _TOLERANCE
        return newest if is_ahead else None

    async def _open(self, unit: ReadUnit, secret_id: str) -> None:
        secret = (await secrets.by_ids(unit, [secret_id])).get(secret_id)
        found = await values.find_value(unit, secret_id)
        if secret is None or found is None:  # Its holder is missing, which another check reports.
            return
        sealed, version = found
        try:
            await self._context.vault.open(unit, sealed, identity_of(secret, version))
        except (MissingDataKey, TamperedCiphertext, UnicodeDecodeError):
            raise UnreadableProject(secret.holder.project_id) from None


@dataclass(frozen=True, slots=True)
class OperatorServices:
    """The use cases without permission checks. They act for the operator of the instance."""

    audit: Audit
    check_up: CheckUp
    directory: Directory
    keys: Keys
    organizations: Organizations
    references: References
    token_uses: TokenUses
    tokens: OperatorTokens
    topologies: Topologies

    @classmethod
    def over(cls, context: ServiceContext, uses: TokenUses) -> Self:
        return cls(
            audit=Audit(context),
            check_up=CheckUp(context),
            directory=Directory(context),
            keys=Keys(context),
            organizations=Organizations(context),
            references=References(context),
            token_uses=uses,
            tokens=OperatorTokens(context),
            topologies=Topologies(context),
        )
