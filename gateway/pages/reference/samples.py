"""Sample requests and responses, built from the document's examples."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.pages.reference.fields import Schema, name_in

_CONTINUED: Final = " \\\n  "
_SHORT: Final = 60
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def curl(method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]) -> str:
    """Return an operation as a curl command with the address, token and ids as variables."""
    return _CONTINUED.join(_parts(method, path, operation, schemas))


def example_of(content: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - any JSON
    """Return the example of a body from its schema."""
    (media_type,) = content.values()
    return schemas[name_in(media_type["schema"]["$ref"])]["examples"][0]


def pretty(example: object) -> str:
    """Return formatted JSON, in one line if it fits."""
    short = json.dumps(example, ensure_ascii=False)
    return short if len(short) <= _SHORT else json.dumps(example, ensure_ascii=False, indent=2)


def _parts(
    method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]
) -> Iterator[str]:
    # curl defaults to POST with a body, and to GET without one.
    chosen = "" if method in {"get", "post"} else f"-X {method.upper()} "
    yield f'curl -sS {chosen}"$ADDRESS{_fill_path(path)}{_query(operation)}"'
    yield '-H "Authorization: Bearer $TOKEN"'
    if body := operation.get("requestBody"):
        yield "-H 'Content-Type: application/json'"
        yield f"-d {shlex.quote(pretty(example_of(body['content'], schemas)))}"


def _fill_path(path: str) -> str:
    return _PLACEHOLDER.sub(lambda found: _variable(found[1]), path)


def _query(operation: Schema) -> str:
    wanted = [
        f"{each['name']}={each.get('example', _variable(each['name']))}"
        for each in operation["parameters"]
        if each.get("in") == "query" and each["required"]
    ]
    return f"?{'&'.join(wanted)}" if wanted else ""


def _variable(name: str) -> str:
    return f"${_HUMP.sub('_', name).upper()}"
