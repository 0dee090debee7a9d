"""Bodies about secrets: the one declaration of what REST reads and sends, and the query of lists.

The documents of the operations select and pass exactly these fields, in this order; tests compare
every answer with its model. Requests are not parsed with them.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic.config import JsonDict

from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.rest.openapi.fields import (
    NOT_IN_DOCUMENT,
    OMITTED,
    APIVariableTypeEnum,
    Description,
    GraphQLName,
    HolderId,
    HolderScope,
    Id,
    Interpolation,
    LinkedServiceTypeEnum,
    Model,
    MountPath,
    NewValue,
    OptionalValue,
    QueriedScope,
    SecretKey,
    SecretScope,
    SecretScopeEnum,
    SecretServiceTypeEnum,
    SecretTypeEnum,
    SecretValue,
    example,
)

_HOLDER_ID: Final = "7d1e2c54-6a8f-4c0b-9e35-1f0a2b3c4d5e"
_NEW: Final = {"key": "DATABASE_URL", "value": "postgres://db.internal/orders"}
_NoAccess = Annotated[
    None,
    Field(description="The gateway has no secret manager access yet, so any id is refused."),
    NOT_IN_DOCUMENT,
]


class SecretRequest(Model):
    """A new secret."""

    model_config = example(**_NEW, description="The orders database")

    key: SecretKey
    value: OptionalValue | None = None
    mount_path: MountPath | None = None
    description: Description | None = None
    enable_interpolation_in_file: Interpolation | None = None


class SecretEditRequest(Model):
    """New content for a secret."""

    model_config = example(**_NEW)

    key: SecretKey
    value: NewValue | None = None
    description: Description | None = None
    enable_interpolation_in_file: Interpolation | None = None


class Key(Model):
    """A second key for a secret."""

    model_config = example(key="PGPASSWORD")

    key: SecretKey
    description: Description | None = None
    enable_interpolation_in_file: Interpolation | None = None


class Value(Model):
    """Another value for a secret."""

    model_config = example(value="blue")

    value: OptionalValue | None = None
    description: Description | None = None
    enable_interpolation_in_file: Interpolation | None = None


class VariableRequest(SecretRequest):
    """A new secret and its holder."""

    model_config = example(
        **_NEW, is_secret=True, variable_scope=Scope.HELM, variable_parent_id=_HOLDER_ID
    )

    value: SecretValue
    is_secret: Annotated[Literal[True], NOT_IN_DOCUMENT] = Field(
        description="Must be true: the gateway stores secrets, and does not yet accept external "
        "ones."
    )
    variable_scope: HolderScope
    variable_parent_id: HolderId
    secret_manager_access_id: _NoAccess = None


class VariableEditRequest(SecretEditRequest):
    """New content for a secret."""

    secret_manager_access_id: _NoAccess = None


class VariableAliasRequest(Key):
    """A second key for a secret, and the holder of the alias."""

    model_config = example(
        key="PGPASSWORD", alias_scope=Scope.TERRAFORM, alias_parent_id=_HOLDER_ID
    )

    alias_scope: HolderScope
    alias_parent_id: HolderId


class VariableOverrideRequest(Value):
    """Another value for a secret, and the holder of the override."""

    model_config = example(value="blue", override_scope=Scope.JOB, override_parent_id=_HOLDER_ID)

    value: SecretValue
    override_scope: HolderScope
    override_parent_id: HolderId


_LegacyScope = Annotated[
    SecretScope, SecretScopeEnum, Field(description="The scope that the secret belongs to.")
]
_SecretType = Annotated[APIVariableTypeEnum, Field(description="The kind of secret.")]
_LegacyType = Annotated[SecretTypeEnum, Field(description="The kind of secret.")]
_NoValue = Annotated[
    None, Field(description="Always null: values can be written but not read."), NOT_IN_DOCUMENT
]
_ALIASED: Final = "The target of the alias; omitted unless the secret is an alias."
_OVERRIDDEN: Final = "The target of the override; omitted unless the secret is an override."
# The response in the examples: an alias of a job.
_ALIAS: Final[JsonDict] = {
    "id": "8c2f4b1a-93d7-4e05-b6c8-5a1e7f3d2b90",
    "key": "PGPASSWORD",
    "scope": Scope.JOB,
    "description": "",
    "variable_type": SecretType.ALIAS,
    "owned_by": "QOVERY",
    "created_at": "2026-01-15T09:30:00.000000Z",
    "updated_at": "2026-01-15T09:30:00.000000Z",
    "service_id": "7d1e2c54-6a8f-4c0b-9e35-1f0a2b3c4d5e",
    "service_name": "nightly-invoices",
    "service_type": ServiceType.JOB,
}
_TARGET: Final[JsonDict] = {
    "id": "1f6d0c3e-27ab-4d58-8e94-c0b5a7f9e612",
    "key": "QOVERY_POSTGRESQL_Z1_PASSWORD",
    "scope": Scope.BUILT_IN,
    "description": "",
    "variable_type": SecretType.BUILT_IN,
    "mount_path": "",
}
_SECRET: Final[JsonDict] = {**_ALIAS, "aliased_secret": _TARGET}
_VARIABLE: Final[JsonDict] = {
    **_ALIAS,
    "value": None,
    "is_secret": True,
    "mount_path": None,
    "aliased_variable": {**_TARGET, "value": None},
}


# Fields are in the order of the answers.
class _Summary(Model):
    id: Id = Field(description="The id of the secret. It never changes.")
    key: str = Field(description="Case-sensitive.")
    scope: SecretScope
    description: str = Field(description="The description; empty if there is none.")


class _Target(_Summary):
    mount_path: str = Field(description="The mount path of a file; empty otherwise.")
    variable_type: _SecretType
    enable_interpolation_in_file: Interpolation = OMITTED


class _LegacyTarget(_Target):
    scope: _LegacyScope
    variable_type: _LegacyType


class SecretAlias(_LegacyTarget):
    """The target of an alias."""


class SecretOverride(_LegacyTarget):
    """The target of an override."""


class VariableAlias(_Target):
    """The target of an alias."""

    value: _NoValue


class VariableOverride(_Target):
    """The target of an override."""

    value: _NoValue


class _Detail(_Summary):
    variable_type: _SecretType
    enable_interpolation_in_file: Interpolation = OMITTED
    owned_by: str = Field(description="The owner: the platform, or an external secret manager.")
    created_at: datetime = Field(description="When it was created.")
    updated_at: datetime = Field(description="When it was last changed.")
    service_id: Id = Field(
        default=OMITTED,
        description="The service that the secret belongs to, or that a built-in secret comes from; "
        "omitted otherwise.",
    )
    service_name: str = Field(default=OMITTED, description="The name of the service.")
    service_type: LinkedServiceTypeEnum = Field(
        default=OMITTED, description="The kind of the service."
    )


class Secret(_Detail):
    """A secret without its value: values can be written but not read."""

    model_config = example(**_SECRET)

    scope: _LegacyScope
    variable_type: _LegacyType
    service_type: SecretServiceTypeEnum = Field(
        default=OMITTED,
        description="The kind of the service; omitted for a kind that only `/variable` knows.",
    )
    aliased_secret: SecretAlias = Field(default=OMITTED, description=_ALIASED)
    overridden_secret: SecretOverride = Field(default=OMITTED, description=_OVERRIDDEN)


class SecretResponseList(Model):
    """All secrets visible from one holder.

    External secrets and their aliases and overrides are not listed.
    """

    model_config = example(results=[_SECRET])

    results: list[Secret]


class VariableResponse(_Detail):
    """A secret as a variable; its value is always null."""

    model_config = example(**_VARIABLE)

    value: _NoValue
    is_secret: Annotated[bool, NOT_IN_DOCUMENT] = Field(description="False for an external secret.")
    mount_path: str | None = Field(description="The mount path of a file; null otherwise.")
    aliased_variable: Annotated[VariableAlias, GraphQLName("aliasedSecret")] = Field(
        default=OMITTED, description=_ALIASED
    )
    overridden_variable: Annotated[VariableOverride, GraphQLName("overriddenSecret")] = Field(
        default=OMITTED, description=_OVERRIDDEN
    )


class VariableResponseList(Model):
    """All secrets visible from one holder."""

    model_config = example(results=[_VARIABLE])

    results: list[VariableResponse]


class ListQuery(Model):
    """The query parameters of the list of variables."""

    parent_id: HolderId
    scope: QueriedScope
    is_secret: bool = Field(
        default=OMITTED,
        description="Set `false` to list only external secrets, or `true` to list all others.",
    )
