"""The trusted issuers and their settings, written by the operator."""

from enum import StrEnum
from typing import Annotated, Final, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Algorithm(StrEnum):
    """An allowed signature algorithm. All are asymmetric: a verifier cannot sign."""

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
    """Return whether the URL's responses are authentic: https, or this very machine."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return _is_plain(url) and _has_safe_authority(parts) and not parts.fragment


def is_encrypted(url: str) -> bool:
    """Return whether nobody on the way can read or change the URL's response."""
    return urlsplit(url).scheme == "https"


def _is_plain(url: str) -> bool:
    # The parser silently drops line breaks and the like; then two readers would see two URLs.
    return url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')


def _has_safe_authority(parts: SplitResult) -> bool:
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return is_safe and bool(parts.hostname) and "@" not in parts.netloc


def _safe_url(url: str) -> str:
    if not is_safe_url(url):
        message = "must be a URL with https (http is only for this machine)"
        raise ValueError(message)
    return url


def _issuer_url(url: str) -> str:
    if "?" in url:
        message = "must not have a query"
        raise ValueError(message)
    return _safe_url(url)


Words = Annotated[frozenset[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Issuer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    issuer: Annotated[str, Field(max_length=255), AfterValidator(_issuer_url)] = Field(
        description="The issuer's URL, exactly as tokens have it in `iss`."
    )
    audiences: Words = Field(description="Accepted exact values of `aud`; one match is enough.")
    algorithms: Annotated[frozenset[Algorithm], Field(min_length=1)] = Field(
        default=frozenset({Algorithm.RS256, Algorithm.ES256, Algorithm.EDDSA}),
        description="Accepted signature algorithms; none uses a shared secret.",
    )
    types: Annotated[frozenset[str], Field(min_length=1)] = Field(
        default=frozenset({"at+jwt"}),
        description="Accepted values of the header's `typ`; an empty text accepts a missing `typ`.",
    )
    jwks_url: Annotated[str, AfterValidator(_safe_url)] | None = Field(
        default=None,
        description="URL of the keys; if not set, the issuer's OpenID configuration names it.",
    )
    leeway_seconds: Annotated[int, Field(ge=0, le=30)] = Field(
        default=10, description="Tolerated difference of the issuer's clock; at most 30."
    )
    refresh_seconds: Annotated[int, Field(ge=30, le=3_600)] = Field(
        default=300, description="Longest time until a withdrawn key is refused."
    )
    stale_seconds: Annotated[int, Field(ge=30, le=86_400)] = Field(
        default=3_600,
        description="How long known keys are used while the issuer does not return any.",
    )

    @model_validator(mode="after")
    def _is_stale_after_it_is_due(self) -> Self:
        if self.stale_seconds < self.refresh_seconds:
            message = "stale_seconds must be at least refresh_seconds"
            raise ValueError(message)
        return self

    @property
    def configuration_url(self) -> str:
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
