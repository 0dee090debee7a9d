"""The schemas of REST requests: exactly what is accepted, with an example of each."""

from typing import Final

from gateway.domain.scopes import HOLDER_SCOPES, Scope
from gateway.rest.openapi import shapes
from gateway.rest.openapi.answers import SCOPE
from gateway.rest.openapi.shapes import Fields, about, array_of, nullable, one_of, record, reference
from gateway.services.imports import MAX_ROWS

HOLDER_SCOPE: Final = reference("HolderScopeEnum")

_KEY: Final[Fields] = {
    "key": about(
        shapes.KEY,
        (
            "The key: a letter, then letters, digits and underscores. It must be free along the "
            "holder's chain. Keys that begin with `QOVERY_` belong to the platform."
        ),
    ),
}
_VALUE: Final = about(shapes.VALUE, "The value, at most 64 KiB of UTF-8. It is encrypted at once.")
_OPTIONAL_VALUE: Final[Fields] = {
    "value": about(
        nullable(shapes.VALUE), ("The value, at most 64 KiB of UTF-8; empty if omitted or null.")
    ),
}
_KEPT_VALUE: Final[Fields] = {
    "value": about(
        nullable(shapes.VALUE),
        (
            "The new value. If omitted or null, the value stays; an empty text clears it. An alias "
            "has no value of its own; for an alias, its target's key here counts as no change."
        ),
    ),
}
_MOUNT_PATH: Final[Fields] = {
    "mount_path": about(
        nullable(shapes.MOUNT_PATH),
        (
            "The absolute path to mount the secret at, outside `/proc`, `/sys` and `/dev`. It "
            "makes the secret a file."
        ),
    ),
}
_NOTES: Final[Fields] = {
    "description": about(nullable(shapes.DESCRIPTION), "A description for people."),
    "enable_interpolation_in_file": nullable(shapes.INTERPOLATION["enable_interpolation_in_file"]),
}
_IS_SECRET: Final[Fields] = {
    "is_secret": about(
        shapes.ALWAYS_TRUE,
        ("Must be true: the gateway stores secrets, and does not yet accept external ones."),
    ),
}
_NO_ACCESS: Final[Fields] = {
    "secret_manager_access_id": about(
        shapes.ALWAYS_NULL, "The gateway has no secret manager access yet, so any id is refused."
    ),
}
_ROW_IS_SECRET: Final[Fields] = {
    "is_secret": about(shapes.BOOLEAN, "A row with `false` fails alone."),
}


def _holder(scope_field: str, id_field: str) -> Fields:
    return {
        scope_field: about(HOLDER_SCOPE, "The kind of the holder."),
        id_field: about(shapes.ID, "The holder's id."),
    }


_EXAMPLE_ID: Final = "7d1e2c54-6a8f-4c0b-9e35-1f0a2b3c4d5e"
_AT: Final = {"key": "DATABASE_URL", "value": "postgres://db.internal/orders"}

REQUESTS: Final[Fields] = {
    "SecretRequest": record(
        "A new secret.",
        _KEY,
        {**_OPTIONAL_VALUE, **_MOUNT_PATH, **_NOTES},
        example={**_AT, "description": "The orders database"},
    ),
    "SecretEditRequest": record(
        "New content for a secret.",
        _KEY,
        {**_KEPT_VALUE, **_NOTES},
        example=_AT,
    ),
    "Key": record("A second key for a secret.", _KEY, _NOTES, example={"key": "PGPASSWORD"}),
    "Value": record(
        "Another value for a secret.", {}, {**_OPTIONAL_VALUE, **_NOTES}, example={"value": "blue"}
    ),
    "VariableRequest": record(
        "A new secret and its holder.",
        {
            **_KEY,
            "value": _VALUE,
            **_IS_SECRET,
            **_holder("variable_scope", "variable_parent_id"),
        },
        {**_MOUNT_PATH, **_NOTES, **_NO_ACCESS},
        example={
            **_AT,
            "is_secret": True,
            "variable_scope": Scope.HELM,
            "variable_parent_id": _EXAMPLE_ID,
        },
    ),
    "VariableEditRequest": record(
        "New content for a secret.", _KEY, {**_KEPT_VALUE, **_NOTES, **_NO_ACCESS}, example=_AT
    ),
    "VariableAliasRequest": record(
        "A second key for a secret, and the holder of the alias.",
        {**_KEY, **_holder("alias_scope", "alias_parent_id")},
        _NOTES,
        example={
            "key": "PGPASSWORD",
            "alias_scope": Scope.TERRAFORM,
            "alias_parent_id": _EXAMPLE_ID,
        },
    ),
    "VariableOverrideRequest": record(
        "Another value for a secret, and the holder of the override.",
        {"value": _VALUE, **_holder("override_scope", "override_parent_id")},
        _NOTES,
        example={
            "value": "blue",
            "override_scope": Scope.JOB,
            "override_parent_id": _EXAMPLE_ID,
        },
    ),
    "VariableImportRequest": record(
        "The secrets to import in one step.",
        {
            "overwrite": about(
                shapes.BOOLEAN,
                ("Whether a key that its scope already has is updated (true) or skipped (false)."),
            ),
            "vars": array_of(reference("VariableImportRow"), maxItems=MAX_ROWS),
        },
        example={
            "overwrite": True,
            "vars": [
                {"name": "DATABASE_URL", "value": "postgres://db.internal/orders"}
                | {"scope": Scope.JOB, "is_secret": True},
            ],
        },
    ),
    "VariableImportRow": record(
        "One secret to import. A row with an invalid key or value fails alone.",
        {
            "name": about(shapes.TEXT, "The key."),
            "value": about(
                shapes.TEXT, ("The value, at most 64 KiB of UTF-8. It is encrypted at once.")
            ),
            "scope": about(SCOPE, "The scope to import the secret to, in the holder's chain."),
            **_ROW_IS_SECRET,
        },
    ),
    "HolderScopeEnum": one_of(HOLDER_SCOPES, "A kind of holder."),
}
