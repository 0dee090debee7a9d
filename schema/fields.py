"""Fields that several types have, and the interface of everything with an id of its own."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import ID, UNSET, field

from schema.enums import APIVariableScopeEnum

Id = Annotated[ID, field(description="The UUID, the same as in the paths of the REST API.")]
Name = Annotated[
    str, field(description="The display name, unique among siblings of the same kind.")
]
CreatedAt = Annotated[datetime, field(description="When it was created.")]
Key = Annotated[
    str, field(description="The name of the environment variable that delivers the value.")
]
BelongsTo = Annotated[
    APIVariableScopeEnum, field(description="The scope that the secret belongs to.")
]
Interpolation = Annotated[
    bool | None,
    field(description="Whether a delivery replaces keys in double braces in a file's content."),
]


def optional(description: str) -> Any:  # noqa: ANN401 - what strawberry.field returns
    """Return a field of an input that can be omitted."""
    return field(default=UNSET, description=description)


@strawberry.interface(description="Anything with an id. Ids are the UUIDs of the REST paths.")
class Node:
    id: Id
