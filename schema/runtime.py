"""The types of a delivery: the only ones with values, and reachable only from `runtimeSecrets`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Self

import strawberry
from graphql import FieldNode, OperationDefinitionNode
from strawberry import argument, field

from gateway.domain.content import starred
from gateway.services.delivery import CheckReferences, refuse_unresolved
from gateway.services.delivery import RuntimeSecret as DomainRuntimeSecret
from schema.enums import OnUnresolved
from schema.fields import Key

# How many entries of an answer are completed before other requests get a turn.
ENTRIES_AT_ONCE: Final = 100
CHECKS: Final[Mapping[OnUnresolved, CheckReferences | None]] = MappingProxyType(
    {OnUnresolved.KEEP: None, OnUnresolved.FAIL: refuse_unresolved}
)


WhenUnresolved = Annotated[
    OnUnresolved,
    argument(description="What to do with a reference whose name the service does not have."),
]


@strawberry.type(description="A file that a service gets.")
class RuntimeFile:
    __repr__ = starred

    mount_path: str = field(description="The path of the file in the service's file system.")
    content: str = field(
        description="The content, with references resolved if interpolation is enabled."
    )


@strawberry.type(description="One environment variable as a service gets it.")
class RuntimeSecret:
    __repr__ = starred

    key: Key
    value: str = field(description="The value; for a file, its path.")
    file: RuntimeFile | None = field(
        description="The file; set for a FILE and for an alias of a FILE."
    )

    @classmethod
    def of(cls, delivered: DomainRuntimeSecret) -> Self:
        file = delivered.file
        return cls(
            key=delivered.key,
            value=delivered.value,
            file=RuntimeFile(mount_path=file.mount_path, content=file.content) if file else None,
        )


def is_alone(operation: OperationDefinitionNode) -> bool:
    """Return whether a delivery is certainly the only root field that reads data."""
    selections = operation.selection_set.selections
    names = [selection.name.value for selection in selections if isinstance(selection, FieldNode)]
    return len(names) == len(selections) and len(names) - names.count("__typename") == 1


Delivered = list[RuntimeSecret] | AsyncIterator[RuntimeSecret]


def wrapped_delivery(delivered: Sequence[DomainRuntimeSecret]) -> Delivered:
    """Wrap a delivery: a short one as a list, a long one as an iterator that yields to the loop."""
    wrapped = [RuntimeSecret.of(secret) for secret in delivered]
    return wrapped if len(wrapped) <= ENTRIES_AT_ONCE else _in_steps(wrapped)


async def _in_steps(secrets: Sequence[RuntimeSecret]) -> AsyncIterator[RuntimeSecret]:
    for number, secret in enumerate(secrets, 1):
        yield secret
        if number % ENTRIES_AT_ONCE == 0:
            await asyncio.sleep(0)
