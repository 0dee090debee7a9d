"""The delivery door's types: the only ones that carry a value, and reachable from no other type."""

from typing import Self

import strawberry

from gateway.domain.sealed import starred
from gateway.services.delivery import RuntimeSecret as DomainRuntimeSecret


@strawberry.type(description="A file that a service gets.")
class RuntimeFile:
    """A file that a service gets."""

    __repr__ = starred

    mount_path: str
    content: str


@strawberry.type(description="One environment variable as a service gets it.")
class RuntimeSecret:
    """One environment variable as a service gets it."""

    __repr__ = starred

    key: str
    value: str = strawberry.field(description="For a file, where it is.")
    file: RuntimeFile | None

    @classmethod
    def of(cls, delivered: DomainRuntimeSecret) -> Self:
        """Hand over what is delivered."""
        file = delivered.file
        return cls(
            key=delivered.key,
            value=delivered.value,
            file=RuntimeFile(mount_path=file.mount_path, content=file.content) if file else None,
        )
