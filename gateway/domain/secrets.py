"""Secrets without their values."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope, ServiceType

DEFAULT_OWNER: Final = "QOVERY"
# The resolution of stored times.
_TICK: Final = timedelta(microseconds=1)


class SecretType(StrEnum):
    VALUE = "VALUE"
    ALIAS = "ALIAS"
    OVERRIDE = "OVERRIDE"
    BUILT_IN = "BUILT_IN"
    FILE = "FILE"
    EXTERNAL_SECRET = "EXTERNAL_SECRET"  # noqa: S105 - the name of a type

    @property
    def list_order(self) -> int:
        """The position inside its scope's part of a list: a target before what refers to it."""
        return _LIST_ORDER.get(self, 0)


# The target of an alias can be an override of the same scope, so aliases come last.
_LIST_ORDER: Final[Mapping[SecretType, int]] = {SecretType.OVERRIDE: 1, SecretType.ALIAS: 2}
_PROVIDED: Final = frozenset({SecretType.BUILT_IN, SecretType.EXTERNAL_SECRET})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReference:
    id: str
    name: str
    type: ServiceType


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFacts:
    """The fields of a secret that are shown through a reference to it."""

    id: str
    key: str
    mount_path: str | None
    scope: Scope
    variable_type: SecretType
    description: str | None
    enable_interpolation_in_file: bool | None

    @property
    def is_alias(self) -> bool:
        """Whether it gives another secret a key of its own."""
        return self.variable_type is SecretType.ALIAS

    @property
    def is_override(self) -> bool:
        """Whether it replaces the value of a secret of a higher scope."""
        return self.variable_type is SecretType.OVERRIDE

    @property
    def is_provided(self) -> bool:
        """Whether its value comes from the platform or an external manager, not from callers."""
        return self.variable_type in _PROVIDED

    @property
    def is_built_in(self) -> bool:
        return self.scope is Scope.BUILT_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret(SecretFacts):
    """One secret without its value. A built-in secret has the holder that sees it."""

    holder: Holder
    service: ServiceReference | None
    target: SecretFacts | None
    owned_by: str
    version: int
    created_at: datetime
    updated_at: datetime
    # The target's holder. If it is None, only a principal that sees everything sees the target.
    target_holder_id: str | None = None
    # The target's version; None where there is no target.
    target_version: int | None = None

    @property
    def mount_path_of_file(self) -> str | None:
        """The mount path of its file; an override or alias of a file has its target's path."""
        return self.mount_path or (self.target.mount_path if self.target else None)

    @property
    def is_expanded(self) -> bool:
        """Whether references in its file are expanded; an override follows its target."""
        own, target = self.enable_interpolation_in_file, self.target
        return bool(target and target.enable_interpolation_in_file if own is None else own)

    @property
    def nearness(self) -> int:
        """Its rank among secrets with the same key: the highest one wins."""
        return list_rank(self.scope, self.variable_type)

    def next_time(self, now: datetime) -> datetime:
        """Return the time of its next version: now, but always later than its present version."""
        return later_than(self.updated_at, now)

    @property
    def facts(self) -> SecretFacts:
        return SecretFacts(
            **{field.name: getattr(self, field.name) for field in fields(SecretFacts)}
        )


def later_than(before: datetime, now: datetime) -> datetime:
    """Return a time after `before`: now, unless the clock went back."""
    return max(now, before + _TICK)


def service_at(holder: Holder) -> ServiceReference | None:
    """Return the holder as a service; None for a project or an environment."""
    if not holder.kind.is_service:
        return None
    return ServiceReference(id=holder.id, name=holder.name, type=ServiceType(holder.kind))


def list_rank(scope: Scope, variable_type: SecretType) -> int:
    """Return the position in a list of visible secrets: by scope, targets first."""
    return scope.rank * len(SecretType) + variable_type.list_order
