"""What the OpenAPI document says to people, besides the rows' own summaries."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.http.requests import REQUEST_ID
from gateway.rest.rows import Action, Row

INTRODUCTION: Final = """\
A secret hangs on a holder: a project, an environment, or a service. A service sees its own \
secrets, those of its environment and its project, and built-in ones. That line of holders is its \
chain, and a key stands for one secret along it.

A value can be written, never read: no answer holds one.

What these paths do, GraphQL does too, at `/graphql`: the same secrets under the same ids.

Every refusal has the same body, `application/problem+json`. Its `code` is for programs and never \
changes its meaning; its `detail` is for people."""


class Tag(StrEnum):
    """The groups that rows are shown in; one for each scope with paths of its own."""

    PROJECT = "Project secrets"
    ENVIRONMENT = "Environment secrets"
    APPLICATION = "Application secrets"
    CONTAINER = "Container secrets"
    JOB = "Job secrets"
    VARIABLES = "Variables"
    IMPORTS = "Imports"


TAG_MEANINGS: Final[Mapping[Tag, str]] = MappingProxyType(
    {
        Tag.PROJECT: "Secrets of a project, seen by all its environments and their services.",
        Tag.ENVIRONMENT: "Secrets of an environment, seen by all its services.",
        Tag.APPLICATION: "Secrets of one application.",
        Tag.CONTAINER: "Secrets of one container.",
        Tag.JOB: "Secrets of one job.",
        Tag.VARIABLES: (
            "The same secrets by another name, for holders of any kind; Helm charts, Terraform "
            "stacks and agentic workflows have these paths only."
        ),
        Tag.IMPORTS: "Many secrets in one step.",
    },
)

SECURITY_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, or an access token of an issuer that is trusted.",
        },
        "ApiKeyAuth": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The same token the original way, as `Authorization: Token …`.",
        },
    },
)

HEADER_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        REQUEST_ID: (
            "Names this request in the log: the plain id that the request gave in a header of the "
            "same name, else a new one."
        ),
        "ETag": (
            "The strong entity tag of what is answered. That of a secret changes with it and with "
            "what it refers to; a list has a tag of its own, which no secret has."
        ),
        "Cache-Control": "`private, no-cache`: a client can keep the answer, and asks each time.",
        "WWW-Authenticate": "How to authenticate.",
        "Retry-After": "After how many seconds to try again.",
    },
)

_CREATION: Final = (
    "The key has to be free along the chain, above and below the holder. Nothing is ever replaced."
)
_EDIT: Final = (
    "What is left out stays; a description of null is taken away. Aliases and overrides follow "
    "their target. An override keeps its target's key; an alias and what an external manager keeps "
    "have no value to change."
)
_ALIAS: Final = (
    "An alias follows its target whatever becomes of it, and goes with it. The target hangs on the "
    "holder or above it in its chain, and is no alias itself."
)
_OVERRIDE: Final = (
    "An override has its target's key and a value of its own. The target hangs above the holder "
    "in its chain, and is a value, a file, or an external manager's secret."
)
_DETAILS: Final[Mapping[Action | str, str]] = MappingProxyType(
    {
        Action.LIST: (
            "By scope, widest first, and a target before its aliases and overrides. All at once: "
            "there are no pages. What is overridden is listed beside its override."
        ),
        Action.READ: "Its `ETag` is for `If-Match` of a change or deletion.",
        Action.DELETE: "What refers to it goes in the same step. There is no way back.",
        "SecretRequest": _CREATION,
        "VariableRequest": _CREATION,
        "SecretEditRequest": _EDIT,
        "VariableEditRequest": _EDIT,
        "Key": _ALIAS,
        "VariableAliasRequest": _ALIAS,
        "Value": _OVERRIDE,
        "VariableOverrideRequest": _OVERRIDE,
        "VariableImportRequest": (
            "A key that is new is created, one that its scope has is updated or skipped, one that "
            "a wider scope has is overridden, and one that a narrower scope has fails. A row that "
            "fails does so alone, and is left out of the answer."
        ),
    },
)


def detail_of(row: Row) -> str:
    """Return what a row does beyond its summary."""
    return _DETAILS[row.request or row.action]
