"""Which issuers are trusted, and with what; written by the operator."""

from enum import StrEnum
from typing import Annotated, Final, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Algorithm(StrEnum):
    """How a token may be signed: only ways in which whoever verifies cannot sign."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    EDDSA = "EdDSA"


def is_safe_url(url: str) -> bool:
    """Tell whether what comes from there is what its owner sent: https, or this very machine."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return _is_plain(url) and _has_safe_authority(parts) and not parts.fragment


def is_encrypted(url: str) -> bool:
    """Tell whether nobody on the way can read or change what the URL answers."""
    return urlsplit(url).scheme == "https"


def _is_plain(url: str) -> bool:
    # The parser drops line breaks and the like without a word; then two readers see two URLs.
    return url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')


def _has_safe_authority(parts: SplitResult) -> bool:
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return is_safe and bool(parts.hostname) and "@" not in parts.netloc


def _safe_url(url: str) -> str:
    if not is_safe_url(url):
        message = "is not a URL with https (http is for this machine alone)"
        raise ValueError(message)
    return url


def _issuer_url(url: str) -> str:
    if "?" in url:
        message = "has a query, which an issuer's URL has not"
        raise ValueError(message)
    return _safe_url(url)


Words = Annotated[frozenset[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Issuer(BaseModel):
    """One issuer whose tokens are accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    issuer: Annotated[str, Field(max_length=255), AfterValidator(_issuer_url)] = Field(
        description="The issuer's URL, exactly as tokens have it in `iss`."
    )
    audiences: Words = Field(description="What may stand in `aud`, exactly; one of them is enough.")
    algorithms: Annotated[frozenset[Algorithm], Field(min_length=1)] = Field(
        default=frozenset({Algorithm.RS256, Algorithm.ES256, Algorithm.EDDSA}),
        description="How tokens may be signed; never with a shared secret.",
    )
    types: Annotated[frozenset[str], Field(min_length=1)] = Field(
        default=frozenset({"at+jwt"}),
        description="What may stand in the header's `typ`; an empty text: no `typ` at all.",
    )
    jwks_url: Annotated[str, AfterValidator(_safe_url)] | None = Field(
        default=None,
        description="Where the keys are; found in the issuer's OpenID configuration if not set.",
    )
    leeway_seconds: Annotated[int, Field(ge=0, le=30)] = Field(
        default=10, description="By how much the issuer's clock may differ; at most 30."
    )
    refresh_seconds: Annotated[int, Field(ge=30, le=3_600)] = Field(
        default=300, description="After how long, at most, a key that was withdrawn is refused."
    )
    stale_seconds: Annotated[int, Field(ge=30, le=86_400)] = Field(
        default=3_600,
        description="How long known keys serve while the issuer does not answer with any.",
    )

    @model_validator(mode="after")
    def _is_stale_after_it_is_due(self) -> Self:
        if self.stale_seconds < self.refresh_seconds:
            message = "stale_seconds is less than refresh_seconds"
            raise ValueError(message)
        return self

    @property
    def configuration_url(self) -> str:
        """Where the issuer says where its keys are."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
