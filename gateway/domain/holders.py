"""Organizations, the holders of secrets, and ids."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from uuid import uuid4

from gateway.domain.scopes import Scope

_CANONICAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_canonical_id(text: str) -> bool:
    """Return whether the text is a lower-case UUID in 8-4-4-4-12 form.

    `uuid.UUID` also accepts braces, `urn:`, missing dashes and full-width digits. Two spellings of
    one id would give one object two cache keys and two ids in the audit log.
    """
    return _CANONICAL.fullmatch(text) is not None


def new_id() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The tenant. Two organizations share nothing."""

    id: str
    name: str


class Relation(Enum):
    IN_CHAIN = auto()
    BELOW = auto()
    APART = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A project, an environment or a service.

    It has the ids of the holders above it, so its chain needs no further query.
    """

    id: str
    kind: Scope
    name: str
    organization_id: str
    project_id: str
    environment_id: str | None

    @property
    def chain_ids(self) -> tuple[str, ...]:
        """The ids of the chain, narrowest first: itself, its environment, its project."""
        return tuple(dict.fromkeys(filter(None, (self.id, self.environment_id, self.project_id))))

    @property
    def parent_id(self) -> str | None:
        """The id of the holder directly above; None for a project."""
        return next(iter(self.chain_ids[1:]), None)

    def relation_of(self, other: "Holder") -> Relation:
        """Return whether the other is in this one's chain (itself included), below it, or apart."""
        if other.id in self.chain_ids:
            return Relation.IN_CHAIN
        if self.id in other.chain_ids:
            return Relation.BELOW
        return Relation.APART


def below(
    parent: Holder | None, *, kind: Scope, name: str, holder_id: str, organization_id: str
) -> Holder:
    """Return a new holder below a parent; for None, a project."""
    environment_id = parent.environment_id if parent else None
    return Holder(
        id=holder_id,
        kind=kind,
        name=name,
        organization_id=organization_id,
        project_id=parent.project_id if parent else holder_id,
        environment_id=holder_id if kind is Scope.ENVIRONMENT else environment_id,
    )
