"""Scalars beyond GraphQL's own."""

from datetime import UTC, datetime
from typing import Final

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.content import read_moment


def _print(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


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
