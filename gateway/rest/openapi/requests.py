"""What the REST face is sent, as schemas: exactly what it takes, and an example of each."""

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
        "A letter, then letters, digits and underscores. Free along the holder's chain; what "
        "begins with `QOVERY_` is the platform's.",
    ),
}
_VALUE: Final = about(shapes.VALUE, "At most 64 KiB of UTF-8. It is sealed at once.")
_OPTIONAL_VALUE: Final[Fields] = {
    "value": about(nullable(shapes.VALUE), "At most 64 KiB of UTF-8; empty if left out or null."),
}
_KEPT_VALUE: Final[Fields] = {
    "value": about(
        nullable(shapes.VALUE),
        "Left out or null, the value stays; an empty text empties it. An alias has none of its "
        "own, and takes its target's key here as no change.",
    ),
}
_MOUNT_PATH: Final[Fields] = {
    "mount_path": about(
        nullable(shapes.MOUNT_PATH),
        "Makes it a file, mounted at this absolute path outside `/proc`, `/sys` and `/dev`.",
    ),
}
_NOTES: Final[Fields] = {
    "description": about(nullable(shapes.DESCRIPTION), "For people."),
    "enable_interpolation_in_file": nullable(shapes.INTERPOLATION["enable_interpolation_in_file"]),
}
_IS_SECRET: Final[Fields] = {
    "is_secret": about(
        shapes.ALWAYS_TRUE, "The gateway holds secrets, so true; external secrets come later."
    ),
}
_NO_ACCESS: Final[Fields] = {
    "secret_manager_access_id": about(
        shapes.ALWAYS_NULL, "No secret manager access is known, so any id is refused."
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
    "Key": record("A further key for a secret.", _KEY, _NOTES, example={"key": "PGPASSWORD"}),
    "Value": record(
        "Another value for a secret.", {}, {**_OPTIONAL_VALUE, **_NOTES}, example={"value": "blue"}
    ),
    "VariableRequest": record(
        "A new secret, and the holder it is for.",
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
        "A further key for a secret, and the holder it is for.",
        {**_KEY, **_holder("alias_scope", "alias_parent_id")},
        _NOTES,
        example={
            "key": "PGPASSWORD",
            "alias_scope": Scope.TERRAFORM,
            "alias_parent_id": _EXAMPLE_ID,
        },
    ),
    "VariableOverrideRequest": record(
        "Another value for a secret, and the holder it is for.",
        {"value": _VALUE, **_holder("override_scope", "override_parent_id")},
        _NOTES,
        example={
            "value": "blue",
            "override_scope": Scope.JOB,
            "override_parent_id": _EXAMPLE_ID,
        },
    ),
    "VariableImportRequest": record(
        "Secrets to import, all in one step.",
        {
            "overwrite": about(
                shapes.BOOLEAN, "Whether a key that its scope has already is updated or skipped."
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
        "One secret to import. What breaks a rule of keys or values fails alone.",
        {
            "name": about(shapes.TEXT, "Its key."),
            "value": about(shapes.TEXT, "At most 64 KiB of UTF-8. It is sealed at once."),
            "scope": about(SCOPE, "Which holder of the chain it is for."),
            **_ROW_IS_SECRET,
        },
    ),
    "HolderScopeEnum": one_of(HOLDER_SCOPES, "A kind of thing that secrets hang on."),
}
