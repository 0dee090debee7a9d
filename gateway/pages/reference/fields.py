"""Renders schemas: one line per field, with its type and constraints."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from markupsafe import Markup

from gateway.pages.html import code, element, joined, link, prose, table

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
    """Return an object's fields as a table, or the names of an enum as a line."""
    if "enum" in schema:
        return element("p", *_names(schema["enum"]), class_="names")
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
    kind = joined((facts["in"], _type(facts["schema"])), _DOT)
    meaning = _meaning({**facts["schema"], "description": facts["description"]})
    return _name(facts["name"], kind, required=facts["required"]), meaning


def _name(name: str, kind: Markup, *, required: bool) -> Markup:
    # Long names can break between their words.
    words = element("code", joined(name.split("_"), Markup("_<wbr>")))
    kinds = joined((kind, _REQUIRED), _DOT) if required else kind
    return joined((words, element("div", kinds, class_="kind")))


def _type(schema: Schema) -> Markup:
    if "$ref" in schema:
        return schema_link(name_in(schema["$ref"]))
    if schema["type"] == "array":
        return joined(("list of ", _type(schema["items"])))
    types = schema["type"]
    named = " or ".join([types] if isinstance(types, str) else types)
    return joined((named, *((", ", schema["format"]) if "format" in schema else ())))


def _meaning(schema: Schema) -> Markup:
    description = prose(schema.get("description", ""))
    limits = joined(_limits(schema), _DOT)
    parts = [description] if description else []
    parts += [element("span", limits, class_="limits")] if limits else []
    return joined(parts, " ")


def _limits(schema: Schema) -> Iterator[Markup]:
    if "const" in schema:
        yield joined(("always ", code(str(schema["const"]).lower())))
    if "maxLength" in schema:
        yield joined((f"at most {schema['maxLength']:,} characters",))
    if "maxItems" in schema:
        yield joined((f"at most {schema['maxItems']:,} items",))
    # A UUID's pattern adds only the lower case to its format.
    if schema.get("format") == "uuid":
        yield Markup("lower case")
    elif "pattern" in schema:
        yield code(schema["pattern"])
    if "not" in schema:
        yield joined(("without ", code(schema["not"]["pattern"])))


def _names(names: list[str]) -> Iterator[Markup]:
    for name in names:
        yield code(name)
        yield Markup(" ")
