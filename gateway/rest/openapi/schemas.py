"""Generates OpenAPI schemas from Pydantic models."""

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema
from pydantic_core.core_schema import CoreSchema

Json = dict[str, Any]

# The parts of a field's schema that belong to a parameter itself.
_PARAMETER_KEYS: Final = frozenset({"description", "example"})
# The default of a field that can be omitted but is never null.
OMITTED: Final[Any] = None


class Model(BaseModel):
    """An object. Fields that it does not declare are ignored."""

    # Only the engine of Python knows the lookaheads in the patterns.
    model_config = ConfigDict(regex_engine="python-re")


def example(**fields: JsonValue) -> ConfigDict:
    """Return the part of a model's configuration that adds an example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class OneOf(str):
    """One of some names. The docstring of a subclass is its description."""

    __slots__ = ()
    names: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, *, names: Iterable[str]) -> None:
        cls.names = tuple(map(str, names))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema([*cls.names], ref=cls.__name__)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Json:
        reference = handler(schema)
        handler.resolve_ref_schema(reference)["description"] = cls.__doc__
        return reference


class _Generator(GenerateJsonSchema):
    """Writes no titles and no defaults, and null only where a field declares it."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Json:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Json:
        inner = self.generate_inner(schema["schema"])
        return {**inner, "type": [inner["type"], "null"]}

    def model_schema(self, schema: core_schema.ModelSchema) -> Json:
        described = {"required": [], **super().model_schema(schema)}
        del described["title"]
        # A docstring of several paragraphs is one text.
        return described | {"description": " ".join(described["description"].split())}

    def field_title_should_be_set(self, _: object) -> bool:
        return False


def generate_schemas(models: Iterable[type[Model]]) -> dict[str, Json]:
    """Return the schemas of the models, and of all that they refer to, by their names."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Generator,
    )
    definitions: dict[str, Json] = schemas["$defs"]
    return definitions


def generate_parameters(model: type[Model], where: str) -> list[Json]:
    """Return the fields of a model as parameters in the path, the query or the headers."""
    schema = generate_schemas([model])[model.__name__]
    return [
        {
            "name": name,
            "in": where,
            "required": name in schema["required"],
            "schema": {key: part for key, part in field.items() if key not in _PARAMETER_KEYS},
            **{key: part for key, part in field.items() if key in _PARAMETER_KEYS},
        }
        for name, field in schema["properties"].items()
    ]
