"""The body of a list of versions, and its query parameter."""

from datetime import datetime
from typing import Final

from pydantic import Field
from pydantic.config import JsonDict

from gateway.domain.history import Ending
from gateway.domain.origins import AuditFace
from gateway.domain.secrets import SecretType
from gateway.rest.openapi.fields import (
    OMITTED,
    APIVariableTypeEnum,
    Interpolation,
    Model,
    OneOf,
    example,
)

_VERSION: Final[JsonDict] = {
    "version": 1,
    "key": "PGPASSWORD",
    "variable_type": SecretType.VALUE,
    "mount_path": "",
    "description": "",
    "is_new_value": True,
    "is_value_kept": True,
    "at": "2026-01-15T09:30:00.000000Z",
    "ended_at": "2026-01-16T10:00:00.000000Z",
    "ended_how": Ending.CHANGED,
    "face": AuditFace.REST,
}


class VersionEndingEnum(OneOf, names=(Ending.CHANGED, Ending.DELETED)):
    """How a version ended."""


class FaceEnum(OneOf, names=AuditFace):
    """The interface through which a version was made."""


# Fields are in the order of the answers.
class VariableVersion(Model):
    """A version of a secret, without its value."""

    model_config = example(**_VERSION)

    version: int = Field(description="Its number.")
    key: str = Field(description="The key that the secret had.")
    variable_type: APIVariableTypeEnum = Field(description="The kind of secret.")
    mount_path: str = Field(description="The mount path of a file; empty otherwise.")
    description: str = Field(description="The description; empty if there is none.")
    enable_interpolation_in_file: Interpolation = OMITTED
    is_new_value: bool = Field(
        default=OMITTED,
        description="Whether it has another value than the version before; omitted if that one is "
        "no longer known.",
    )
    is_value_kept: bool = Field(description="Whether its value can be brought back.")
    at: datetime = Field(description="When the version was made.")
    ended_at: datetime = Field(
        default=OMITTED, description="When it ended; omitted for the present version."
    )
    ended_how: VersionEndingEnum = Field(
        default=OMITTED, description="How it ended; omitted for the present version."
    )
    face: FaceEnum = Field(
        default=OMITTED,
        description="The interface through which it was made; omitted if you cannot see that.",
    )


class VariableVersionList(Model):
    """A page of the versions of a secret, the newest first."""

    model_config = example(results=[_VERSION], next=None)

    results: list[VariableVersion] = Field(max_length=100)
    next: str | None = Field(
        description="Send it as `after` to get the next page; null on the last one."
    )


class VersionsQuery(Model):
    """The query parameter of a list of versions."""

    after: str = Field(default=OMITTED, description="Continue after the page with this `next`.")
