"""The query parameters and the body of deliveries."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import ConfigDict, Field, RootModel

from gateway.domain.content import MAX_KEY_LENGTH
from gateway.domain.interpolation import OnUnresolved
from gateway.rest.delivery import Format, Include
from gateway.rest.openapi.fields import OMITTED, Model


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

    format: Annotated[str, _one_of(Format)] = Field(
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
