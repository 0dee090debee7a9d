"""The endpoint factory for the REST API.

It depends neither on Strawberry nor on the schema; the executor is passed in.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.errors import ErrorCode
from gateway.domain.refusals import HolderNotFound, SecretNotFound
from gateway.http.json_body import read_json_object
from gateway.http.problems import problem
from gateway.http.tagged import header_of
from gateway.rest.calls import (
    IDEMPOTENCY_HEADER,
    ONLY_WHERE_SECRET,
    PUBLIC_ROWS,
    Call,
    Variables,
)
from gateway.rest.preconditions import Preconditions
from gateway.rest.rows import Action, Family, Row
from gateway.rest.table import ROWS
from gateway.rest.wire import (
    ETAG,
    conflict_facts,
    import_result,
    legacy_rows,
    secret_row,
    variable_row,
    variable_rows,
)
from gateway.services.execution import Execute, ExecutionResult, ExecutorFactory

TagOfList = Callable[[bytes], str]

_JSON: Final = "application/json"
# A client can store the response but must revalidate it before each use.
_REVALIDATED: Final = MappingProxyType({"Cache-Control": "private, no-cache"})

_WIRES: Final[Mapping[Family, Callable[[Mapping[str, Any]], dict[str, Any]]]] = MappingProxyType(
    {Family.SECRET: secret_row, Family.VARIABLE: variable_row},
)


@dataclass(frozen=True, slots=True)
class Exchange:
    row: Row
    variables: Variables = field(repr=False)
    run: Execute
    preconditions: Preconditions
    tag_of_list: TagOfList = field(repr=False)


Responder = Callable[[Exchange], Awaitable[Response]]


class RefusedAnswer(Exception):
    def __init__(self, code: ErrorCode, detail: str, facts: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.facts = facts


def rest_routes(open_run: ExecutorFactory, tag_of_list: TagOfList) -> list[BaseRoute]:
    """Return a route for each path of the table."""
    by_path: dict[str, dict[str, Row]] = {}
    for row in ROWS:
        by_path.setdefault(row.path, {})[row.method] = row
    return [_route(path, rows, open_run, tag_of_list) for path, rows in by_path.items()]


def _route(
    path: str, rows: Mapping[str, Row], open_run: ExecutorFactory, tag_of_list: TagOfList
) -> BaseRoute:
    async def endpoint(request: Request) -> Response:
        row = rows["GET" if request.method == "HEAD" else request.method]
        preconditions = Preconditions.of(row, request.headers)
        call = await _call(row, request, preconditions)
        # Undeclared fields are ignored, as in the original API.
        fields = {name: call.body[name] for name in row.fields if name in call.body}
        caller = replace(request.scope["caller"], knows_external=row.family is Family.VARIABLE)
        async with open_run(caller) as run:
            exchange = Exchange(row, fields | row.bind(call), run, preconditions, tag_of_list)
            try:
                return await _RESPONDERS[row.action](exchange)
            except RefusedAnswer as refused:
                return problem(
                    refused.code, refused.detail, path=request.scope["path"], facts=refused.facts
                )

    # One route for all methods of a path, so that a 405 lists them all in Allow.
    return Route(path, endpoint, methods=list(rows))


async def _call(row: Row, request: Request, preconditions: Preconditions) -> Call:
    return Call(
        path=request.path_params,
        query=request.query_params,
        body=await read_json_object(request) if row.request else {},
        idempotency_key=header_of(request.headers, IDEMPOTENCY_HEADER)
        if row.takes_idempotency_key
        else None,
        if_match=preconditions.if_match,
    )


async def _list(exchange: Exchange) -> Response:
    row, variables = exchange.row, exchange.variables
    selected: list[Mapping[str, Any]] = []
    after, has_more = None, True
    while has_more:
        page = await _page(row, variables | {"after": after}, exchange.run)
        selected += [edge["node"] for edge in page["edges"]]
        after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    rows = (
        legacy_rows(selected)
        if row.family is Family.SECRET
        else variable_rows(selected, only_where_secret=variables[ONLY_WHERE_SECRET])
    )
    content = orjson.dumps({"results": list(rows)})
    response = Response(content, row.status, media_type=_JSON)
    return exchange.preconditions.answer(response, exchange.tag_of_list(content), _REVALIDATED)


async def _page(row: Row, variables: Variables, run: Execute) -> Mapping[str, Any]:
    scope = row.scope or variables["scope"]
    holder = _data(await run(row.document, variables))["holder"]
    if holder is None or holder["kind"] != scope.camel_name:
        raise HolderNotFound(scope, variables["holder"])
    page: Mapping[str, Any] = holder["visibleSecrets"]
    return page


async def _read(exchange: Exchange) -> Response:
    row, variables = exchange.row, exchange.variables
    secret = _data(await exchange.run(row.document, variables))["secret"]
    if secret is None:
        raise SecretNotFound(variables["target"])
    response = JSONResponse(_WIRES[row.family](secret), row.status)
    return exchange.preconditions.answer(response, secret[ETAG], _REVALIDATED)


async def _write(exchange: Exchange) -> Response:
    row = exchange.row
    secret = _payload(await exchange.run(row.document, exchange.variables))["secret"]
    return JSONResponse(_WIRES[row.family](secret), row.status, headers={"ETag": secret[ETAG]})


async def _delete(exchange: Exchange) -> Response:
    row = exchange.row
    _payload(await exchange.run(row.document, exchange.variables))
    return Response(status_code=row.status)


async def _import(exchange: Exchange) -> Response:
    row = exchange.row
    payload = _data(await exchange.run(row.document, exchange.variables))["payload"]
    # Without a holder, the whole import failed; with one, an error concerns only its row.
    if payload["holder"] is None:
        raise _to_refusal(payload["errors"][0])
    result = import_result(payload, public_rows=exchange.variables[PUBLIC_ROWS])
    return JSONResponse(result, row.status)


_RESPONDERS: Final[Mapping[Action, Responder]] = MappingProxyType(
    {
        Action.LIST: _list,
        Action.READ: _read,
        Action.WRITE: _write,
        Action.DELETE: _delete,
        Action.IMPORT: _import,
    },
)


def _payload(answer: ExecutionResult) -> Mapping[str, Any]:
    payload: Mapping[str, Any] = _data(answer)["payload"]
    if payload["errors"]:
        raise _to_refusal(payload["errors"][0])
    return payload


def _to_refusal(error: Mapping[str, Any]) -> RefusedAnswer:
    return RefusedAnswer(ErrorCode(error["code"]), error["message"], conflict_facts(error))


def _data(answer: ExecutionResult) -> Mapping[str, Any]:
    if answer.data is None or answer.errors:
        error = answer.errors[0]
        raise RefusedAnswer(ErrorCode(error["extensions"]["code"]), _detail(error), {})
    return answer.data


def _detail(error: Mapping[str, Any]) -> str:
    field: str | None = error["extensions"].get("variable")
    message: str = error["message"]
    return f"The body's field `{field}` is missing or has the wrong type." if field else message
