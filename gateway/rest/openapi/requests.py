"""The bodies, query parameters and headers of REST requests.

They describe what the gateway reads; it does not parse requests with them. Tests compare both.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from gateway.domain.scopes import Scope
from gateway.http.requests import ORGANIZATION_HEADER
from gateway.rest.bindings import IDEMPOTENCY_HEADER
from gateway.rest.openapi.fields import (
    OMITTED,
    APIVariableScopeEnum,
    Description,
    EntityTags,
    HolderId,
    HolderScope,
    Id,
    IdempotencyKey,
    Interpolation,
    Model,
    MountPath,
    NewValue,
    OptionalValue,
    SecretKey,
    SecretValue,
    example,
)
from gateway.rest.operation import IF_MATCH, IF_NONE_MATCH
from gateway.services.imports import MAX_ROWS

_HOLDER_ID: Final = "7d1e2c54-6a8f-4c0b-9e35-1f0a2b3c4d5e"
_NEW: Final = {"key": "DATABASE_URL", "value": "postgres://db.internal/orders"}
_NoAccess = Annotated[
    None, Field(description="The gateway has no secret manager access yet, so any id is refused.")
]
_QueriedScope = Annotated[HolderScope, Field(json_schema_extra={"example": Scope.JOB})]


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
    is_secret: Literal[True] = Field(
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


class VariableImportRow(Model):
    """One secret to import. A row with an invalid key or value fails alone."""

    name: str = Field(description="The key.")
    value: str = Field(description="The value, at most 64 KiB of UTF-8. It is encrypted at once.")
    scope: APIVariableScopeEnum = Field(
        description="The scope to import the secret to, in the holder's chain."
    )
    is_secret: bool = Field(description="A row with `false` fails alone.")


class VariableImportRequest(Model):
    """The secrets to import in one step."""

    model_config = example(
        overwrite=True,
        vars=[{"name": _NEW["key"], "value": _NEW["value"], "scope": Scope.JOB, "is_secret": True}],
    )

    overwrite: bool = Field(
        description="Whether a key that its scope already has is updated (true) or skipped (false)."
    )
    vars: list[VariableImportRow] = Field(max_length=MAX_ROWS)


class ListQuery(Model):
    """The query parameters of the list of variables."""

    parent_id: HolderId
    scope: _QueriedScope
    is_secret: bool = Field(
        default=OMITTED,
        description="Set `false` to list only external secrets, or `true` to list all others.",
    )


class ImportQuery(Model):
    """The query parameters of the import."""

    service_id: HolderId
    service_type: _QueriedScope


class Headers(Model):
    """The headers that operations can accept, besides the credential."""

    organization_id: Id = Field(
        default=OMITTED,
        alias=ORGANIZATION_HEADER,
        description="The organization of the request. A user of several organizations must name "
        "one; an API token belongs to only one.",
    )
    idempotency_key: IdempotencyKey = Field(
        default=OMITTED,
        alias=IDEMPOTENCY_HEADER,
        description="A key that the client chooses for this request. The same request with the "
        "same key within 24 hours takes effect once and gets the same answer. A different request "
        "with that key is refused with 409. Refusals are not stored.",
    )
    if_match: EntityTags = Field(
        default=OMITTED,
        alias=IF_MATCH,
        description="Entity tags, or `*` for any. If none of them is the current `ETag`, nothing "
        "is written and the answer is 412. A weak tag never matches, and a list's tag never "
        "matches a secret.",
    )
    if_none_match: EntityTags = Field(
        default=OMITTED,
        alias=IF_NONE_MATCH,
        description="Entity tags of the client's copies, or `*` for any. If one of them is the "
        "current `ETag`, the answer is 304 without a body.",
    )
