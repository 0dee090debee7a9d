"""The bodies of REST responses.

They describe what the gateway sends; it does not build responses with them. Tests compare both.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic.config import JsonDict

from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.rest.openapi.fields import (
    OMITTED,
    APIVariableScopeEnum,
    APIVariableTypeEnum,
    ErrorCodeEnum,
    Id,
    Interpolation,
    LinkedServiceTypeEnum,
    Model,
    SecretScopeEnum,
    SecretServiceTypeEnum,
    SecretTypeEnum,
    example,
)

_SecretScope = Annotated[
    APIVariableScopeEnum, Field(description="The scope that the secret belongs to.")
]
_LegacyScope = Annotated[
    SecretScopeEnum, Field(description="The scope that the secret belongs to.")
]
_LegacyType = Annotated[SecretTypeEnum, Field(description="The kind of secret.")]
_NoValue = Annotated[None, Field(description="Always null: values can be written but not read.")]
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


class _Summary(Model):
    id: Id = Field(description="The id of the secret. It never changes.")
    key: str = Field(description="Case-sensitive.")
    scope: _SecretScope
    description: str = Field(description="The description; empty if there is none.")
    variable_type: APIVariableTypeEnum = Field(description="The kind of secret.")
    enable_interpolation_in_file: Interpolation = OMITTED


class _Target(_Summary):
    mount_path: str = Field(description="The mount path of a file; empty otherwise.")


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
    is_secret: bool = Field(description="False for an external secret.")
    mount_path: str | None = Field(description="The mount path of a file; null otherwise.")
    aliased_variable: VariableAlias = Field(default=OMITTED, description=_ALIASED)
    overridden_variable: VariableOverride = Field(default=OMITTED, description=_OVERRIDDEN)


class VariableResponseList(Model):
    """All secrets visible from one holder."""

    model_config = example(results=[_VARIABLE])

    results: list[VariableResponse]


class ImportedVariable(Model):
    """A row that was written."""

    name: str = Field(description="The key.")
    scope: _SecretScope
    is_secret: Literal[True]


class VariableImport(Model):
    """The result of an import."""

    model_config = example(
        total_variables_to_import=2,
        successful_imported_variables=[
            {"name": "DATABASE_URL", "scope": Scope.JOB, "is_secret": True}
        ],
    )

    total_variables_to_import: int = Field(ge=0, description="The number of rows sent.")
    successful_imported_variables: list[ImportedVariable] = Field(
        description="The written rows, without the rows that were skipped or failed."
    )


class ExistingVariable(Model):
    """The secret that has the key.

    If you cannot see it, `id` and `scope` are omitted, and the other ids are those of the holder
    in the request.
    """

    key: str = Field(description="The taken key.")
    organization_id: Id
    project_id: Id
    environment_id: Id | None = Field(description="Null for a secret of a project.")
    service_id: Id | None = Field(description="Null for a secret of a project or an environment.")
    id: Id = Field(default=OMITTED, description="Omitted if you cannot see the secret.")
    scope: APIVariableScopeEnum = Field(
        default=OMITTED, description="The scope; omitted if you cannot see the secret."
    )


class Problem(Model):
    """Why a request was refused (RFC 9457). It names ids and scopes, never a value."""

    type: str = Field(
        description="A URN that ends with the code.", json_schema_extra={"format": "uri"}
    )
    title: str = Field(description="The status, in words.")
    status: int = Field(ge=400, le=599, description="The HTTP status code.")
    detail: str = Field(description="A text for people. It can change.")
    instance: str = Field(description="The requested path.")
    code: ErrorCodeEnum = Field(description="The code for programs. It never changes.")
    error: str = Field(description="The same as `title`.")
    message: str = Field(description="The same as `detail`.")
    path: str = Field(description="The same as `instance`.")
    timestamp: datetime = Field(description="When the request was refused.")
    existing_variable: ExistingVariable = Field(
        default=OMITTED, description="Set with 409 if the key is taken."
    )
