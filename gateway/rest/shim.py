"""The endpoint factory for the REST API.

It depends neither on Strawberry nor on the schema; the executor is passed in.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.delivery_requests import set_tag
from gateway.domain.errors import ErrorCode
from gateway.domain.refusals import HolderNotFound, SecretNotFound
from gateway.domain.request_records import note_operation
from gateway.http.json_body import read_json_object
from gateway.http.problems import problem
from gateway.http.requests import header_of
from gateway.rest.bindings import (
    IDEMPOTENCY_HEADER,
    ONLY_WHERE_SECRET,
    PUBLIC_ROWS,
    Inputs,
    InvalidField,
    RestRequest,
)
from gateway.rest.delivery import to_response
from gateway.rest.hierarchy import ensure_own, page_of, to_rows
from gateway.rest.operation import Action, Operation, Preconditions
from gateway.rest.table import OPERATIONS
from gateway.rest.wire import (
    ETAG,
    to_import_result,
    to_problem_fields,
    to_secret,
    to_secrets,
    to_variable_response,
    to_variable_responses,
)
from gateway.services.execution import Execute, ExecutionResult, ExecutorFactory

TagOfList = Callable[[bytes], str]

_JSON: Final = "application/json"
# A client can store the response but must revalidate it before each use.
_REVALIDATED: Final = MappingProxyType({"Cache-Control": "private, no-cache"})


@dataclass(frozen=True, slots=True)
class _Context:
    operation: Operation
    inputs: Inputs = field(repr=False)
    execute: Execute
    preconditions: Preconditions
    tag_of_list: TagOfList = field(repr=False)
    organization_id: str


class _ErrorInResult(Exception):
    """An error that the document's result reports; it becomes a problem."""

    def __init__(self, code: ErrorCode, detail: str, extensions: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.extensions = extensions


def rest_routes(open_executor: ExecutorFactory, tag_of_list: TagOfList) -> list[BaseRoute]:
    """Return a route for each path of the table."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [
        _route(path, by_method, open_executor, tag_of_list) for path, by_method in by_path.items()
    ]


def _route(
    path: str,
    by_method: Mapping[str, Operation],
    open_executor: ExecutorFactory,
    tag_of_list: TagOfList,
) -> BaseRoute:
    async def endpoint(request: Request) -> Response:
        operation = by_method["GET" if request.method == "HEAD" else request.method]
        note_operation(operation.operation_id)
        preconditions = Preconditions.of(operation, request.headers)
        inputs = operation.read(await _read_request(operation, request, preconditions))
        principal = replace(request.scope["caller"], supports_external=not operation.is_legacy)
        async with open_executor(principal) as execute:
            organization_id = principal.principal.organization_id
            context = _Context(
                operation, inputs, execute, preconditions, tag_of_list, organization_id
            )
            try:
                return await _RESPONDERS[operation.action](context)
            except _ErrorInResult as error:
                path = request.scope["path"]
                return problem(error.code, error.detail, path=path, extensions=error.extensions)

    # One route for all methods of a path, so that a 405 lists them all in Allow.
    return Route(path, endpoint, methods=list(by_method))


def _ensure_known(operation: Operation, given: QueryParams) -> None:
    """Refuse a query that delivers something else than what was meant.

    Raises:
        InvalidField: for a parameter that is unknown or repeated.

    """
    if operation.action is not Action.DELIVER or operation.query is None:
        return
    known = {field.alias or name for name, field in operation.query.model_fields.items()}
    names = [name for name, _ in given.multi_items()]
    if set(names) <= known and len(names) == len(set(names)):
        return
    listed = ", ".join(f"`{name}`" for name in sorted(known))
    message = f"A query parameter is unknown or repeated. Known are {listed}."
    raise InvalidField(message)


async def _read_request(
    operation: Operation, request: Request, preconditions: Preconditions
) -> RestRequest:
    _ensure_known(operation, request.query_params)
    is_head_of_delivery = request.method == "HEAD" and operation.action is Action.DELIVER
    return RestRequest(
        path=request.path_params,
        query=request.query_params,
        body=await read_json_object(request) if operation.request else {},
        idempotency_key=header_of(request.headers, IDEMPOTENCY_HEADER)
        if operation.takes_idempotency_key
        else None,
        if_match=preconditions.if_match,
        # HEAD has no body, so it delivers nothing, and there is nothing to record.
        if_none_match="*" if is_head_of_delivery else preconditions.if_none_match,
    )


async def _list(context: _Context) -> Response:
    operation, inputs = context.operation, context.inputs
    selected: list[Mapping[str, Any]] = []
    after, has_more = None, True
    while has_more:
        page = await _page(operation, inputs | {"after": after}, context.execute)
        selected += [edge["node"] for edge in page["edges"]]
        after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    secrets = (
        to_secrets(selected)
        if operation.is_legacy
        else to_variable_responses(selected, only_where_secret=inputs[ONLY_WHERE_SECRET])
    )
    content = orjson.dumps({"results": list(secrets)})
    response = Response(content, operation.status, media_type=_JSON)
    return context.preconditions.answer(response, context.tag_of_list(content), _REVALIDATED)


async def _page(operation: Operation, inputs: Inputs, execute: Execute) -> Mapping[str, Any]:
    scope = operation.scope or inputs["scope"]
    holder = _data(await execute(operation.document, inputs))["holder"]
    if holder is None or holder["kind"] != scope.camel_name:
        raise HolderNotFound(scope, inputs["holder"])
    page: Mapping[str, Any] = holder["visibleSecrets"]
    return page


async def _browse(context: _Context) -> Response:
    operation, inputs = context.operation, context.inputs
    ensure_own(inputs, context.organization_id)
    nodes: list[Mapping[str, Any]] = []
    after, has_more = None, True
    while has_more:
        data = _data(await context.execute(operation.document, inputs | {"after": after}))
        page = page_of(operation, inputs, data)
        nodes += [edge["node"] for edge in page["edges"]]
        after, has_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    rows = to_rows(operation, nodes, organization_id=context.organization_id)
    content = orjson.dumps({"results": list(rows)})
    response = Response(content, operation.status, media_type=_JSON)
    return context.preconditions.answer(response, context.tag_of_list(content), _REVALIDATED)


async def _read(context: _Context) -> Response:
    operation, inputs = context.operation, context.inputs
    secret = _data(await context.execute(operation.document, inputs))["secret"]
    if secret is None:
        raise SecretNotFound(inputs["target"])
    to_wire = to_secret if operation.is_legacy else to_variable_response
    response = JSONResponse(to_wire(secret), operation.status)
    return context.preconditions.answer(response, secret[ETAG], _REVALIDATED)


async def _deliver(context: _Context) -> Response:
    inputs = context.inputs
    if context.preconditions.if_match:
        # What is refused for its tag is not delivered before, nor recorded.
        await _probe(context)
    delivery = _data(await context.execute(context.operation.document, inputs))["delivery"]
    body = Response() if delivery["isUnchanged"] else to_response(inputs, delivery)
    return context.preconditions.answer(body, set_tag(delivery["fingerprint"]), {})


async def _probe(context: _Context) -> None:
    inputs = context.inputs | {"if_none_match": "*"}
    delivery = _data(await context.execute(context.operation.document, inputs))["delivery"]
    context.preconditions.answer(Response(), set_tag(delivery["fingerprint"]), {})


async def _write(context: _Context) -> Response:
    operation = context.operation
    secret = _payload(await context.execute(operation.document, context.inputs))["secret"]
    to_wire = to_secret if operation.is_legacy else to_variable_response
    return JSONResponse(to_wire(secret), operation.status, headers={"ETag": secret[ETAG]})


async def _delete(context: _Context) -> Response:
    operation = context.operation
    _payload(await context.execute(operation.document, context.inputs))
    return Response(status_code=operation.status)


async def _import(context: _Context) -> Response:
    operation = context.operation
    payload = _data(await context.execute(operation.document, context.inputs))["payload"]
    # Without a holder, the whole import failed; with one, an error concerns only its row.
    if payload["holder"] is None:
        raise _to_exception(payload["errors"][0])
    result = to_import_result(payload, public_rows=context.inputs[PUBLIC_ROWS])
    return JSONResponse(result, operation.status)


_RESPONDERS: Final[Mapping[Action, Callable[[_Context], Awaitable[Response]]]] = MappingProxyType(
    {
        Action.LIST: _list,
        Action.READ: _read,
        Action.BROWSE: _browse,
        Action.DELIVER: _deliver,
        Action.WRITE: _write,
        Action.DELETE: _delete,
        Action.IMPORT: _import,
    }
)


def _payload(result: ExecutionResult) -> Mapping[str, Any]:
    payload: Mapping[str, Any] = _data(result)["payload"]
    if payload["errors"]:
        raise _to_exception(payload["errors"][0])
    return payload


def _to_exception(error: Mapping[str, Any]) -> _ErrorInResult:
    return _ErrorInResult(ErrorCode(error["code"]), error["message"], to_problem_fields(error))


def _data(result: ExecutionResult) -> Mapping[str, Any]:
    if result.data is None or result.errors:
        error = result.errors[0]
        raise _ErrorInResult(ErrorCode(error["extensions"]["code"]), _detail(error), {})
    return result.data


def _detail(error: Mapping[str, Any]) -> str:
    field: str | None = error["extensions"].get("variable")
    message: str = error["message"]
    return f"The body's field `{field}` is missing or has the wrong type." if field else message
