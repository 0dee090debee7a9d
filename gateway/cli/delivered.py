"""What a service gets, taken through the delivery door for the one who has the key file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.cli.locating import service_of
from gateway.cli.running import run
from gateway.domain.drafts import HolderReference
from gateway.domain.holders import Holder
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import HOLDER_SCOPES
from gateway.runtime import Runtime
from gateway.services.delivery import RuntimeFile, RuntimeSecret


@dataclass(frozen=True, slots=True)
class Delivered:
    """A holder and all that it gets."""

    holder: Holder
    secrets: Sequence[RuntimeSecret]

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables; a file's is its mount path."""
        return {secret.key: secret.value for secret in self.secrets}

    @property
    def files(self) -> Mapping[str, RuntimeFile]:
        """The files, by the keys of their variables."""
        return {secret.key: secret.file for secret in self.secrets if secret.file}


def delivered_to(service_id: str) -> Delivered:
    """Return what a service gets.

    Raises:
        NotAService: for the id of something else.
        HolderNotFound: for the id of nothing.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        return await _delivered(runtime, await service_of(runtime, service_id))

    return run(deliver)


def delivered_at(at: HolderReference) -> Delivered:
    """Return what a holder of any kind gets: its own secrets and those that it inherits.

    Raises:
        HolderNotFound: if no holder of that kind has the id.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        holder = await runtime.operator.directory.holder(holder_id=at.id)
        if holder.kind is not at.scope:
            raise HolderNotFound(at.scope, at.id)
        return await _delivered(runtime, holder)

    return run(deliver)


async def _delivered(runtime: Runtime, holder: Holder) -> Delivered:
    async with runtime.database.read() as unit:
        secrets = await runtime.services.delivery.runtime_secrets(
            unit,
            viewer=Principal.operator(holder.organization_id),
            service_id=holder.id,
            kinds=HOLDER_SCOPES,
        )
    return Delivered(holder, secrets)
