"""What a service gets, taken through the delivery door for whoever has the key file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.cli.running import run
from gateway.domain.holders import Holder
from gateway.domain.principals import Principal
from gateway.runtime import Runtime
from gateway.services.delivery import RuntimeFile, RuntimeSecret


@dataclass(frozen=True, slots=True)
class Delivered:
    """A service and all that it gets."""

    service: Holder
    secrets: Sequence[RuntimeSecret]

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables; a file's is where it is to be."""
        return {secret.key: secret.value for secret in self.secrets}

    @property
    def files(self) -> Mapping[str, RuntimeFile]:
        """The files, by the keys of their variables."""
        return {secret.key: secret.file for secret in self.secrets if secret.file}


def delivered_to(service_id: str) -> Delivered:
    """Return what a service gets."""

    async def deliver(runtime: Runtime) -> Delivered:
        service = await runtime.operator.directory.holder(holder_id=service_id)
        async with runtime.database.read() as unit:
            secrets = await runtime.services.delivery.runtime_secrets(
                unit,
                viewer=Principal.operator(service.organization_id),
                service_id=service_id,
            )
        return Delivered(service, secrets)

    return run(deliver)
