"""The texts of the OpenAPI document, besides the summaries of the rows."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.http.requests import REQUEST_ID
from gateway.rest.rows import Action, Row

INTRODUCTION: Final = """\
A secret belongs to a holder: a project, an environment, or a service. A service sees its own \
secrets, those of its environment and its project, and built-in ones. That line of holders is its \
chain, and along it each key belongs to one secret.

Values can be written but not read: no answer contains one.

GraphQL offers the same operations at `/graphql`, for the same secrets with the same ids.

Every refusal has the same body, `application/problem+json`. Its `code` is for programs and never \
changes its meaning; its `detail` is for people."""


class Tag(StrEnum):
    """The groups of the operations: one for each scope with its own paths, and two more."""

    PROJECT = "Project secrets"
    ENVIRONMENT = "Environment secrets"
    APPLICATION = "Application secrets"
    CONTAINER = "Container secrets"
    JOB = "Job secrets"
    VARIABLES = "Variables"
    IMPORTS = "Imports"


TAG_MEANINGS: Final[Mapping[Tag, str]] = MappingProxyType(
    {
        Tag.PROJECT: "Secrets of a project. All its environments and their services see them.",
        Tag.ENVIRONMENT: "Secrets of an environment. All its services see them.",
        Tag.APPLICATION: "Secrets of one application.",
        Tag.CONTAINER: "Secrets of one container.",
        Tag.JOB: "Secrets of one job.",
        Tag.VARIABLES: (
            "The same secrets as variables, for holders of any kind. Helm charts, Terraform stacks "
            "and agentic workflows have only these paths."
        ),
        Tag.IMPORTS: "Import many secrets in one step.",
    },
)

SECURITY_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
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
    },
)

HEADER_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        REQUEST_ID: (
            "The id of this request in the log: the plain id from the request's header of the same "
            "name, or else a new one."
        ),
        "ETag": (
            "The strong entity tag of the answer. A secret's tag changes with the secret and with "
            "its target. A list has its own tag, which no secret has."
        ),
        "Cache-Control": (
            "`private, no-cache`: a client can store the answer, but must revalidate it before "
            "each use."
        ),
        "WWW-Authenticate": "How to authenticate.",
        "Retry-After": "The number of seconds to wait before trying again.",
    },
)

_CREATION: Final = (
    "The key must be free along the chain, above and below the holder. An existing secret is never "
    "replaced."
)
_EDIT: Final = (
    "Omitted fields stay as they are; a description of null is removed. Aliases and overrides "
    "follow their target. An override keeps its target's key. An alias, or a secret of an external "
    "manager, has no value to change."
)
_ALIAS: Final = (
    "An alias always follows its target, and is deleted with it. The target must belong to the "
    "holder or to one above it in its chain, and must not be an alias."
)
_OVERRIDE: Final = (
    "An override has its target's key and a value of its own. The target must belong to a holder "
    "above this one in its chain. It must be a value, a file, or a secret of an external manager."
)
_DETAILS: Final[Mapping[Action | str, str]] = MappingProxyType(
    {
        Action.LIST: (
            "The secrets are ordered by scope, widest first, with a target before its aliases and "
            "overrides. There are no pages. An overridden secret is listed beside its override."
        ),
        Action.READ: "Send the `ETag` as `If-Match` to change or delete exactly this state.",
        Action.DELETE: (
            "The aliases and overrides of the secret are deleted in the same step. This cannot be "
            "undone."
        ),
        "SecretRequest": _CREATION,
        "VariableRequest": _CREATION,
        "SecretEditRequest": _EDIT,
        "VariableEditRequest": _EDIT,
        "Key": _ALIAS,
        "VariableAliasRequest": _ALIAS,
        "Value": _OVERRIDE,
        "VariableOverrideRequest": _OVERRIDE,
        "VariableImportRequest": (
            "A new key is created. A key that its scope already has is updated or skipped, a key "
            "of a wider scope is overridden, and a key of a narrower scope fails. A row fails "
            "alone, and is omitted from the answer."
        ),
    },
)


def detail_of(row: Row) -> str:
    """Return the description of a row, beyond its summary."""
    return _DETAILS[row.request or row.action]
