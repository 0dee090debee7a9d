"""The endpoint factory for the REST API.

It depends neither on Strawberry nor on the schema; the executor is passed in.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.delivery_requests import set_tag
from gateway.domain.request_records import note_operation
from gateway.http.json_body import read_json_object
from gateway.http.problems import problem
from gateway.http.requests import header_of
from gateway.rest.bindings import (
    IDEMPOTENCY_HEADER,
    PUBLIC_ROWS,
    Inputs,
    InvalidField,
    RestRequest,
)
from gateway.rest.delivery import to_response
from gateway.rest.operation import Action, Operation, Preconditions
from gateway.rest.reading import Reading, TagOfList
from gateway.rest.results import ErrorInResult, data_of, payload_of, to_exception
from gateway.rest.table import OPERATIONS
from gateway.rest.wire import (
    ETAG,
    to_import_result,
    to_secret,
    to_variable_response,
)
from gateway.services.execution import Execute, ExecutorFactory


@dataclass(frozen=True, slots=True)
class _Context:
    operation: Operation
    inputs: Inputs = field(repr=False)
    execute: Execute
    preconditions: Preconditions


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
        reading = Reading.of(operation, inputs, preconditions, principal)
        if reading is not None and (known := await reading.recall()) is not None:
            return known
        async with open_executor(principal) as execute:
            context = _Context(operation, inputs, execute, preconditions)
            try:
                if reading is not None:
                    return await reading.run(execute, tag_of_list)
                return await _RESPONDERS[operation.action](context)
            except ErrorInResult as error:
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


async def _deliver(context: _Context) -> Response:
    inputs = context.inputs
    if context.preconditions.if_match:
        # What is refused for its tag is not delivered before, nor recorded.
        await _probe(context)
    delivery = data_of(await context.execute(context.operation.document, inputs))["delivery"]
    body = Response() if delivery["isUnchanged"] else to_response(inputs, delivery)
    return context.preconditions.answer(body, set_tag(delivery["fingerprint"]), {})


async def _probe(context: _Context) -> None:
    inputs = context.inputs | {"if_none_match": "*"}
    delivery = data_of(await context.execute(context.operation.document, inputs))["delivery"]
    context.preconditions.answer(Response(), set_tag(delivery["fingerprint"]), {})


async def _write(context: _Context) -> Response:
    operation = context.operation
    secret = payload_of(await context.execute(operation.document, context.inputs))["secret"]
    to_wire = to_secret if operation.is_legacy else to_variable_response
    return JSONResponse(to_wire(secret), operation.status, headers={"ETag": secret[ETAG]})


async def _delete(context: _Context) -> Response:
    operation = context.operation
    payload_of(await context.execute(operation.document, context.inputs))
    return Response(status_code=operation.status)


async def _import(context: _Context) -> Response:
    operation = context.operation
    payload = data_of(await context.execute(operation.document, context.inputs))["payload"]
    # Without a holder, the whole import failed; with one, an error concerns only its row.
    if payload["holder"] is None:
        raise to_exception(payload["errors"][0])
    result = to_import_result(payload, public_rows=context.inputs[PUBLIC_ROWS])
    return JSONResponse(result, operation.status)


_RESPONDERS: Final[Mapping[Action, Callable[[_Context], Awaitable[Response]]]] = MappingProxyType(
    {
        Action.DELIVER: _deliver,
        Action.WRITE: _write,
        Action.DELETE: _delete,
        Action.IMPORT: _import,
    }
)
