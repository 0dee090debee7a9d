"""Business errors as GraphQL types that a form can show."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import strawberry
from strawberry import ID, field

from gateway.domain import errors as domain
from gateway.domain import refusals
from gateway.domain.holders import Holder
from gateway.domain.quotas import QuotaExceeded
from schema.enums import APIVariableScopeEnum, APIVariableTypeEnum, MutationErrorCode
from schema.fields import BelongsTo
from schema.secrets import Secret, SecretAlias

Path = list[str] | None


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

    @classmethod
    def of(cls, error: domain.BusinessError, path: Path, **facts: Any) -> Self:  # noqa: ANN401
        """Convert a domain error; `facts` are the fields that the type adds."""
        code = MutationErrorCode[error.code.name]
        return cls(code=code, message=error.message, path=path, **facts)


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


def _ids_of(holder: Holder) -> Mapping[str, ID | None]:
    return {
        "organization_id": ID(holder.organization_id),
        "project_id": ID(holder.project_id),
        "environment_id": ID(holder.environment_id) if holder.environment_id else None,
        "service_id": ID(holder.id) if holder.kind.is_service else None,
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
    holder_id = ID(error.at.id) if error.at else None
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
    return NotFoundError.of(error, path, missing_id=ID(error.missing_id))


_Builder = Callable[[Any, Path], MutationError]
# Looked up along the class's ancestors, so a new subclass is reported at least as its parent.
BUILDERS: Final[Mapping[type[domain.BusinessError], _Builder]] = MappingProxyType(
    {
        # A broken rule without facts of its own, such as an expansion that is too long.
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
    """Convert a domain error to its GraphQL type."""
    return next(BUILDERS[kind](error, path) for kind in type(error).__mro__ if kind in BUILDERS)
