"""Every place of every REST path that takes an input, and a request with a marker there."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from gateway.domain.holders import new_id
from gateway.rest.openapi.document import openapi_document
from tests.audit.markers import Kind, marker_for, new_marker

Json = dict[str, Any]
Ids = Mapping[str, str]
_DOCUMENT = openapi_document()


def _resolved(node: Any) -> Any:
    while "$ref" in node:
        _, *steps = node["$ref"].split("/")
        node = _DOCUMENT
        for step in steps:
            node = node[step]
    return node


def rest_requests(ids: Ids) -> Iterator[tuple[str, httpx.Request]]:
    """Give every marker with the request that carries it."""
    for path, methods in _DOCUMENT["paths"].items():
        for method, operation in methods.items():
            # What answers without a credential takes no input.
            if isinstance(operation, dict) and operation.get("security") != []:
                yield from _of_operation(method.upper(), path, operation, ids)


def _of_operation(
    method: str, path: str, operation: Json, ids: Ids
) -> Iterator[tuple[str, httpx.Request]]:
    parameters = [_resolved(item) for item in operation.get("parameters", [])]
    body = _example(operation)
    for parameter in parameters:
        is_path = parameter["in"] == "path"
        marker = new_marker(Kind.PATH) if is_path else marker_for(parameter["name"])
        known = {**ids, parameter["name"]: marker}
        yield marker, _request(method, path, parameters, body, known)
    for place in _places(body) if body else ():
        marker = marker_for(str(place[-1]))
        yield marker, _request(method, path, parameters, _with(body, place, marker), ids)


def _example(operation: Json) -> Any:
    if "requestBody" not in operation:
        return None
    schema = _resolved(operation["requestBody"]["content"]["application/json"]["schema"])
    return schema["examples"][0]


def _places(body: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(body, dict):
        for name, value in body.items():
            yield from ((name, *rest) for rest in _places(value))
    elif isinstance(body, list):
        for number, item in enumerate(body):
            yield from ((number, *rest) for rest in _places(item))
    else:
        yield ()


def _with(body: Any, place: tuple[Any, ...], marker: str) -> Any:
    changed = _fresh(copy.deepcopy(body))
    at = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = marker
    return changed


def _fresh(body: Any) -> Any:
    # The examples' keys are taken after the first request.
    for row in body.get("vars", [body]):
        for name in ("key", "name"):
            if name in row:
                row[name] = f"K_{new_id().replace('-', '')}"
    return body


def _request(
    method: str, path: str, parameters: list[Json], body: Any, known: Ids
) -> httpx.Request:
    named: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for parameter in parameters:
        name, where = parameter["name"], parameter["in"]
        given = known.get(name) or parameter.get("example")
        if given is not None:
            named[where][name] = str(given)
    url = re.sub(r"\{(\w+)\}", lambda item: named["path"].get(item[1], new_id()), path)
    return httpx.Request(
        method,
        f"http://gateway.test{url}",
        params=named["query"] or None,
        headers=named["header"],
        json=body,
    )
