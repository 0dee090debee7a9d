"""Every list of the schema that comes in pages, with a document that asks for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_required_argument,
)

from gateway.domain.scopes import HOLDER_SCOPES
from tests.contracts.walking import schema
from tests.world import World

CURSORS: Final = ("after", "before")
# It is no node; its list of versions is that of `Query.secretVersions`.
_OTHERS: Final = {"DeletedSecret"}
_HOLDER_NAMES: Final = {scope.camel_name: scope for scope in HOLDER_SCOPES}


@dataclass(frozen=True, slots=True)
class PagedList:
    """A field that takes cursors, and the type that has it."""

    kind: str
    name: str
    # Arguments without which it cannot be asked for, as they are written.
    required: tuple[str, ...]
    cursors: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    def document(self, world: World, selected: str, *, given: str = "") -> str:
        """Return a query for a page; `given` are further arguments, as they are written."""
        required = (item.format(secret=world.demo.built_in_secret_id) for item in self.required)
        arguments = ", ".join(item for item in (*required, given) if item)
        field = f"{self.name}{f'({arguments})' if arguments else ''} {{ {selected} }}"
        if self.kind == "Query":
            return f"{{ {field} }}"
        return f'{{ node(id: "{self._owner(world)}") {{ ... on {self.kind} {{ {field} }} }} }}'

    async def sent(
        self, world: World, selected: str, *, size: str = "", **cursor: str | None
    ) -> httpx.Response:
        """Ask for a page; the one cursor that may be given is named by its argument."""
        (name, *_) = (*cursor, "")
        given = ", ".join(item for item in (size, f"{name}: $cursor" if name else "") if item)
        document = self.document(world, selected, given=given)
        declared = "query ($cursor: String) " if name else ""
        body = {"query": f"{declared}{document}", "variables": {"cursor": cursor.get(name)}}
        # Written by ourselves, so that it can hold half of a character.
        return await world.client.post(
            "/graphql", content=json.dumps(body), headers={"Content-Type": "application/json"}
        )

    async def page(
        self, world: World, selected: str, *, size: str = "", **cursor: str | None
    ) -> Any:
        """Return the page that `sent` asks for."""
        data = (await self.sent(world, selected, size=size, **cursor)).json()["data"]
        return data[self.name] if self.kind == "Query" else data["node"][self.name]

    def _owner(self, world: World) -> str:
        if self.kind == "Secret":
            return world.demo.built_in_secret_id
        kind = schema().type_map[self.kind]
        kinds = (
            [get_possible_type.name for get_possible_type in schema().get_possible_types(kind)]
            if isinstance(kind, GraphQLInterfaceType)
            else [self.kind]
        )
        # A new kind of thing with lists needs its line here.
        return world.holders[_HOLDER_NAMES[kinds[0]]]


def _paged() -> Iterator[PagedList]:
    for kind in schema().type_map.values():
        # What is subscribed to is no page, though it can begin after a cursor.
        if kind is schema().subscription_type or kind.name in _OTHERS:
            continue
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                if cursors := tuple(item for item in CURSORS if item in field.args):
                    yield PagedList(kind.name, name, tuple(_required(field)), cursors)


def _required(field: GraphQLField) -> Iterator[str]:
    for name, argument in field.args.items():
        if is_required_argument(argument):
            if str(argument.type) == "ID!":
                yield f'{name}: "{{secret}}"'
                continue
            kind = get_named_type(argument.type)
            assert isinstance(kind, GraphQLEnumType), f"{name} needs a value here."
            yield f"{name}: {next(iter(kind.values))}"


LISTS: Final = list(_paged())
