"""The interface of everything that has an id of its own."""

import strawberry


@strawberry.interface(description="Anything with an id. Ids are the UUIDs of the REST paths.")
class Node:
    id: strawberry.ID
