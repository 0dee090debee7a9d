"""What a service gets, as a response: one JSON object, a text for another program, or one value."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, TypeVar

import orjson
from starlette.responses import Response

from gateway.domain.content import is_key
from gateway.domain.delivery_formats import DeliveryFormat
from gateway.domain.env_files import (
    docker_text,
    dotenv_text,
    file_marks,
    kubernetes_name,
    kubernetes_text,
    shell_text,
)
from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.interpolation import OnUnresolved
from gateway.rest.bindings import Inputs, InvalidField, RestRequest

Name = TypeVar("Name", bound=StrEnum)
Selected = Mapping[str, Any]

# Inputs that only the answer needs.
FORMAT: Final = "format"
KEY: Final = "key"
DELIVERY_DOCUMENT: Final = """
query delivery(
  $service: ID!, $keys: [String!], $files: Boolean!, $on_unresolved: OnUnresolved!
  $if_none_match: String, $fitting: DeliveryFormat
) {
  delivery(
    serviceId: $service, keys: $keys, withFiles: $files, onUnresolved: $on_unresolved
    ifNoneMatch: $if_none_match, format: $fitting
  ) {
    serviceName fingerprint isUnchanged
    secrets { key value isFile file { mountPath content } }
  }
}
"""


class Include(StrEnum):
    FILES = "files"


class UnknownKey(GatewayError):
    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("The service has no secret with this key.")


def requested_set(request: RestRequest) -> Inputs:
    """Bind a delivery of all keys, or of those that the query lists."""
    keys = request.query.get("keys")
    form = _named(request, FORMAT, DeliveryFormat) or DeliveryFormat.JSON
    chosen = {"keys": None if keys is None else keys.split(","), FORMAT: form, "fitting": form.name}
    inputs = _inputs(request) | chosen
    if inputs["files"] and form not in {DeliveryFormat.JSON, DeliveryFormat.K8S}:
        message = f"The format {form} cannot hold the contents of files. Use `json` or `k8s`."
        raise InvalidField(message)
    return inputs


def requested_key(request: RestRequest) -> Inputs:
    """Bind a delivery of the one key in the path."""
    key = request.path[KEY]
    if not is_key(key):
        raise UnknownKey
    return _inputs(request) | {"keys": [key], KEY: key}


def _inputs(request: RestRequest) -> Inputs:
    return {
        "service": request.path["serviceId"],
        "files": _named(request, "include", Include) is not None,
        "on_unresolved": _named(request, "onUnresolved", OnUnresolved) or OnUnresolved.KEEP,
        "if_none_match": request.if_none_match,
    }


def _named(request: RestRequest, parameter: str, names: type[Name]) -> Name | None:
    """Return what a query parameter names.

    Raises:
        InvalidField: if it is not one of the names.

    """
    given = request.query.get(parameter)
    if given is None:
        return None
    if given not in set(names):
        message = f"`{parameter}` must be one of {', '.join(names)}."
        raise InvalidField(message)
    return names(given)


def to_response(inputs: Inputs, delivery: Selected) -> Response:
    """Return the body of a delivery.

    Raises:
        UnknownKey: if the service does not have the key in the path.
        InvalidInput: naming the keys that the format cannot hold.

    """
    secrets: Sequence[Selected] = delivery["secrets"]
    if FORMAT in inputs:
        return _WRITERS[inputs[FORMAT]](delivery["serviceName"], secrets)
    if not secrets:
        raise UnknownKey
    (secret,) = secrets
    return _text(secret["file"]["content"] if secret["file"] else secret["value"])


def _json(_: str, secrets: Sequence[Selected]) -> Response:
    content = orjson.dumps({**_variables(secrets), **_contents_by_path(secrets)})
    return Response(content, media_type="application/json")


def _contents_by_path(secrets: Sequence[Selected]) -> Mapping[str, str]:
    # No key begins with a slash, so a path is never the name of a variable.
    contents: dict[str, str] = {}
    for file in filter(None, (item["file"] for item in secrets)):
        # An alias of a file is the same file.
        if contents.setdefault(file["mountPath"], file["content"]) != file["content"]:
            message = f"Two files with different contents have the path {file['mountPath']}."
            raise InvalidField(message)
    return contents


def _kubernetes(service_name: str, secrets: Sequence[Selected]) -> Response:
    contents = {item["key"]: item["file"]["content"] for item in secrets if item["file"]}
    return _text(kubernetes_text(kubernetes_name(service_name), _variables(secrets), contents))


def _marked(text_of: Callable[[Mapping[str, str]], str]) -> "_Writer":
    def write(_: str, secrets: Sequence[Selected]) -> Response:
        marks = file_marks({item["key"]: item["value"] for item in secrets if item["isFile"]})
        return _text(text_of(_variables(secrets)) + marks)

    return write


def _variables(secrets: Sequence[Selected]) -> dict[str, str]:
    return {item["key"]: item["value"] for item in secrets}


def _text(content: str) -> Response:
    return Response(content, HTTPStatus.OK, media_type="text/plain")


_Writer = Callable[[str, Sequence[Selected]], Response]
_WRITERS: Final[Mapping[DeliveryFormat, _Writer]] = MappingProxyType(
    {
        DeliveryFormat.JSON: _json,
        DeliveryFormat.DOTENV: _marked(dotenv_text),
        DeliveryFormat.SHELL: _marked(shell_text),
        DeliveryFormat.DOCKER: _marked(docker_text),
        DeliveryFormat.K8S: _kubernetes,
    }
)
