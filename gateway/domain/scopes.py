"""The scopes of secrets, as one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """The scope of a secret, widest first. All service scopes have the same rank."""

    BUILT_IN = "BUILT_IN"
    PROJECT = "PROJECT"
    ENVIRONMENT = "ENVIRONMENT"
    APPLICATION = "APPLICATION"
    CONTAINER = "CONTAINER"
    JOB = "JOB"
    HELM = "HELM"
    TERRAFORM = "TERRAFORM"
    AGENTIC_WORKFLOW = "AGENTIC_WORKFLOW"

    @property
    def rank(self) -> int:
        """0 for the widest scope; every service has the highest."""
        return SCOPES[self].rank

    @property
    def parent(self) -> "Scope | None":
        """The kind of the parent of a holder of this kind; None at the top."""
        return SCOPES[self].parent

    @property
    def is_service(self) -> bool:
        """Whether holders of this kind are services, which receive secrets."""
        return SCOPES[self].parent is Scope.ENVIRONMENT

    @property
    def is_holder(self) -> bool:
        return self is not Scope.BUILT_IN

    @property
    def camel_name(self) -> str:
        """The scope inside an operation's name: `Job` in `createJobSecret`."""
        return "".join(word.capitalize() for word in self.split("_"))

    @property
    def field_name(self) -> str:
        """The scope as a GraphQL field and the first part of an argument: `job`."""
        return self.camel_name[0].lower() + self.camel_name[1:]

    @property
    def label(self) -> str:
        """The scope in a sentence: `job`, `agentic workflow`."""
        return self.lower().replace("_", " ")

    @property
    def phrase(self) -> str:
        """The scope with its article: `a job`, `an application`."""
        return f"{'an' if self.label[0] in 'ae' else 'a'} {self.label}"

    @property
    def id_argument(self) -> str:
        """The argument and path parameter that names a holder of this kind: `jobId`."""
        return f"{self.field_name}Id"

    def is_lower_than(self, other: "Scope") -> bool:
        """Return whether this scope is strictly narrower than the other."""
        return self.rank > other.rank


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    rank: int
    parent: Scope | None = None
    has_legacy_routes: bool = False


SCOPES: Final[Mapping[Scope, ScopeFacts]] = {
    Scope.BUILT_IN: ScopeFacts(rank=0),
    Scope.PROJECT: ScopeFacts(rank=1, has_legacy_routes=True),
    Scope.ENVIRONMENT: ScopeFacts(rank=2, parent=Scope.PROJECT, has_legacy_routes=True),
    Scope.APPLICATION: ScopeFacts(rank=3, parent=Scope.ENVIRONMENT, has_legacy_routes=True),
    Scope.CONTAINER: ScopeFacts(rank=3, parent=Scope.ENVIRONMENT, has_legacy_routes=True),
    Scope.JOB: ScopeFacts(rank=3, parent=Scope.ENVIRONMENT, has_legacy_routes=True),
    Scope.HELM: ScopeFacts(rank=3, parent=Scope.ENVIRONMENT),
    Scope.TERRAFORM: ScopeFacts(rank=3, parent=Scope.ENVIRONMENT),
    Scope.AGENTIC_WORKFLOW: ScopeFacts(rank=3, parent=Scope.ENVIRONMENT),
}

HOLDER_SCOPES: Final = tuple(scope for scope in Scope if scope.is_holder)
SERVICE_SCOPES: Final = tuple(scope for scope in Scope if scope.is_service)
LEGACY_SCOPES: Final = tuple(scope for scope in Scope if SCOPES[scope].has_legacy_routes)


class ServiceType(StrEnum):
    """The kinds of service a secret can be linked to: every service scope, and databases.

    A database holds no secrets of its own; it is the source of built-in ones.
    """

    APPLICATION = "APPLICATION"
    CONTAINER = "CONTAINER"
    DATABASE = "DATABASE"
    JOB = "JOB"
    HELM = "HELM"
    TERRAFORM = "TERRAFORM"
    AGENTIC_WORKFLOW = "AGENTIC_WORKFLOW"
