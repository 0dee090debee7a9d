"""Puts the schema together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from schema.errors import ERROR_TYPES
from schema.holders import HOLDER_TYPES
from schema.mutations import Mutation
from schema.queries import Query
from schema.scalars import DATE_TIME
from schema.subscriptions import Subscription

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
        config=StrawberryConfig(
            scalar_map={datetime: DATE_TIME},
            disable_field_suggestions=True,
        ),
        extensions=extensions,
    )
    schema._schema.description = _DESCRIPTION  # noqa: SLF001 - Strawberry has no argument for it
    return schema
