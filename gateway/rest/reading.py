"""Reads of lists and of single secrets: a client keeps the answer, and asks whether it changed.

The gateway keeps what it sent, with its entity tag. While nothing was committed that could change
the answer, neither a document nor a statement runs for it, but for the sign-in.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final, Self

import orjson
from starlette.responses import Response

from gateway.domain.refusals import HolderNotFound, SecretNotFound
from gateway.http.problems import to_json
from gateway.rest import hierarchy
from gateway.rest.bindings import ONLY_WHERE_SECRET, Inputs
from gateway.rest.operation import Action, Operation, Preconditions
from gateway.rest.results import data_of
from gateway.rest.wire import (
    ETAG,
    Selected,
    to_secret,
    to_secrets,
    to_variable_response,
    to_variable_responses,
    to_versions,
)
from gateway.services.execution import Execute, RequestPrincipal
from gateway.services.kept_answers import KeptAnswers

TagOfList = Callable[[bytes], str]
# A body and its entity tag.
_Tagged = tuple[bytes, str]

_JSON: Final = "application/json"
# A client can store the response but must revalidate it before each use.
_REVALIDATED: Final = MappingProxyType({"Cache-Control": "private, no-cache"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One read, its preconditions, and the answers that are kept."""

    operation: Operation
    inputs: Inputs = field(repr=False)
    preconditions: Preconditions
    organization_id: str
    kept: KeptAnswers
    key: Hashable

    @classmethod
    def of(
        cls,
        operation: Operation,
        inputs: Inputs,
        preconditions: Preconditions,
        caller: RequestPrincipal,
    ) -> Self | None:
        """Return the read that a request asks for; None if it asks for something else."""
        if operation.action not in _READERS:
            return None
        kept = KeptAnswers.of(
            caller.view, caller.principal, supports_external=caller.supports_external
        )
        asked = {"path": operation.operation_id, "inputs": inputs}
        organization_id = caller.principal.organization_id
        key = kept.key(to_json(asked))
        return cls(operation, inputs, preconditions, organization_id, kept, key)

    async def recall(self) -> Response | None:
        """Return the answer if it is kept.

        Raises:
            ChangedSince: if If-Match names another tag.

        """
        known = await self.kept.find(self.key)
        return None if known is None else self._respond(known.content, known.tag)

    async def run(self, execute: Execute, tag_of_list: TagOfList) -> Response:
        """Return the answer, and keep it.

        Raises:
            ErrorInResult: if the document fails.
            HolderNotFound: if the principal cannot see the holder.
            SecretNotFound: if the principal cannot see the secret.
            ChangedSince: if If-Match names another tag.

        """
        content, tag = await _READERS[self.operation.action](self, execute, tag_of_list)
        await self.kept.keep(self.key, content, tag)
        return self._respond(content, tag)

    def _respond(self, content: bytes, tag: str) -> Response:
        response = Response(content, self.operation.status, media_type=_JSON)
        return self.preconditions.answer(response, tag, _REVALIDATED)


async def _list(reading: Reading, execute: Execute, tag_of_list: TagOfList) -> _Tagged:
    operation, inputs = reading.operation, reading.inputs
    scope = operation.scope or inputs["scope"]

    def page_of(data: Selected) -> Selected:
        holder = data["holder"]
        if holder is None or holder["kind"] != scope.camel_name:
            raise HolderNotFound(scope, inputs["holder"])
        page: Selected = holder["visibleSecrets"]
        return page

    selected = await _every_node(reading, execute, page_of)
    secrets = (
        to_secrets(selected)
        if operation.is_legacy
        else to_variable_responses(selected, only_where_secret=inputs[ONLY_WHERE_SECRET])
    )
    content = orjson.dumps({"results": list(secrets)})
    return content, tag_of_list(content)


async def _browse(reading: Reading, execute: Execute, tag_of_list: TagOfList) -> _Tagged:
    operation, inputs = reading.operation, reading.inputs
    hierarchy.ensure_own(inputs, reading.organization_id)
    nodes = await _every_node(reading, execute, partial(hierarchy.page_of, operation, inputs))
    rows = hierarchy.to_rows(operation, nodes, organization_id=reading.organization_id)
    content = orjson.dumps({"results": list(rows)})
    return content, tag_of_list(content)


async def _every_node(
    reading: Reading, execute: Execute, page_of: Callable[[Selected], Selected]
) -> list[Selected]:
    """Return the nodes of all pages of the document's connection."""
    nodes: list[Selected] = []
    after, has_more = None, True
    while has_more:
        asked = reading.inputs | {"after": after}
        page = page_of(data_of(await execute(reading.operation.document, asked)))
        nodes += page["nodes"]
        after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return nodes


async def _secret(reading: Reading, execute: Execute, _: TagOfList) -> _Tagged:
    operation, inputs = reading.operation, reading.inputs
    secret = data_of(await execute(operation.document, inputs))["secret"]
    if secret is None:
        raise SecretNotFound(inputs["target"])
    to_wire = to_secret if operation.is_legacy else to_variable_response
    return orjson.dumps(to_wire(secret)), secret[ETAG]


async def _versions(reading: Reading, execute: Execute, tag_of_list: TagOfList) -> _Tagged:
    inputs = reading.inputs
    page = data_of(await execute(reading.operation.document, inputs))["versions"]
    if page is None:
        raise SecretNotFound(inputs["target"])
    content = orjson.dumps(to_versions(page))
    return content, tag_of_list(content)


_Reader = Callable[[Reading, Execute, TagOfList], Awaitable[_Tagged]]
_READERS: Final[Mapping[Action, _Reader]] = MappingProxyType(
    {
        Action.LIST: _list,
        Action.BROWSE: _browse,
        Action.READ: _secret,
        Action.VERSIONS: _versions,
    }
)
