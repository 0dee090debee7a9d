"""Pages as Relay connections."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, Self, TypeVar

import strawberry
from strawberry import argument, field

from gateway.domain.pages import Page

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
    has_next_page: bool = field(description="Whether there are entries after this page.")
    has_previous_page: bool = field(description="Whether there are entries before this page.")
    start_cursor: str | None = field(
        description="The cursor of the first entry. Pass it as `before`."
    )
    end_cursor: str | None = field(description="The cursor of the last entry. Pass it as `after`.")


@strawberry.type(description="One entry of a page.")
class Edge(Generic[Node]):
    cursor: str = field(
        description="The position of the entry in the list. Pass it as `after` or `before`."
    )
    node: Node = field(description="The entry itself.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]] = field(description="The entries of this page, in list order.")
    page_info: PageInfo = field(
        description="Whether there are more entries, and the cursors to continue from."
    )
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @field(description="The number of entries in the whole list.")
    async def total_count(self) -> int:
        return await self.count()

    @classmethod
    def of(cls, page: Page[Item], wrap: Callable[[Item], Node]) -> Self:
        edges = [Edge(cursor=entry.cursor, node=wrap(entry.item)) for entry in page.entries]
        return cls(
            edges=edges,
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
            count=page.count,
        )
