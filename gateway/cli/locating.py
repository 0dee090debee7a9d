"""Finding the holders that options and arguments name."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway.cli.printing import title_and_id_of
from gateway.cli.refusals import Refused
from gateway.domain.holders import Holder
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound, OrganizationNotFound
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.runtime import Runtime
from gateway.services.operator.directory import Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a holder is, as far as options tell: each a name or an id."""

    organization: str
    project: str | None = None
    environment: str | None = None

    @property
    def path(self) -> tuple[Named, ...]:
        """The holders above, the widest first."""
        above = ((Scope.PROJECT, self.project), (Scope.ENVIRONMENT, self.environment))
        return tuple(Named((kind,), text) for kind, text in above if text is not None)


class NotAService(Refused):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not a service: give the id of one.")


async def service_of(runtime: Runtime, service_id: str) -> Holder:
    """Return the service with that id.

    Raises:
        NotAService: naming what else has the id.
        HolderNotFound: if nothing has it.

    """
    try:
        found = await runtime.operator.directory.holder(holder_id=service_id)
    except HolderNotFound:
        with suppress(OrganizationNotFound):
            owner = await runtime.operator.directory.organization(named=service_id)
            message = f"organization {owner.name} ({owner.id})"
            raise NotAService(message) from None
        raise
    if not found.kind.is_service:
        raise NotAService(title_and_id_of(found))
    return found


async def operator_of(runtime: Runtime, organization: str) -> Principal:
    found = await runtime.operator.directory.organization(named=organization)
    return Principal.operator(found.id)


async def find(
    runtime: Runtime, where: Whereabouts, kinds: Sequence[Scope], text: str
) -> tuple[Principal, Holder]:
    """Return a holder by its name or id, and the operator speaking for its organization."""
    operator = await operator_of(runtime, where.organization)
    holder = await runtime.operator.directory.locate(
        organization_id=operator.organization_id, path=(*where.path, Named(tuple(kinds), text))
    )
    return operator, holder


def kinds_of(kind: Scope | None) -> tuple[Scope, ...]:
    """Return the kinds of service that are meant; without one, all of them."""
    return (kind,) if kind else SERVICE_SCOPES
