"""The schemas of REST responses: rows, lists, imports, problems, and their enums."""

from typing import Final

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import LEGACY_SCOPES, Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.rest.openapi import shapes
from gateway.rest.openapi.shapes import Fields, about, array_of, nullable, one_of, record, reference
from gateway.rest.wire import EXTERNAL_TYPES, NEWER_SERVICE_TYPES

PROBLEM: Final = "Problem"
SCOPE: Final = reference("APIVariableScopeEnum")

_FACTS: Final[Fields] = {
    "id": about(shapes.ID, "The id of the secret. It never changes."),
    "key": about(shapes.TEXT, "Case-sensitive."),
    "scope": about(SCOPE, "The scope that the secret belongs to."),
    "description": about(shapes.TEXT, "The description; empty if there is none."),
    "variable_type": about(reference("APIVariableTypeEnum"), "The kind of secret."),
}
# The legacy paths show neither external secrets nor newer kinds of service.
_LEGACY_FACTS: Final[Fields] = {
    **_FACTS,
    "scope": about(reference("SecretScopeEnum"), "The scope that the secret belongs to."),
    "variable_type": about(reference("SecretTypeEnum"), "The kind of secret."),
}
_OWN: Final[Fields] = {
    "owned_by": about(shapes.TEXT, "The owner: the platform, or an external secret manager."),
    "created_at": about(shapes.MOMENT, "When it was created."),
    "updated_at": about(shapes.MOMENT, "When it was last changed."),
}
_SERVICE: Final[Fields] = {
    "service_id": about(
        shapes.ID,
        (
            "The service that the secret belongs to, or that a built-in secret comes from; omitted "
            "otherwise."
        ),
    ),
    "service_name": about(shapes.TEXT, "The name of the service."),
    "service_type": about(reference("LinkedServiceTypeEnum"), "The kind of the service."),
}
_LEGACY_SERVICE: Final[Fields] = {
    **_SERVICE,
    "service_type": about(
        reference("SecretServiceTypeEnum"),
        "The kind of the service; omitted for a kind that only `/variable` knows.",
    ),
}
_MOUNT_PATH: Final[Fields] = {
    "mount_path": about(shapes.TEXT, "The mount path of a file; empty otherwise."),
}
_REFERENCE: Final[Fields] = {**_FACTS, **_MOUNT_PATH}
_LEGACY_REFERENCE: Final[Fields] = {**_LEGACY_FACTS, **_MOUNT_PATH}
_NO_VALUE: Final[Fields] = {
    "value": about(shapes.ALWAYS_NULL, "Always null: values can be written but not read.")
}
_ALIASED: Final = "The target of the alias; omitted unless the secret is an alias."
_OVERRIDDEN: Final = "The target of the override; omitted unless the secret is an override."

# The row in the examples of responses: an alias of a job.
_EXAMPLE_FACTS: Final = {
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
_EXAMPLE_TARGET: Final = {
    "id": "1f6d0c3e-27ab-4d58-8e94-c0b5a7f9e612",
    "key": "QOVERY_POSTGRESQL_Z1_PASSWORD",
    "scope": Scope.BUILT_IN,
    "description": "",
    "variable_type": SecretType.BUILT_IN,
    "mount_path": "",
}
_EXAMPLE_SECRET: Final = {**_EXAMPLE_FACTS, "aliased_secret": _EXAMPLE_TARGET}
_EXAMPLE_VARIABLE: Final = {
    **_EXAMPLE_FACTS,
    "value": None,
    "is_secret": True,
    "mount_path": None,
    "aliased_variable": {**_EXAMPLE_TARGET, "value": None},
}

ROWS_AND_LISTS: Final[Fields] = {
    "Secret": record(
        "A secret without its value: values can be written but not read.",
        {**_LEGACY_FACTS, **_OWN},
        {
            **shapes.INTERPOLATION,
            **_LEGACY_SERVICE,
            "aliased_secret": about(reference("SecretAlias"), _ALIASED),
            "overridden_secret": about(reference("SecretOverride"), _OVERRIDDEN),
        },
        example=_EXAMPLE_SECRET,
    ),
    "SecretAlias": record("The target of an alias.", _LEGACY_REFERENCE, shapes.INTERPOLATION),
    "SecretOverride": record("The target of an override.", _LEGACY_REFERENCE, shapes.INTERPOLATION),
    "SecretResponseList": record(
        (
            "All secrets visible from one holder, except external secrets and their aliases and "
            "overrides."
        ),
        {"results": array_of(reference("Secret"))},
        example={"results": [_EXAMPLE_SECRET]},
    ),
    "VariableResponse": record(
        "A secret as a variable; its value is always null.",
        {
            **_FACTS,
            **_OWN,
            **_NO_VALUE,
            "is_secret": about(shapes.BOOLEAN, "False for an external secret."),
            "mount_path": about(nullable(shapes.TEXT), "The mount path of a file; null otherwise."),
        },
        {
            **shapes.INTERPOLATION,
            **_SERVICE,
            "aliased_variable": about(reference("VariableAlias"), _ALIASED),
            "overridden_variable": about(reference("VariableOverride"), _OVERRIDDEN),
        },
        example=_EXAMPLE_VARIABLE,
    ),
    "VariableAlias": record(
        "The target of an alias.", {**_REFERENCE, **_NO_VALUE}, shapes.INTERPOLATION
    ),
    "VariableOverride": record(
        "The target of an override.", {**_REFERENCE, **_NO_VALUE}, shapes.INTERPOLATION
    ),
    "VariableResponseList": record(
        "All secrets visible from one holder.",
        {"results": array_of(reference("VariableResponse"))},
        example={"results": [_EXAMPLE_VARIABLE]},
    ),
    "VariableImport": record(
        "The result of an import.",
        {
            "total_variables_to_import": about(
                {"type": "integer", "minimum": 0}, "The number of rows sent."
            ),
            "successful_imported_variables": about(
                array_of(reference("ImportedVariable")),
                "The written rows, without the rows that were skipped or failed.",
            ),
        },
        example={
            "total_variables_to_import": 2,
            "successful_imported_variables": [
                {"name": "DATABASE_URL", "scope": Scope.JOB, "is_secret": True}
            ],
        },
    ),
    "ImportedVariable": record(
        "A row that was written.",
        {
            "name": about(shapes.TEXT, "The key."),
            "scope": about(SCOPE, "The scope that the secret belongs to."),
            "is_secret": shapes.ALWAYS_TRUE,
        },
    ),
}

REFUSALS: Final[Fields] = {
    PROBLEM: record(
        "Why a request was refused (RFC 9457). It names ids and scopes, never a value.",
        {
            "type": about({"type": "string", "format": "uri"}, "A URN that ends with the code."),
            "title": about(shapes.TEXT, "The status, in words."),
            "status": about(
                {"type": "integer", "minimum": 400, "maximum": 599}, ("The HTTP status code.")
            ),
            "detail": about(shapes.TEXT, "A text for people. It can change."),
            "instance": about(shapes.TEXT, "The requested path."),
            "code": about(reference("ErrorCodeEnum"), "The code for programs. It never changes."),
            "error": about(shapes.TEXT, "The same as `title`."),
            "message": about(shapes.TEXT, "The same as `detail`."),
            "path": about(shapes.TEXT, "The same as `instance`."),
            "timestamp": about(shapes.MOMENT, "When the request was refused."),
        },
        {
            "existing_variable": about(
                reference("ExistingVariable"),
                "Set with 409 if the key is taken.",
            ),
        },
    ),
    "ExistingVariable": record(
        (
            "The secret that has the key. If you cannot see it, `id` and `scope` are omitted, and "
            "the other ids are those of the holder in the request."
        ),
        {
            "key": about(shapes.TEXT, "The taken key."),
            "organization_id": shapes.ID,
            "project_id": shapes.ID,
            "environment_id": about(nullable(shapes.ID), "Null for a secret of a project."),
            "service_id": about(
                nullable(shapes.ID), ("Null for a secret of a project or an environment.")
            ),
        },
        {
            "id": about(shapes.ID, "Omitted if you cannot see the secret."),
            "scope": about(SCOPE, "The scope; omitted if you cannot see the secret."),
        },
    ),
}

ENUMS: Final[Fields] = {
    "APIVariableScopeEnum": one_of(
        Scope,
        (
            "The scope that a secret belongs to, widest first. All kinds of service are equally "
            "narrow."
        ),
    ),
    "APIVariableTypeEnum": one_of(SecretType, "The kind of a secret."),
    "SecretScopeEnum": one_of(
        (Scope.BUILT_IN, *LEGACY_SCOPES),
        ("The scope that a secret of these paths belongs to, widest first."),
    ),
    "SecretTypeEnum": one_of(
        (item for item in SecretType if item not in EXTERNAL_TYPES),
        "The kind of a secret of these paths.",
    ),
    "SecretServiceTypeEnum": one_of(
        (item for item in ServiceType if item not in NEWER_SERVICE_TYPES),
        "A kind of service that a secret of these paths belongs to or comes from.",
    ),
    "LinkedServiceTypeEnum": one_of(
        ServiceType, "A kind of service that a secret belongs to or comes from."
    ),
    "ErrorCodeEnum": one_of(ErrorCode, "The error codes. Each keeps its meaning."),
}

ANSWERS: Final[Fields] = {**ROWS_AND_LISTS, **REFUSALS, **ENUMS}
