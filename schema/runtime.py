"""The types of a delivery: the only ones with values, and reachable only from `runtimeSecrets`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Self

import strawberry
from graphql import FieldNode, OperationDefinitionNode
from strawberry import UNSET, argument, field

from gateway.domain.content import repr_without_values
from gateway.domain.delivery_requests import DeliveryRequest
from gateway.services.delivery import CheckReferences, RuntimeSet, refuse_unresolved
from gateway.services.delivery import RuntimeSecret as DomainRuntimeSecret
from schema.context import Info
from schema.enums import DeliveryFormat, OnUnresolved
from schema.fields import Key, pure_field

# How many entries of an answer are completed before other requests get a turn.
ENTRIES_AT_ONCE: Final = 100
_CHECKS: Final[Mapping[OnUnresolved, CheckReferences | None]] = MappingProxyType(
    {OnUnresolved.KEEP: None, OnUnresolved.FAIL: refuse_unresolved}
)


WhenUnresolved = Annotated[
    OnUnresolved,
    argument(description="What to do with a reference whose name the service does not have."),
]
Keys = Annotated[
    list[str] | None,
    argument(
        description=(
            "Deliver only these keys, at most 100; all if omitted. A key that the service does not "
            "have is left out."
        )
    ),
]
WithFiles = Annotated[
    bool, argument(description="Whether to deliver the contents of files, not only their paths.")
]
IfNoneMatch = Annotated[
    str | None,
    argument(
        description=(
            'Deliver nothing if the fingerprint is one of these: `"a1b2"`, `"a1b2", "c3d4"`, or '
            "`*` for any. `isUnchanged` is true then. REST: the header If-None-Match."
        )
    ),
]


Fitting = Annotated[
    DeliveryFormat | None,
    argument(
        name="format",
        description=(
            "What you will write the values as. A value that it cannot hold refuses the delivery, "
            "before anything is delivered and recorded."
        ),
    ),
]


def to_keys(keys: list[str] | None) -> tuple[str, ...] | None:
    return tuple(keys) if keys is not None and keys is not UNSET else None


@strawberry.type(description="A file that a service gets.")
class RuntimeFile:
    __repr__ = repr_without_values

    mount_path: str = field(description="The path of the file in the service's file system.")
    content: str = field(
        description="The content, with references resolved if interpolation is enabled."
    )


@strawberry.type(description="One environment variable as a service gets it.")
class RuntimeSecret:
    __repr__ = repr_without_values

    key: Key
    value: str = field(description="The value; for a file, its path.")
    file: RuntimeFile | None = field(
        description=(
            "The file; set for a FILE and for an alias of a FILE, if the delivery has the contents "
            "of files."
        )
    )
    is_file: bool = field(description="Whether the value is the path of a file.")
    fingerprint_of: strawberry.Private[Callable[[str], str]]

    @pure_field(
        description=(
            "A keyed hash of the value; for a delivered file, of its content. Within a project, "
            "equal texts have equal fingerprints."
        )
    )
    def fingerprint(self) -> str:
        return self.fingerprint_of(self.file.content if self.file else self.value)

    @classmethod
    def of(cls, delivered: DomainRuntimeSecret, fingerprint_of: Callable[[str], str]) -> Self:
        file = delivered.file
        return cls(
            key=delivered.key,
            value=delivered.value,
            file=RuntimeFile(mount_path=file.mount_path, content=file.content) if file else None,
            is_file=delivered.is_file,
            fingerprint_of=fingerprint_of,
        )


async def deliver(
    info: Info, service_id: str, request: DeliveryRequest, on_unresolved: OnUnresolved
) -> RuntimeSet:
    return await info.context.services.delivery.runtime_secrets(
        service_id=service_id,
        request=request,
        admit=info.context.surcharge,
        check=_CHECKS[on_unresolved],
        is_view_shared=not is_alone(info.operation),
    )


def is_alone(operation: OperationDefinitionNode) -> bool:
    """Return whether a delivery is certainly the only root field that reads data."""
    selections = operation.selection_set.selections
    names = [selection.name.value for selection in selections if isinstance(selection, FieldNode)]
    return len(names) == len(selections) and len(names) - names.count("__typename") == 1


Delivered = list[RuntimeSecret] | AsyncIterator[RuntimeSecret]


def wrapped_delivery(delivered: RuntimeSet) -> Delivered:
    """Wrap a delivery: a short one as a list, a long one as an iterator that yields to the loop."""
    wrapped = [RuntimeSecret.of(item, delivered.fingerprint_of) for item in delivered.secrets]
    return wrapped if len(wrapped) <= ENTRIES_AT_ONCE else _in_steps(wrapped)


async def _in_steps(secrets: Sequence[RuntimeSecret]) -> AsyncIterator[RuntimeSecret]:
    for number, secret in enumerate(secrets, 1):
        yield secret
        if number % ENTRIES_AT_ONCE == 0:
            await asyncio.sleep(0)


@strawberry.type(description="What a service gets at run time, as one set.")
class Delivery:
    __repr__ = repr_without_values

    service_name: str = field(description="The display name of the service.")
    fingerprint: str = field(
        description=(
            "A keyed hash of the whole set: it changes with each key, value and file that is "
            "delivered, and with the service's name."
        )
    )
    is_unchanged: bool = field(
        description="Whether `ifNoneMatch` has the fingerprint; `secrets` is empty then."
    )
    secrets: Delivered = field(
        graphql_type=list[RuntimeSecret], description="The environment variables, by key."
    )

    @classmethod
    def of(cls, delivered: RuntimeSet) -> Self:
        return cls(
            service_name=delivered.service.name,
            fingerprint=delivered.fingerprint,
            is_unchanged=delivered.is_unchanged,
            secrets=wrapped_delivery(delivered),
        )
