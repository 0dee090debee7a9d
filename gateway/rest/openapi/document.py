"""Builds the OpenAPI 3.1 document from the models and the table that also builds the routes."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from gateway.domain.scopes import LEGACY_SCOPES
from gateway.http.requests import ORGANIZATION_HEADER, REQUEST_ID
from gateway.rest.bindings import IDEMPOTENCY_HEADER
from gateway.rest.delivery import KEY
from gateway.rest.openapi.bodies import Problem, RuntimeKey, RuntimeText
from gateway.rest.openapi.fields import (
    OMITTED,
    Body,
    Id,
    Json,
    Model,
    generate_parameters,
    generate_schemas,
)
from gateway.rest.openapi.operations import (
    HIERARCHY,
    IMPORTS,
    RUNTIME,
    VARIABLES,
    describe_errors,
    describe_operation,
)
from gateway.rest.operation import IF_MATCH, IF_NONE_MATCH
from gateway.rest.table import OPERATIONS

_INTRODUCTION: Final = """\
A secret belongs to a holder: a project, an environment, or a service. A service sees its own \
secrets, those of its environment and its project, and built-in ones. That line of holders is its \
chain, and along it each key belongs to one secret.

Values can be written but not read. Only the `/runtime` paths answer with them, need a permission \
of their own, and each delivery is in the audit log.

GraphQL offers the same operations at `/graphql`, for the same secrets with the same ids.

Every refusal has the same body, `application/problem+json`. Its `code` is for programs and never \
changes its meaning; its `detail` is for people."""
_TAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Project secrets": "Secrets of a project. All its environments and their services see "
        "them.",
        "Environment secrets": "Secrets of an environment. All its services see them.",
        "Application secrets": "Secrets of one application.",
        "Container secrets": "Secrets of one container.",
        "Job secrets": "Secrets of one job.",
        VARIABLES: "The same secrets as variables, for holders of any kind. Helm charts, Terraform "
        "stacks and agentic workflows have only these paths.",
        IMPORTS: "Import many secrets in one step.",
        HIERARCHY: "What there is, by name, for clients that find ids by names.",
        RUNTIME: "What services get at run time, with values and resolved references.",
    }
)
_SECURITY_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, or an access token of a trusted issuer.",
        },
        "ApiKeyAuth": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The same token in the original API's form, `Authorization: Token …`.",
        },
    }
)
_RESPONSE_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        REQUEST_ID: "The id of this request in the log: the plain id from the request's header of "
        "the same name, or else a new one.",
        "ETag": "The strong entity tag of the answer. A secret's tag changes with the secret and "
        "with its target. A list has its own tag, which no secret has.",
        "Cache-Control": "`private, no-cache`: a client can store the answer, but must revalidate "
        "it before each use. With values `no-store`: nothing between may store it.",
        "WWW-Authenticate": "How to authenticate.",
        "Retry-After": "The number of seconds to wait before trying again.",
    }
)


_IdempotencyKey = Annotated[str, Field(max_length=255, pattern="^[!-~]+$")]
_TAG: Final = r'(?:W/)?"[!#-~]*"'
_EntityTags = Annotated[str, Field(pattern=rf"^(?:\*|{_TAG}(?:, ?{_TAG})*)$")]


_OTHER_IDS: Final = {
    "secretId": "secret",
    "variableId": "secret",
    "serviceId": "service",
    "organizationId": "organization",
}


class Headers(Model):
    """The headers that operations can accept, besides the credential."""

    organization_id: Id = Field(
        default=OMITTED,
        alias=ORGANIZATION_HEADER,
        description="The organization of the request. A user of several organizations must name "
        "one; an API token belongs to only one.",
    )
    idempotency_key: _IdempotencyKey = Field(
        default=OMITTED,
        alias=IDEMPOTENCY_HEADER,
        description="A key that the client chooses for this request. The same request with the "
        "same key within 24 hours takes effect once and gets the same answer. A different request "
        "with that key is refused with 409. Refusals are not stored.",
    )
    if_match: _EntityTags = Field(
        default=OMITTED,
        alias=IF_MATCH,
        description="Entity tags, or `*` for any. If none of them is the current `ETag`, nothing "
        "is written and the answer is 412. A weak tag never matches, and a list's tag never "
        "matches a secret.",
    )
    if_none_match: _EntityTags = Field(
        default=OMITTED,
        alias=IF_NONE_MATCH,
        description="Entity tags of the client's copies, or `*` for any. If one of them is the "
        "current `ETag`, the answer is 304 without a body.",
    )


def openapi_document() -> Json:
    """Return the whole document."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        methods = paths.setdefault(operation.path, {})
        methods[operation.method.lower()] = describe_operation(operation)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Secrets Gateway: REST",
            "version": version("secrets-gateway"),
            "summary": "The paths of the original API, with the same services as GraphQL.",
            "description": _INTRODUCTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "security": [{name: []} for name in _SECURITY_SCHEMES],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": generate_schemas(_bodies()),
            "parameters": {each["name"]: each for each in _parameters()},
            "responses": {
                name: response
                for operation in OPERATIONS
                for name, response in describe_errors(operation).items()
            },
            "headers": {name: _header(text) for name, text in _RESPONSE_HEADERS.items()},
            "securitySchemes": dict(_SECURITY_SCHEMES),
        },
    }


def _bodies() -> Iterator[type[Body]]:
    for operation in OPERATIONS:
        yield from (body for body in (operation.request, operation.response) if body)
    yield from (RuntimeText, Problem)


def _parameters() -> Iterator[Json]:
    labels = {scope.id_argument: scope.label for scope in LEGACY_SCOPES}
    for name, label in {**labels, **_OTHER_IDS}.items():
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": TypeAdapter(Id).json_schema(),
            "description": f"The {label}'s id.",
        }
    yield {
        "name": KEY,
        "in": "path",
        "required": True,
        "schema": TypeAdapter(RuntimeKey).json_schema(),
        "description": "A key that the service gets.",
        "example": "PGPASSWORD",
    }
    yield from generate_parameters(Headers, "header")


def _header(description: str) -> Json:
    return {"description": description, "required": True, "schema": {"type": "string"}}
