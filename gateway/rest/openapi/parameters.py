"""The query parameters and headers of requests."""

from typing import Annotated, Final

from pydantic import Field

from gateway.domain.scopes import Scope
from gateway.http.requests import ORGANIZATION_HEADER
from gateway.rest.bindings import IDEMPOTENCY_HEADER
from gateway.rest.openapi.fields import OMITTED, HolderId, HolderScope, Id, Model
from gateway.rest.operation import IF_MATCH, IF_NONE_MATCH

_QueriedScope = Annotated[HolderScope, Field(json_schema_extra={"example": Scope.JOB})]
_IdempotencyKey = Annotated[str, Field(max_length=255, pattern="^[!-~]+$")]
_TAG: Final = r'(?:W/)?"[!#-~]*"'
_EntityTags = Annotated[str, Field(pattern=rf"^(?:\*|{_TAG}(?:, ?{_TAG})*)$")]


class ListQuery(Model):
    """The query parameters of the list of variables."""

    parent_id: HolderId
    scope: _QueriedScope
    is_secret: bool = Field(
        default=OMITTED,
        description="Set `false` to list only external secrets, or `true` to list all others.",
    )


class ImportQuery(Model):
    """The query parameters of the import."""

    service_id: HolderId
    service_type: _QueriedScope


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
