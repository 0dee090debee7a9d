"""Business outcomes as types that a form can show."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Self

import strawberry

from gateway.domain import errors as domain
from gateway.domain import refusals
from gateway.domain.holders import Holder
from gateway.domain.quotas import QuotaExceeded
from schema.enums import APIVariableScopeEnum, APIVariableTypeEnum, MutationErrorCode
from schema.secrets import Secret, SecretAlias

Path = list[str] | None


@strawberry.interface(
    description=(
        "Why a mutation did nothing. A client that selects only these three fields handles every "
        "error there will ever be."
    )
)
class MutationError:
    code: MutationErrorCode
    message: str = strawberry.field(description="For people; may change.")
    path: list[str] | None = strawberry.field(
        description='Which argument, e.g. ["input", "key"]: for a form.'
    )

    @classmethod
    def of(cls, error: domain.BusinessError, path: Path, **facts: Any) -> Self:  # noqa: ANN401
        """Tell the error, with the facts that a type adds."""
        code = MutationErrorCode[error.code.name]
        return cls(code=code, message=error.message, path=path, **facts)


@strawberry.type(description="An argument breaks a rule that needs no look at what is stored.")
class InputError(MutationError):
    """An argument breaks a rule."""


@strawberry.type(description="Nothing with that id can be seen, whether or not it is there.")
class NotFoundError(MutationError):
    missing_id: strawberry.ID


@strawberry.type(description="Something that is stored stands in the way.")
class ConflictError(MutationError):
    """Something that is stored stands in the way."""


@strawberry.type(description="The key is taken along the chain.")
class SecretKeyConflictError(MutationError):
    existing: Secret | None = strawberry.field(description="Null where the viewer may not read it.")
    key: str = strawberry.field(description="The key that is taken, as it was sent.")
    organization_id: strawberry.ID = strawberry.field(
        description="The organization of the holder that the key was for."
    )
    project_id: strawberry.ID = strawberry.field(
        description="The project of the holder that the key was for."
    )
    environment_id: strawberry.ID | None = strawberry.field(
        description="The environment of the holder that the key was for; null for a project."
    )
    service_id: strawberry.ID | None = strawberry.field(
        description="The holder that the key was for, if it is a service."
    )


@strawberry.type(description="The secret was changed since the expected version.")
class VersionConflictError(MutationError):
    expected_version: int
    actual_version: int


@strawberry.type(description="More would go with the holder than was asked for.")
class HolderNotEmptyError(MutationError):
    holder_count: int = strawberry.field(description="How many holders are below it.")
    secret_count: int = strawberry.field(description="How many secrets they all have.")


@strawberry.type(description="Other secrets refer to the secret that was to be deleted.")
class SecretInUseError(MutationError):
    dependents: list[Secret] = strawberry.field(
        description=(
            "The first 100 secrets that refer to it, by scope; `Secret.dependents` has all of them."
        )
    )


@strawberry.type(description="There are as many as the gateway's operator allows.")
class QuotaExceededError(MutationError):
    maximum: int = strawberry.field(description="How many there can be.")


@strawberry.type(description="Some service would see more than one delivery can have.")
class DeliveryLimitError(MutationError):
    holder_id: strawberry.ID | None = strawberry.field(
        description="The service; where there is none yet, the environment or project it would be "
        "in. Null where the viewer cannot see it."
    )


@strawberry.type(description="Two files cannot be at their mount paths together.")
class MountPathConflictError(MutationError):
    existing: Secret | None = strawberry.field(description="Null where the viewer may not read it.")


@strawberry.type(description="A reference would point at a scope where it may not.")
class ScopeViolationError(MutationError):
    source_scope: APIVariableScopeEnum = strawberry.field(
        description="Where the reference was to be made."
    )
    target_scope: APIVariableScopeEnum = strawberry.field(description="Where its target lives.")


@strawberry.type(description="The target of a new alias is an alias itself.")
class AliasOfAliasError(MutationError):
    aliased_secret: SecretAlias | None = strawberry.field(description="Alias this one instead.")


@strawberry.type(description="The target of a new override has no value that could be replaced.")
class NotOverridableError(MutationError):
    variable_type: APIVariableTypeEnum


@strawberry.type(description="References to a renamed secret cannot all follow it.")
class ReferencesNotUpdatedError(MutationError):
    secrets: list[Secret] = strawberry.field(
        description="The secrets whose values cannot follow, as far as the viewer may read them."
    )
    hidden_count: int = strawberry.field(description="How many others there are.")


@strawberry.type(description="The secret is the platform's: it cannot be edited or deleted here.")
class ReadOnlyError(MutationError):
    scope: APIVariableScopeEnum


def _key_conflict(error: refusals.KeyConflict, path: Path) -> MutationError:
    existing = Secret.of(error.existing) if error.existing else None
    return SecretKeyConflictError.of(
        error, path, existing=existing, key=error.key, **_ids_of(error.holder)
    )


def _override_conflict(error: refusals.OverrideConflict, path: Path) -> MutationError:
    existing = Secret.of(error.existing)
    return SecretKeyConflictError.of(
        error, path, existing=existing, key=error.key, **_ids_of(error.holder)
    )


def _ids_of(holder: Holder) -> Mapping[str, strawberry.ID | None]:
    return {
        "organization_id": strawberry.ID(holder.organization_id),
        "project_id": strawberry.ID(holder.project_id),
        "environment_id": strawberry.ID(holder.environment_id) if holder.environment_id else None,
        "service_id": strawberry.ID(holder.id) if holder.kind.is_service else None,
    }


def _version_conflict(error: refusals.VersionConflict, path: Path) -> MutationError:
    return VersionConflictError.of(
        error, path, expected_version=error.expected, actual_version=error.actual
    )


def _not_empty(error: refusals.HolderNotEmpty, path: Path) -> MutationError:
    return HolderNotEmptyError.of(
        error, path, holder_count=error.holders, secret_count=error.secrets
    )


def _in_use(error: refusals.SecretInUse, path: Path) -> MutationError:
    dependents = [Secret.of(secret) for secret in error.dependents]
    return SecretInUseError.of(error, path, dependents=dependents)


def _quota_exceeded(error: QuotaExceeded, path: Path) -> MutationError:
    return QuotaExceededError.of(error, path, maximum=error.maximum)


def _delivery_limit(error: refusals.DeliveryLimitExceeded, path: Path) -> MutationError:
    holder_id = strawberry.ID(error.at.id) if error.at else None
    return DeliveryLimitError.of(error, path, holder_id=holder_id)


def _mount_path_conflict(error: refusals.MountPathConflict, path: Path) -> MutationError:
    existing = Secret.of(error.existing) if error.existing else None
    return MountPathConflictError.of(error, path, existing=existing)


def _scope_violation(error: refusals.ScopeViolation, path: Path) -> MutationError:
    return ScopeViolationError.of(error, path, source_scope=error.source, target_scope=error.target)


def _alias_of_alias(error: refusals.AliasOfAlias, path: Path) -> MutationError:
    aliased = SecretAlias.of(error.aliased) if error.aliased else None
    return AliasOfAliasError.of(error, path, aliased_secret=aliased)


def _not_overridable(error: refusals.NotOverridable, path: Path) -> MutationError:
    return NotOverridableError.of(error, path, variable_type=error.variable_type)


def _references_not_updated(error: refusals.ReferencesNotUpdated, path: Path) -> MutationError:
    return ReferencesNotUpdatedError.of(
        error,
        path,
        secrets=[Secret.of(secret) for secret in error.secrets],
        hidden_count=error.hidden,
    )


def _read_only(error: refusals.ReadOnly, path: Path) -> MutationError:
    return ReadOnlyError.of(error, path, scope=error.scope)


def _not_found(error: domain.NotFound, path: Path) -> MutationError:
    return NotFoundError.of(error, path, missing_id=strawberry.ID(error.missing_id))


_Builder = Callable[[Any, Path], MutationError]
# Looked up along the class's ancestors, so a new subclass is told at least as its parent.
BUILDERS: Final[Mapping[type[domain.BusinessError], _Builder]] = MappingProxyType(
    {
        # What breaks a rule and adds no fact of its own, such as an expansion that is too long.
        domain.BusinessError: InputError.of,
        domain.InvalidInput: InputError.of,
        domain.NotFound: _not_found,
        domain.Conflict: ConflictError.of,
        refusals.KeyConflict: _key_conflict,
        refusals.OverrideConflict: _override_conflict,
        refusals.VersionConflict: _version_conflict,
        refusals.HolderNotEmpty: _not_empty,
        refusals.SecretInUse: _in_use,
        QuotaExceeded: _quota_exceeded,
        refusals.DeliveryLimitExceeded: _delivery_limit,
        refusals.MountPathConflict: _mount_path_conflict,
        refusals.ScopeViolation: _scope_violation,
        refusals.AliasOfAlias: _alias_of_alias,
        refusals.NotOverridable: _not_overridable,
        refusals.ReferencesNotUpdated: _references_not_updated,
        refusals.ReadOnly: _read_only,
    },
)
ERROR_TYPES: Final = (
    InputError,
    NotFoundError,
    ConflictError,
    SecretKeyConflictError,
    VersionConflictError,
    HolderNotEmptyError,
    SecretInUseError,
    QuotaExceededError,
    DeliveryLimitError,
    MountPathConflictError,
    ScopeViolationError,
    AliasOfAliasError,
    NotOverridableError,
    ReferencesNotUpdatedError,
    ReadOnlyError,
)


def typed_error(error: domain.BusinessError, path: Path) -> MutationError:
    """Wrap an outcome of the domain in its type."""
    return next(BUILDERS[kind](error, path) for kind in type(error).__mro__ if kind in BUILDERS)
