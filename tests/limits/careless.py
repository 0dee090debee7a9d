"""A server that takes and tells everything: what probes have to find something in."""

import json
import traceback
from typing import Any, Final
from urllib.parse import parse_qs

from graphql import (
    ExecutionResult,
    GraphQLError,
    build_schema,
    execute_sync,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import MaxIntrospectionDepthRule
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from schema.snapshot import SNAPSHOT

_SCHEMA: Final = build_schema(SNAPSHOT.read_text(encoding="utf-8"))
_RULES: Final = [rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule]


async def _answer(request: Request) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse("<title>GraphiQL</title>")
    asked = await _asked(request)
    answer = [_reported(item) for item in asked] if isinstance(asked, list) else _reported(asked)
    return JSONResponse(answer)


async def _asked(request: Request) -> Any:
    if request.method == "GET":
        return dict(request.query_params)
    body = (await request.body()).decode()
    if "urlencoded" in request.headers["content-type"]:
        return {name: values[0] for name, values in parse_qs(body).items()}
    return json.loads(body)


def _reported(asked: Any) -> dict[str, Any]:
    result = _result(asked["query"])
    answer: dict[str, Any] = {"extensions": {"tracing": {"version": 1}}}
    if result.errors:
        answer["errors"] = [
            {
                "message": error.message,
                "extensions": {"exception": traceback.format_exception(error)},
            }
            for error in result.errors
        ]
    return answer | {"data": result.data}


def _result(text: str) -> ExecutionResult:
    try:
        document = parse(text)
    except GraphQLError as error:
        return ExecutionResult(None, [error])
    errors = validate(_SCHEMA, document, _RULES)
    return ExecutionResult(None, errors) if errors else execute_sync(_SCHEMA, document)


CARELESS: Final = Starlette(
    routes=[Route("/{path:path}", _answer, methods=["GET", "POST"])],
)
