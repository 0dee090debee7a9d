"""What the REST face answers, as schemas: rows, lists, imports, refusals, and their enums."""

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
    "id": about(shapes.ID, "Stays the same, whatever is edited."),
    "key": about(shapes.TEXT, "Case-sensitive."),
    "scope": about(SCOPE, "Where it lives."),
    "description": about(shapes.TEXT, "Empty where there is none."),
    "variable_type": about(reference("APIVariableTypeEnum"), "What kind of secret it is."),
}
# The legacy paths show neither external secrets nor newer kinds of service.
_LEGACY_FACTS: Final[Fields] = {
    **_FACTS,
    "scope": about(reference("SecretScopeEnum"), "Where it lives."),
    "variable_type": about(reference("SecretTypeEnum"), "What kind of secret it is."),
}
_OWN: Final[Fields] = {
    "owned_by": about(shapes.TEXT, "What made it: the platform, or an external secret manager."),
    "created_at": about(shapes.MOMENT, "When it was created."),
    "updated_at": about(shapes.MOMENT, "When it was last changed."),
}
_SERVICE: Final[Fields] = {
    "service_id": about(
        shapes.ID, "The service it belongs to, or that a built-in one comes from; else left out."
    ),
    "service_name": about(shapes.TEXT, "That service's name."),
    "service_type": about(reference("LinkedServiceTypeEnum"), "What kind of service that is."),
}
_LEGACY_SERVICE: Final[Fields] = {
    **_SERVICE,
    "service_type": about(
        reference("SecretServiceTypeEnum"),
        "What kind of service that is; left out for a kind that only `/variable` knows.",
    ),
}
_MOUNT_PATH: Final[Fields] = {
    "mount_path": about(shapes.TEXT, "Where the file is mounted; empty where it is none."),
}
_REFERENCE: Final[Fields] = {**_FACTS, **_MOUNT_PATH}
_LEGACY_REFERENCE: Final[Fields] = {**_LEGACY_FACTS, **_MOUNT_PATH}
_NO_VALUE: Final[Fields] = {
    "value": about(shapes.ALWAYS_NULL, "Always null: a value can be written, never read.")
}
_ALIASED: Final = "What the alias stands for; left out on all that is none."
_OVERRIDDEN: Final = "What the override replaces; left out on all that is none."

# A row as the answers' examples show it: an alias of a job.
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
        "A secret without its value, which can be written, never read.",
        {**_LEGACY_FACTS, **_OWN},
        {
            **shapes.INTERPOLATION,
            **_LEGACY_SERVICE,
            "aliased_secret": about(reference("SecretAlias"), _ALIASED),
            "overridden_secret": about(reference("SecretOverride"), _OVERRIDDEN),
        },
        example=_EXAMPLE_SECRET,
    ),
    "SecretAlias": record(
        "The secret that an alias stands for.", _LEGACY_REFERENCE, shapes.INTERPOLATION
    ),
    "SecretOverride": record(
        "The secret that an override replaces.", _LEGACY_REFERENCE, shapes.INTERPOLATION
    ),
    "SecretResponseList": record(
        "All that is seen from one holder, without external secrets and what refers to them.",
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
            "mount_path": about(nullable(shapes.TEXT), "Null for all but files."),
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
        "The secret that an alias stands for.", {**_REFERENCE, **_NO_VALUE}, shapes.INTERPOLATION
    ),
    "VariableOverride": record(
        "The secret that an override replaces.", {**_REFERENCE, **_NO_VALUE}, shapes.INTERPOLATION
    ),
    "VariableResponseList": record(
        "All that is seen from one holder.",
        {"results": array_of(reference("VariableResponse"))},
        example={"results": [_EXAMPLE_VARIABLE]},
    ),
    "VariableImport": record(
        "What became of an import.",
        {
            "total_variables_to_import": about(
                {"type": "integer", "minimum": 0}, "How many rows were sent."
            ),
            "successful_imported_variables": about(
                array_of(reference("ImportedVariable")),
                "Those that were written; a row that was skipped or failed is not among them.",
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
            "name": about(shapes.TEXT, "Its key."),
            "scope": about(SCOPE, "Where it lives."),
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
            "status": about({"type": "integer", "minimum": 400, "maximum": 599}, "As in HTTP."),
            "detail": about(shapes.TEXT, "For people; may change."),
            "instance": about(shapes.TEXT, "The path that was asked for."),
            "code": about(reference("ErrorCodeEnum"), "For programs; never changes."),
            "error": about(shapes.TEXT, "The same as `title`."),
            "message": about(shapes.TEXT, "The same as `detail`."),
            "path": about(shapes.TEXT, "The same as `instance`."),
            "timestamp": about(shapes.MOMENT, "When it was refused."),
        },
        {
            "existing_variable": about(
                reference("ExistingVariable"),
                "With 409, where the key is taken.",
            ),
        },
    ),
    "ExistingVariable": record(
        "The secret that has the key. Where the caller cannot see that secret, `id` and `scope` "
        "are left out, and the other ids are those of the holder in the request.",
        {
            "key": about(shapes.TEXT, "The key that is taken."),
            "organization_id": shapes.ID,
            "project_id": shapes.ID,
            "environment_id": about(nullable(shapes.ID), "Null for a project's own."),
            "service_id": about(nullable(shapes.ID), "Null for a project's or environment's own."),
        },
        {
            "id": about(shapes.ID, "Left out where the caller cannot see the secret."),
            "scope": about(SCOPE, "Where it lives; left out where the caller cannot see that."),
        },
    ),
}

ENUMS: Final[Fields] = {
    "APIVariableScopeEnum": one_of(
        Scope, "Where a secret lives, widest first; all kinds of service are equally narrow."
    ),
    "APIVariableTypeEnum": one_of(SecretType, "What kind of secret a row is."),
    "SecretScopeEnum": one_of(
        (Scope.BUILT_IN, *LEGACY_SCOPES), "Where a secret of these paths lives, widest first."
    ),
    "SecretTypeEnum": one_of(
        (item for item in SecretType if item not in EXTERNAL_TYPES),
        "What kind of secret a row of these paths is.",
    ),
    "SecretServiceTypeEnum": one_of(
        (item for item in ServiceType if item not in NEWER_SERVICE_TYPES),
        "A kind of service that a secret of these paths belongs to or comes from.",
    ),
    "LinkedServiceTypeEnum": one_of(
        ServiceType, "A kind of service that a secret belongs to or comes from."
    ),
    "ErrorCodeEnum": one_of(ErrorCode, "Names of reasons; each keeps its meaning for ever."),
}

ANSWERS: Final[Fields] = {**ROWS_AND_LISTS, **REFUSALS, **ENUMS}
