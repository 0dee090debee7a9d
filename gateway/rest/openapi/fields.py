"""Models and their fields, from which the schemas of the OpenAPI document are generated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema
from pydantic_core.core_schema import CoreSchema

from gateway.domain.content import (
    MAX_DESCRIPTION_LENGTH,
    MAX_FILE_NAME_BYTES,
    MAX_KEY_LENGTH,
    MAX_MOUNT_PATH_LENGTH,
    MAX_VALUE_BYTES,
    RESERVED_PREFIX,
)
from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import HOLDER_SCOPES, LEGACY_SCOPES, Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.rest.wire import EXTERNAL_TYPES, NEWER_SERVICE_TYPES

Json = dict[str, Any]
# What a schema describes: an object with declared fields, or another root.
Body = BaseModel

# The parts of a field's schema that belong to a parameter itself.
_PARAMETER_KEYS: Final = frozenset({"description", "example"})
# The default of a field that can be omitted but is never null.
OMITTED: Final[Any] = None


class Model(BaseModel):
    """An object. Fields that it does not declare are ignored."""

    # Only the engine of Python knows the lookaheads in the patterns.
    model_config = ConfigDict(regex_engine="python-re")


@dataclass(frozen=True, slots=True)
class GraphQLName:
    """Names the GraphQL field of a field if it is not the same name in camelCase."""

    name: str | None


# The request is bound, or the answer filled, by code.
NOT_IN_DOCUMENT: Final = GraphQLName(None)


@cache
def graphql_names(model: type[Model]) -> Mapping[str, str]:
    """Return the fields that documents pass or select, with their names in GraphQL."""
    marked = {
        name: next((mark for mark in field.metadata if isinstance(mark, GraphQLName)), None)
        for name, field in model.model_fields.items()
    }
    named = {name: mark.name if mark else to_camel(name) for name, mark in marked.items()}
    return MappingProxyType({name: graphql for name, graphql in named.items() if graphql})


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


def generate_schemas(models: Iterable[type[Body]]) -> dict[str, Json]:
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


_ANY_CASE: Final = "".join(
    f"[{letter}{letter.lower()}]" if letter.isalpha() else letter for letter in RESERVED_PREFIX
)
_KEY_PATTERN: Final = rf"^(?!{_ANY_CASE})[A-Za-z][A-Za-z0-9_]*$"
_ID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
# Absolute and normal, outside the kernel's folders, each name as long as file systems take if it is
# ASCII; the empty one is no path.
_MOUNT_PATH_PATTERN: Final = (
    r"^$|^(?!/(?:proc|sys|dev)(?:/|$))(?:/(?!\.{1,2}(?:/|$))"
    rf"[^/\x00-\x1f\x7f-\x9f]{{1,{MAX_FILE_NAME_BYTES}}})+$"
)
# Without the type, the condition would also match null and forbid it.
_NO_NUL: Final[dict[str, Any]] = {"not": {"type": "string", "pattern": r"\x00"}}


class APIVariableScopeEnum(OneOf, names=Scope):
    """The scope that a secret belongs to, widest first. All kinds of service are equally narrow."""


class APIVariableTypeEnum(OneOf, names=SecretType):
    """The kind of a secret."""


class LinkedServiceTypeEnum(OneOf, names=ServiceType):
    """A kind of service that a secret belongs to or comes from."""


# The legacy paths show neither external secrets nor newer kinds of service.
class SecretScopeEnum(APIVariableScopeEnum, names=(Scope.BUILT_IN, *LEGACY_SCOPES)):
    """The scope that a secret of these paths belongs to, widest first."""


class SecretTypeEnum(APIVariableTypeEnum, names=[t for t in SecretType if t not in EXTERNAL_TYPES]):
    """The kind of a secret of these paths."""


class SecretServiceTypeEnum(
    LinkedServiceTypeEnum, names=[t for t in ServiceType if t not in NEWER_SERVICE_TYPES]
):
    """A kind of service that a secret of these paths belongs to or comes from."""


class HolderScopeEnum(OneOf, names=HOLDER_SCOPES):
    """A kind of holder."""


class ErrorCodeEnum(OneOf, names=ErrorCode):
    """The error codes. Each keeps its meaning."""


# A string, since `UUID` accepts other forms too.
Id = Annotated[str, Field(pattern=_ID_PATTERN, json_schema_extra={"format": "uuid"})]
HolderId = Annotated[Id, Field(description="The holder's id."), NOT_IN_DOCUMENT]
HolderScope = Annotated[
    HolderScopeEnum, Field(description="The kind of the holder."), NOT_IN_DOCUMENT
]
QueriedScope = Annotated[HolderScope, Field(json_schema_extra={"example": Scope.JOB})]
SecretScope = Annotated[
    APIVariableScopeEnum, Field(description="The scope that the secret belongs to.")
]
SecretKey = Annotated[
    str,
    Field(
        max_length=MAX_KEY_LENGTH,
        pattern=_KEY_PATTERN,
        description="The key: a letter, then letters, digits and underscores. It must be free "
        "along the holder's chain. Keys that begin with `QOVERY_` belong to the platform.",
    ),
]
_Value = Annotated[str, Field(max_length=MAX_VALUE_BYTES, json_schema_extra=_NO_NUL)]
SecretValue = Annotated[
    _Value, Field(description="The value, at most 64 KiB of UTF-8. It is encrypted at once.")
]
OptionalValue = Annotated[
    _Value, Field(description="The value, at most 64 KiB of UTF-8; empty if omitted or null.")
]
NewValue = Annotated[
    _Value,
    Field(
        description="The new value. If omitted or null, the value stays; an empty text clears it. "
        "An alias has no value of its own; for an alias, its target's key here counts as no change."
    ),
]
MountPath = Annotated[
    str,
    Field(
        max_length=MAX_MOUNT_PATH_LENGTH,
        pattern=_MOUNT_PATH_PATTERN,
        description="The absolute path to mount the secret at, outside `/proc`, `/sys` and `/dev`. "
        "It makes the secret a file.",
    ),
]
Description = Annotated[
    str,
    Field(
        max_length=MAX_DESCRIPTION_LENGTH,
        json_schema_extra=_NO_NUL,
        description="A description for people.",
    ),
]
Interpolation = Annotated[
    bool,
    Field(description="Whether a delivery replaces keys in double braces in a file's content."),
]
