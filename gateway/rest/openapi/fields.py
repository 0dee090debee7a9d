"""The types of the fields in requests and responses, with their bounds and descriptions."""

from typing import Annotated, Any, Final

from pydantic import Field

from gateway.domain.content import (
    MAX_DESCRIPTION_LENGTH,
    MAX_FILE_NAME_BYTES,
    MAX_KEY_LENGTH,
    MAX_MOUNT_PATH_LENGTH,
    MAX_VALUE_BYTES,
    RESERVED_PREFIX,
)
from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import HOLDER_SCOPES, LEGACY_SCOPES, Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.rest.openapi.schemas import OneOf
from gateway.rest.wire import EXTERNAL_TYPES, NEWER_SERVICE_TYPES

_ANY_CASE: Final = "".join(
    f"[{letter}{letter.lower()}]" if letter.isalpha() else letter for letter in RESERVED_PREFIX
)
_KEY_PATTERN: Final = rf"^(?!{_ANY_CASE})[A-Za-z][A-Za-z0-9_]*$"
_ID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
# Absolute and normal, outside the kernel's folders, each name as long as file systems take if it is
# ASCII; the empty one is no path.
_MOUNT_PATH_PATTERN: Final = (
    r"^$|^(?!/(?:proc|sys|dev)(?:/|$))(?:/(?!\.{1,2}(?:/|$))"
    rf"[^/\x00-\x1f\x7f-\x9f]{{1,{MAX_FILE_NAME_BYTES}}})+$"
)
_TAG: Final = r'(?:W/)?"[!#-~]*"'
# Without the type, the condition would also match null and forbid it.
_NO_NUL: Final[dict[str, Any]] = {"not": {"type": "string", "pattern": r"\x00"}}


class APIVariableScopeEnum(OneOf, names=Scope):
    """The scope that a secret belongs to, widest first. All kinds of service are equally narrow."""


class APIVariableTypeEnum(OneOf, names=SecretType):
    """The kind of a secret."""


class LinkedServiceTypeEnum(OneOf, names=ServiceType):
    """A kind of service that a secret belongs to or comes from."""


# The legacy paths show neither external secrets nor newer kinds of service.
class SecretScopeEnum(APIVariableScopeEnum, names=(Scope.BUILT_IN, *LEGACY_SCOPES)):
    """The scope that a secret of these paths belongs to, widest first."""


class SecretTypeEnum(APIVariableTypeEnum, names=[t for t in SecretType if t not in EXTERNAL_TYPES]):
    """The kind of a secret of these paths."""


class SecretServiceTypeEnum(
    LinkedServiceTypeEnum, names=[t for t in ServiceType if t not in NEWER_SERVICE_TYPES]
):
    """A kind of service that a secret of these paths belongs to or comes from."""


class HolderScopeEnum(OneOf, names=HOLDER_SCOPES):
    """A kind of holder."""


class ErrorCodeEnum(OneOf, names=ErrorCode):
    """The error codes. Each keeps its meaning."""


# A string, since `UUID` accepts other forms too.
Id = Annotated[str, Field(pattern=_ID_PATTERN, json_schema_extra={"format": "uuid"})]
HolderId = Annotated[Id, Field(description="The holder's id.")]
HolderScope = Annotated[HolderScopeEnum, Field(description="The kind of the holder.")]
SecretKey = Annotated[
    str,
    Field(
        max_length=MAX_KEY_LENGTH,
        pattern=_KEY_PATTERN,
        description="The key: a letter, then letters, digits and underscores. It must be free "
        "along the holder's chain. Keys that begin with `QOVERY_` belong to the platform.",
    ),
]
_Value = Annotated[str, Field(max_length=MAX_VALUE_BYTES, json_schema_extra=_NO_NUL)]
SecretValue = Annotated[
    _Value, Field(description="The value, at most 64 KiB of UTF-8. It is encrypted at once.")
]
OptionalValue = Annotated[
    _Value, Field(description="The value, at most 64 KiB of UTF-8; empty if omitted or null.")
]
NewValue = Annotated[
    _Value,
    Field(
        description="The new value. If omitted or null, the value stays; an empty text clears it. "
        "An alias has no value of its own; for an alias, its target's key here counts as no change."
    ),
]
MountPath = Annotated[
    str,
    Field(
        max_length=MAX_MOUNT_PATH_LENGTH,
        pattern=_MOUNT_PATH_PATTERN,
        description="The absolute path to mount the secret at, outside `/proc`, `/sys` and `/dev`. "
        "It makes the secret a file.",
    ),
]
Description = Annotated[
    str,
    Field(
        max_length=MAX_DESCRIPTION_LENGTH,
        json_schema_extra=_NO_NUL,
        description="A description for people.",
    ),
]
Interpolation = Annotated[
    bool,
    Field(description="Whether a delivery replaces keys in double braces in a file's content."),
]
IdempotencyKey = Annotated[str, Field(max_length=255, pattern="^[!-~]+$")]
EntityTags = Annotated[str, Field(pattern=rf"^(?:\*|{_TAG}(?:, ?{_TAG})*)$")]
