"""What a service gets, taken through the delivery door for the one who has the key file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.cli.locating import service_of
from gateway.cli.options import OnUnresolved
from gateway.cli.printing import complain, counted
from gateway.cli.running import run
from gateway.domain.drafts import HolderReference
from gateway.domain.holders import Holder
from gateway.domain.interpolation import UnresolvedReference
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import HOLDER_SCOPES
from gateway.runtime import Runtime
from gateway.services.delivery import RuntimeFile, RuntimeSecret, refuse_unresolved


@dataclass(frozen=True, slots=True)
class Delivered:
    holder: Holder
    secrets: Sequence[RuntimeSecret]

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables; a file's is its mount path."""
        return {secret.key: secret.value for secret in self.secrets}

    @property
    def files(self) -> Mapping[str, RuntimeFile]:
        return {secret.key: secret.file for secret in self.secrets if secret.file}


def delivered_to(service_id: str, on_unresolved: OnUnresolved = OnUnresolved.KEEP) -> Delivered:
    """Return what a service gets; complain of references that are unresolved, or fail.

    Raises:
        NotAService: for the id of something else.
        HolderNotFound: for the id of nothing.
        UnresolvedReferences: if there are some, and that is not to be kept.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        service = await service_of(runtime, service_id)
        return await _deliver(runtime, service, on_unresolved)

    return run(deliver)


def delivered_at(at: HolderReference, on_unresolved: OnUnresolved = OnUnresolved.KEEP) -> Delivered:
    """Return what a holder of any kind gets: its own secrets and those that it inherits.

    Raises:
        HolderNotFound: if no holder of that kind has the id.
        UnresolvedReferences: as for a service.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        holder = await runtime.operator.directory.holder(holder_id=at.id)
        if holder.kind is not at.scope:
            raise HolderNotFound(at.scope, at.id)
        return await _deliver(runtime, holder, on_unresolved)

    return run(deliver)


async def _deliver(runtime: Runtime, holder: Holder, on_unresolved: OnUnresolved) -> Delivered:
    check = refuse_unresolved if on_unresolved is OnUnresolved.FAIL else _complain_of
    async with runtime.database.read() as unit:
        secrets = await runtime.services.for_principal(
            Principal.operator(holder.organization_id), unit
        ).delivery.runtime_secrets(service_id=holder.id, kinds=HOLDER_SCOPES, check=check)
    return Delivered(holder, secrets)


def _complain_of(found: Sequence[UnresolvedReference]) -> None:
    # A name in braces may be part of a value, and this may end up in a log.
    for key, count in sorted(Counter(item.key for item in found).items()):
        verb = "leads" if count == 1 else "lead"
        complain(
            f"{key}: {counted(count, 'reference')} {verb} to no key of the service, or into a "
            "cycle, and stays as it is written; --on-unresolved fail names it."
        )
