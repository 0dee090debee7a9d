"""The bodies of imports and deliveries, with their query parameters, and of refusals."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, RootModel

from gateway.domain.content import MAX_KEY_LENGTH
from gateway.domain.delivery_formats import DeliveryFormat
from gateway.domain.interpolation import OnUnresolved
from gateway.domain.scopes import Scope
from gateway.rest.delivery import Include
from gateway.rest.openapi.fields import (
    NOT_IN_DOCUMENT,
    OMITTED,
    APIVariableScopeEnum,
    ErrorCodeEnum,
    HolderId,
    Id,
    Model,
    QueriedScope,
    SecretScope,
    example,
)
from gateway.services.imports import MAX_ROWS


class ImportQuery(Model):
    """The query parameters of the import."""

    service_id: HolderId
    service_type: QueriedScope


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
        vars=[
            {
                "name": "DATABASE_URL",
                "value": "postgres://db.internal/orders",
                "scope": Scope.JOB,
                "is_secret": True,
            }
        ],
    )

    overwrite: bool = Field(
        description="Whether a key that its scope already has is updated (true) or skipped (false)."
    )
    vars: Annotated[list[VariableImportRow], NOT_IN_DOCUMENT] = Field(max_length=MAX_ROWS)


class ImportedVariable(Model):
    """A row that was written."""

    name: str = Field(description="The key.")
    scope: SecretScope
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

    id: Id = Field(default=OMITTED, description="Omitted if you cannot see the secret.")
    key: str = Field(description="The taken key.")
    scope: APIVariableScopeEnum = Field(
        default=OMITTED, description="The scope; omitted if you cannot see the secret."
    )
    organization_id: Id
    project_id: Id
    environment_id: Id | None = Field(description="Null for a secret of a project.")
    service_id: Id | None = Field(description="Null for a secret of a project or an environment.")


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


def _one_of(names: Iterable[str]) -> Any:  # noqa: ANN401 - what annotates a field
    listed = list(map(str, names))
    return Field(json_schema_extra={"enum": [*listed], "example": listed[0]})


RuntimeKey = Annotated[
    str,
    Field(max_length=MAX_KEY_LENGTH, pattern="^[A-Za-z][A-Za-z0-9_]*$", examples=["PGPASSWORD"]),
]


class RuntimeKeyQuery(Model):
    """The query parameters of the delivery of one value."""

    include: Annotated[str, _one_of(Include)] = Field(
        default=OMITTED,
        description="`files` delivers the contents of files; without it, a file is only its path.",
    )
    on_unresolved: Annotated[str, _one_of(OnUnresolved)] = Field(
        default=OMITTED,
        alias="onUnresolved",
        description="`KEEP` (the default) delivers a reference that leads to no key as text. "
        "`FAIL` refuses the delivery with 409 and names the reference.",
    )


class RuntimeQuery(RuntimeKeyQuery):
    """The query parameters of a delivery."""

    format: Annotated[str, _one_of(DeliveryFormat)] = Field(
        default=OMITTED,
        description="`json` (the default) is one object. `dotenv`, `shell` and `docker` are texts "
        "of assignments. `k8s` is the manifest of a Secret, with `include=files` a second one.",
    )
    keys: str = Field(
        default=OMITTED,
        pattern="^[A-Za-z][A-Za-z0-9_]*(?:,[A-Za-z][A-Za-z0-9_]*){0,99}$",
        description="The keys to deliver, separated by commas; all if omitted. A key that the "
        "service does not have is left out.",
        json_schema_extra={"example": "PGPASSWORD,DATABASE_URL"},
    )


class RuntimeValues(RootModel[dict[str, Annotated[str, Field(description="The value.")]]]):
    """The value of each key; a file's is its path.

    With `include=files`, each path has the content of its file. Keys never begin with `/`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"DATABASE_URL": "postgres://db.internal/orders", "PGPASSWORD": "s3cr3t"}]
        }
    )


class RuntimeText(RootModel[str]):
    """A text: one value, or all of them in a format other than JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": ["s3cr3t"]})
