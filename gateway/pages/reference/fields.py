"""Fields and sample calls of the REST reference."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from markupsafe import Markup

from gateway.pages.layout import code, element, join, link, prose, table

Schema = Mapping[str, Any]

_DOT: Final = Markup(" · ")
_REQUIRED: Final = element("b", "required")


def name_in(reference: str) -> str:
    """Return the name at the end of a reference."""
    return reference.rsplit("/", 1)[-1]


def schema_link(name: str) -> Markup:
    """Return a link to the full schema."""
    return link(f"#schema-{name}", code(name))


def schema_table(schema: Schema) -> Markup:
    """Return an object's fields as a table, the names of an enum or another type as a line."""
    if "enum" in schema:
        return element("p", *_names(schema["enum"]), class_="names")
    if "properties" not in schema:
        return element("p", _type(schema), class_="names")
    required = schema["required"]
    fields = schema["properties"].items()
    return table(
        ("Field", "Meaning"),
        (
            (_name(name, _type(shape), required=name in required), _meaning(shape))
            for name, shape in fields
        ),
    )


def parameter_table(parameters: list[Schema]) -> Markup:
    """Return an operation's parameters as a table."""
    return table(("Parameter", "Meaning"), map(_parameter, parameters))


def _parameter(facts: Schema) -> tuple[Markup, Markup]:
    kind = join((facts["in"], _type(facts["schema"])), _DOT)
    meaning = _meaning({**facts["schema"], "description": facts["description"]})
    return _name(facts["name"], kind, required=facts["required"]), meaning


def _name(name: str, kind: Markup, *, required: bool) -> Markup:
    # Long names can break between their words.
    words = element("code", join(name.split("_"), Markup("_<wbr>")))
    kinds = join((kind, _REQUIRED), _DOT) if required else kind
    return join((words, element("div", kinds, class_="kind")))


def _type(schema: Schema) -> Markup:
    if "$ref" in schema:
        return schema_link(name_in(schema["$ref"]))
    if schema["type"] == "array":
        return join(("list of ", _type(schema["items"])))
    types = schema["type"]
    named = " or ".join([types] if isinstance(types, str) else types)
    return join((named, *((", ", schema["format"]) if "format" in schema else ())))


def _meaning(schema: Schema) -> Markup:
    description = prose(schema.get("description", ""))
    limits = join(_limits(schema), _DOT)
    parts = [description] if description else []
    parts += [element("span", limits, class_="limits")] if limits else []
    return join(parts, " ")


def _limits(schema: Schema) -> Iterator[Markup]:
    if "const" in schema:
        yield join(("always ", code(str(schema["const"]).lower())))
    if "enum" in schema:
        yield join(map(code, schema["enum"]), ", ")
    if "maxLength" in schema:
        yield join((f"at most {schema['maxLength']:,} characters",))
    if "maxItems" in schema:
        yield join((f"at most {schema['maxItems']:,} items",))
    # A UUID's pattern adds only the lower case to its format.
    if schema.get("format") == "uuid":
        yield Markup("lower case")
    elif "pattern" in schema:
        yield code(schema["pattern"])
    if "not" in schema:
        yield join(("without ", code(schema["not"]["pattern"])))


def _names(names: list[str]) -> Iterator[Markup]:
    for name in names:
        yield code(name)
        yield Markup(" ")


_CONTINUED: Final = " \\\n  "
_SHORT: Final = 60
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def curl(method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]) -> str:
    """Return an operation as a curl command with the address, token and ids as variables."""
    return _CONTINUED.join(_parts(method, path, operation, schemas))


def example_of(content: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - any JSON
    """Return the example of a body from its schema."""
    media_type = next(iter(content.values()))
    return schemas[name_in(media_type["schema"]["$ref"])]["examples"][0]


def pretty(example: object) -> str:
    """Return formatted JSON, in one line if it fits; a text as it is."""
    if isinstance(example, str):
        return example
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
