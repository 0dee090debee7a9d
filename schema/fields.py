"""Fields and arguments that several types have, and the interface of everything with an id."""

from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Final

import strawberry
from strawberry import ID, UNSET, argument, field

from schema.enums import APIVariableScopeEnum, APIVariableTypeEnum

Id = Annotated[ID, field(description="The UUID, the same as in the paths of the REST API.")]
_NAME: Final = "The display name, unique among siblings of the same kind."
Name = Annotated[str, field(description=_NAME)]
NewName = Annotated[str, argument(description=_NAME)]
CreatedAt = Annotated[datetime, field(description="When it was created.")]
Key = Annotated[
    str, field(description="The name of the environment variable that delivers the value.")
]
SCOPE: Final = "The scope that the secret belongs to."
INTERPOLATION: Final = "Whether a delivery replaces keys in double braces in a file's content."
TYPE: Final = "The kind of secret."
MOUNT_PATH: Final = "The mount path of a FILE."
DESCRIPTION: Final = "What the secret is for, in its author's words."
Type = Annotated[APIVariableTypeEnum, field(description=TYPE)]
MountPath = Annotated[str | None, field(description=MOUNT_PATH)]
Description = Annotated[str | None, field(description=DESCRIPTION)]
BelongsTo = Annotated[APIVariableScopeEnum, field(description=SCOPE)]
Interpolation = Annotated[bool | None, field(description=INTERPOLATION)]
ServiceId = Annotated[ID, argument(description="The UUID of a service of any kind.")]
FILTER: Final = argument(description="Which entries to return; all if omitted.")
ORDER: Final = argument(description="The order of the entries; by key if omitted.")
ANY_HOLDER: Final = argument(description="The project, the environment or the service.")


def optional(description: str) -> Any:  # noqa: ANN401 - what strawberry.field returns
    """Return a field of an input that can be omitted."""
    return field(default=UNSET, description=description)


def pure_field(description: str, resolver: Any = None) -> Any:  # noqa: ANN401 - as above
    """Return a field whose resolver is pure: it reads what is loaded, and so can run again."""
    return field(resolver=resolver, description=description, metadata={"pure": True})


def shown(attribute: str, description: str) -> Any:  # noqa: ANN401 - as above
    """Return a field that shows an attribute of its object, such as `source.key`."""
    read = attrgetter(attribute)

    def resolve(self):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - the field's annotation has the type
        return read(self)

    return field(
        resolver=resolve, description=description, metadata={"pure": True, "attribute": attribute}
    )


@strawberry.interface(description="Anything with an id. Ids are the UUIDs of the REST paths.")
class Node:
    id: Id
