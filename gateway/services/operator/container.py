"""All operator services, built once, and the checkup of an instance."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from gateway.domain.errors import IntegrityFault, KeysUnavailable
from gateway.domain.holders import new_id
from gateway.services.authentication import TokenUses
from gateway.services.context import ServiceContext
from gateway.services.operator.audit import Audit
from gateway.services.operator.deletions import Deletions
from gateway.services.operator.directory import Directory, Topologies
from gateway.services.operator.keys import Keys
from gateway.services.operator.organizations import OperatorTokens, Organizations
from gateway.services.operator.references import References
from gateway.services.operator.versions import Versions
from gateway.storage import values
from gateway.storage.dialects import catalog

# Each can cost a call of the key provider.
MAX_TRIED: Final = 20
_VALUES_AT_ONCE: Final = 100
# Sorts before any id.
_BEGINNING: Final = ""
# More than the clocks of maintained machines differ.
_TOLERANCE: Final = timedelta(minutes=5)


class CheckUp:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def ensure_readable(self) -> int:
        """Decrypt a value of each data key; return the number of projects that have values.

        Raises:
            IntegrityFault: for the first value that cannot be decrypted.
            KeysUnavailable: if the key provider does not answer.

        """
        projects, after, has_more = set[str](), _BEGINNING, True
        async with self._context.database.read() as unit:
            while has_more:
                found = await values.one_of_each_key(unit, after=after, most=_VALUES_AT_ONCE)
                for stored in found:
                    await self._context.vault.open(unit, stored.sealed, stored.identity)
                    projects.add(stored.identity.project_id)
                    after = stored.sealed.data_key_id
                has_more = bool(found)
        return len(projects)

    async def try_some_values(self) -> None:
        """Decrypt a value of each of a few data keys, chosen at random.

        A value that does not open is logged as an alarm; the rest can be served.
        """
        async with self._context.database.read() as unit:
            found = await values.one_of_each_key(unit, after=new_id(), most=MAX_TRIED)
            if len(found) < MAX_TRIED:
                # Few keys follow the random id, or all keys are few: start again at the first one.
                found = await values.one_of_each_key(unit, after=_BEGINNING, most=MAX_TRIED)
            for stored in found:
                with suppress(IntegrityFault, KeysUnavailable):
                    await self._context.vault.open(unit, stored.sealed, stored.identity)

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


@dataclass(frozen=True, slots=True)
class OperatorServices:
    """The use cases without permission checks. They act for the operator of the instance."""

    audit: Audit
    check_up: CheckUp
    deletions: Deletions
    directory: Directory
    keys: Keys
    organizations: Organizations
    references: References
    token_uses: TokenUses
    tokens: OperatorTokens
    topologies: Topologies
    versions: Versions

    @classmethod
    def over(cls, context: ServiceContext, uses: TokenUses) -> Self:
        return cls(
            audit=Audit(context),
            check_up=CheckUp(context),
            deletions=Deletions(context),
            directory=Directory(context),
            keys=Keys(context),
            organizations=Organizations(context),
            references=References(context),
            token_uses=uses,
            tokens=OperatorTokens(context),
            topologies=Topologies(context),
            versions=Versions(context),
        )
