"""Business errors as GraphQL types that a form can show."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

import strawberry
from strawberry import ID, field

from gateway.domain import errors as domain
from gateway.domain import refusals
from gateway.domain.quotas import QuotaExceeded
from gateway.domain.secrets import Secret as DomainSecret
from schema.enums import APIVariableScopeEnum, APIVariableTypeEnum, MutationErrorCode
from schema.fields import BelongsTo
from schema.secrets import Secret
from schema.targets import SecretAlias

Path = list[str] | None
# The fields that a type adds.
Facts = Mapping[str, Any]


@strawberry.interface(
    description=(
        "Why a mutation wrote nothing. A client that selects only these three fields handles every "
        "present and future error."
    )
)
class MutationError:
    code: MutationErrorCode = field(
        description="The error code, for programs. Codes are never renamed."
    )
    message: str = field(description="A text for people. It can change.")
    path: list[str] | None = field(
        description='The argument at fault, e.g. ["input", "key"], to show the error in a form.'
    )


Errors = Annotated[
    list[MutationError], field(description="Why nothing was written; empty on success.")
]


@strawberry.type(description="An argument is invalid, whatever is stored.")
class InputError(MutationError):
    """An argument breaks a rule."""


@strawberry.type(
    description="No object with that id is visible to you. It is either absent or hidden."
)
class NotFoundError(MutationError):
    missing_id: ID = field(description="The requested id.")


@strawberry.type(description="The request conflicts with stored data.")
class ConflictError(MutationError):
    """The request conflicts with stored data."""


@strawberry.type(description="The holder, or one above or below it, already has the key.")
class SecretKeyConflictError(MutationError):
    existing: Secret | None = field(description="The other secret; null if you cannot read it.")
    key: str = field(description="The taken key, as it was sent.")
    organization_id: ID = field(description="The organization of the holder that the key was for.")
    project_id: ID = field(description="The project of the holder that the key was for.")
    environment_id: ID | None = field(
        description="The environment of the holder that the key was for; null for a project."
    )
    service_id: ID | None = field(
        description="The holder that the key was for, if it is a service."
    )


@strawberry.type(description="The secret was changed since the expected version.")
class VersionConflictError(MutationError):
    expected_version: int = field(description="The version that the request expects.")
    actual_version: int = field(description="The version that the secret has now.")


@strawberry.type(description="The holder has content that the request does not confirm to delete.")
class HolderNotEmptyError(MutationError):
    holder_count: int = field(description="How many holders are below it.")
    secret_count: int = field(description="How many secrets they all have.")


@strawberry.type(description="Other secrets refer to the secret, so it was not deleted.")
class SecretInUseError(MutationError):
    dependents: list[Secret] = field(
        description=(
            "The first 100 secrets that refer to it, by scope; `Secret.dependents` has all of them."
        )
    )


@strawberry.type(description="The quota set by the gateway's operator is used up.")
class QuotaExceededError(MutationError):
    maximum: int = field(description="The maximum.")


@strawberry.type(description="A service would see more than one delivery can contain.")
class DeliveryLimitError(MutationError):
    holder_id: ID | None = field(
        description=(
            "The service, or the environment or project if it has no service yet. Null if you "
            "cannot see it."
        )
    )


@strawberry.type(description="The mount paths of two files conflict.")
class MountPathConflictError(MutationError):
    existing: Secret | None = field(description="The other secret; null if you cannot read it.")


@strawberry.type(description="The scopes of an alias or override and its target do not fit.")
class ScopeViolationError(MutationError):
    source_scope: APIVariableScopeEnum = field(
        description="The scope of the new alias or override."
    )
    target_scope: APIVariableScopeEnum = field(description="The scope of its target.")


@strawberry.type(description="The target of a new alias is an alias itself.")
class AliasOfAliasError(MutationError):
    aliased_secret: SecretAlias | None = field(description="The secret to alias instead.")


@strawberry.type(description="The target of a new override has no value to replace.")
class NotOverridableError(MutationError):
    variable_type: APIVariableTypeEnum = field(description="The type of the target.")


@strawberry.type(description="Some references to a renamed secret cannot be updated.")
class ReferencesNotUpdatedError(MutationError):
    secrets: list[Secret] = field(
        description="The secrets whose values cannot be updated; only those that you can read."
    )
    hidden_count: int = field(description="How many more there are that you cannot read.")


@strawberry.type(
    description="The secret belongs to the platform. It cannot be edited or deleted here."
)
class ReadOnlyError(MutationError):
    scope: BelongsTo


def _key_conflict(error: refusals.KeyConflict | refusals.OverrideConflict) -> Facts:
    holder = error.holder
    return {
        "existing": _shown(error.existing),
        "key": error.key,
        "organization_id": ID(holder.organization_id),
        "project_id": ID(holder.project_id),
        "environment_id": ID(holder.environment_id) if holder.environment_id else None,
        "service_id": ID(holder.id) if holder.kind.is_service else None,
    }


def _version_conflict(error: refusals.VersionConflict) -> Facts:
    return {"expected_version": error.expected, "actual_version": error.actual}


def _not_empty(error: refusals.HolderNotEmpty) -> Facts:
    return {"holder_count": error.holders, "secret_count": error.secrets}


def _in_use(error: refusals.SecretInUse) -> Facts:
    return {"dependents": [Secret.of(secret) for secret in error.dependents]}


def _quota_exceeded(error: QuotaExceeded) -> Facts:
    return {"maximum": error.maximum}


def _delivery_limit(error: refusals.DeliveryLimitExceeded) -> Facts:
    return {"holder_id": ID(error.at.id) if error.at else None}


def _mount_path_conflict(error: refusals.MountPathConflict) -> Facts:
    return {"existing": _shown(error.existing)}


def _scope_violation(error: refusals.ScopeViolation) -> Facts:
    return {"source_scope": error.source, "target_scope": error.target}


def _alias_of_alias(error: refusals.AliasOfAlias) -> Facts:
    return {"aliased_secret": SecretAlias.of(error.aliased) if error.aliased else None}


def _not_overridable(error: refusals.NotOverridable) -> Facts:
    return {"variable_type": error.variable_type}


def _references_not_updated(error: refusals.ReferencesNotUpdated) -> Facts:
    return {"secrets": list(map(Secret.of, error.secrets)), "hidden_count": error.hidden}


def _read_only(error: refusals.ReadOnly) -> Facts:
    return {"scope": error.scope}


def _not_found(error: domain.NotFound) -> Facts:
    return {"missing_id": ID(error.missing_id)}


def _shown(secret: DomainSecret | None) -> Secret | None:
    return Secret.of(secret) if secret else None


_Row = tuple[type[MutationError], Callable[[Any], Facts]]
# Looked up along the class's ancestors, so a new subclass is reported at least as its parent.
BUILDERS: Final[Mapping[type[domain.BusinessError], _Row]] = MappingProxyType(
    {
        # A broken rule without facts of its own, such as an expansion that is too long.
        domain.BusinessError: (InputError, lambda _: {}),
        domain.NotFound: (NotFoundError, _not_found),
        domain.Conflict: (ConflictError, lambda _: {}),
        refusals.KeyConflict: (SecretKeyConflictError, _key_conflict),
        refusals.OverrideConflict: (SecretKeyConflictError, _key_conflict),
        refusals.VersionConflict: (VersionConflictError, _version_conflict),
        refusals.HolderNotEmpty: (HolderNotEmptyError, _not_empty),
        refusals.SecretInUse: (SecretInUseError, _in_use),
        QuotaExceeded: (QuotaExceededError, _quota_exceeded),
        refusals.DeliveryLimitExceeded: (DeliveryLimitError, _delivery_limit),
        refusals.MountPathConflict: (MountPathConflictError, _mount_path_conflict),
        refusals.ScopeViolation: (ScopeViolationError, _scope_violation),
        refusals.AliasOfAlias: (AliasOfAliasError, _alias_of_alias),
        refusals.NotOverridable: (NotOverridableError, _not_overridable),
        refusals.ReferencesNotUpdated: (ReferencesNotUpdatedError, _references_not_updated),
        refusals.ReadOnly: (ReadOnlyError, _read_only),
    }
)
ERROR_TYPES: Final = tuple(dict.fromkeys(kind for kind, _ in BUILDERS.values()))


def typed_error(error: domain.BusinessError, path: Path) -> MutationError:
    """Convert a domain error to its GraphQL type."""
    kind, facts = next(BUILDERS[each] for each in type(error).__mro__ if each in BUILDERS)
    code = MutationErrorCode[error.code.name]
    return kind(code=code, message=error.message, path=path, **facts(error))
