"""Pages as Relay connections."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, Self, TypeVar

import strawberry
from strawberry import argument, field

from gateway.domain.pages import Entry, Page
from schema.fields import pure_field

Item = TypeVar("Item")
Node = TypeVar("Node")

First = Annotated[
    int | None,
    argument(description="The number of entries from the start, at most 100; 50 if omitted."),
]
After = Annotated[str | None, argument(description="Continue after this cursor of the same list.")]
Last = Annotated[
    int | None, argument(description="The number of entries from the end, at most 100.")
]
Before = Annotated[str | None, argument(description="End before this cursor.")]


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    page: strawberry.Private[Page[object]]
    has_next_page: bool = field(description="Whether there are entries after this page.")
    has_previous_page: bool = field(description="Whether there are entries before this page.")

    @pure_field(description="The cursor of the first entry. Pass it as `before`.")
    def start_cursor(self) -> str | None:
        return self.page.entries[0].cursor if self.page.entries else None

    @pure_field(description="The cursor of the last entry. Pass it as `after`.")
    def end_cursor(self) -> str | None:
        return self.page.entries[-1].cursor if self.page.entries else None


def _cursor(self: "Edge[object]") -> str:
    return self.entry.cursor


@strawberry.type(description="One entry of a page.")
class Edge(Generic[Node]):
    entry: strawberry.Private[Entry[object]]
    # Sealed only where it is selected.
    cursor: str = pure_field(
        description="The position of the entry in the list. Pass it as `after` or `before`.",
        resolver=_cursor,
    )
    node: Node = field(description="The entry itself.")


def _nodes(self: "Connection[Node]") -> list[Node]:
    return [edge.node for edge in self.edges]


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]] = field(description="The entries of this page, in list order.")
    nodes: list[Node] = pure_field(
        description="The entries of this page without their cursors, in list order.",
        resolver=_nodes,
    )
    page_info: PageInfo = field(
        description="Whether there are more entries, and the cursors to continue from."
    )
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @field(description="The number of entries in the whole list.")
    async def total_count(self) -> int:
        return await self.count()

    @classmethod
    def of(cls, page: Page[Item], wrap: Callable[[Item], Node]) -> Self:
        return cls(
            edges=[Edge(entry=entry, node=wrap(entry.item)) for entry in page.entries],
            page_info=PageInfo(
                page=page, has_next_page=page.has_next, has_previous_page=page.has_previous
            ),
            count=page.count,
        )
