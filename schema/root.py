"""The schema: its root types and scalars."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar

import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.content import read_moment
from schema.errors import ERROR_TYPES
from schema.holders import HOLDER_TYPES
from schema.mutations import Mutation
from schema.queries import Query
from schema.subscriptions import Subscription


@lru_cache(maxsize=16_384)
def _print(moment: datetime) -> str:
    # Every page of secrets prints a hundred, mostly the same as the page before.
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='microseconds')[:-6]}Z"


def _read(given: object) -> datetime:
    # A value of another type is refused like a text without an offset.
    return read_moment(given if isinstance(given, str) else "")


DATE_TIME: Final[ScalarDefinition] = strawberry.scalar(
    name="DateTime",
    description="An RFC 3339 date and time with an offset. Answers use UTC.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=_print,
    parse_value=_read,
)


Built = TypeVar("Built", bound=strawberry.Schema)
_DESCRIPTION: Final = (
    "A **secret** belongs to a **holder**: a project, an environment of a project, or a service in "
    "an environment. A service sees its own secrets, those of its environment and its project, and "
    "the **built-in** secrets of the platform. If several have the same key, the one with the "
    "narrowest scope wins. An **alias** gives a secret a second key and follows its target. An "
    "**override** gives the key of a wider scope another value, for its holder and all below it. "
    "You can write values but not read them: only `runtimeSecrets` returns them."
)


def build_schema(kind: type[Built], extensions: Sequence[type[SchemaExtension]] = ()) -> Built:
    """Return the schema as that kind of Strawberry's schemas."""
    schema = kind(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[*HOLDER_TYPES, *ERROR_TYPES],
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME}, disable_field_suggestions=True),
        extensions=extensions,
    )
    schema._schema.description = _DESCRIPTION  # noqa: SLF001 - Strawberry has no argument for it
    return schema
