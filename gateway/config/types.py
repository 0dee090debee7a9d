"""Types of settings: the words that some accept, and the parsing of texts for others."""

import re
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from gateway.domain.quotas import DeniedKeys

_HEADER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class KeyProviderName(StrEnum):
    KEYFILE = "keyfile"
    ENV = "env"
    AWS_KMS = "aws-kms"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _to_list(given: object) -> object:
    # A variable holds one text; a file can hold a list.
    return (
        [part.strip() for part in given.split(",") if part.strip()]
        if isinstance(given, str)
        else given
    )


def _are_denied_keys(given: tuple[str, ...]) -> tuple[str, ...]:
    DeniedKeys.read(given)
    return given


def _is_exact(origin: str) -> str:
    if "*" in origin or origin == "null" or "://" not in origin or origin.endswith("/"):
        message = "an origin must be exact, such as https://app.example.com"
        raise ValueError(message)
    return origin


def _is_header(name: str) -> str:
    if not _HEADER.fullmatch(name):
        message = "a header must be exact, such as X-Tenant; wildcards are not supported"
        raise ValueError(message)
    return name


def _is_network(address: str) -> str:
    ip_network(address)
    return address


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_to_list)]
DeniedNames = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_to_list), AfterValidator(_are_denied_keys)
]
Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_to_list)]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_is_exact)], ...], NoDecode, BeforeValidator(_to_list)
]
HeaderNames = Annotated[
    tuple[Annotated[str, AfterValidator(_is_header)], ...], NoDecode, BeforeValidator(_to_list)
]
Networks = Annotated[
    tuple[Annotated[str, AfterValidator(_is_network)], ...], NoDecode, BeforeValidator(_to_list)
]
Count = Annotated[int, Field(ge=0)]
Quota = Annotated[int, Field(ge=1, le=10_000_000)]
Seconds = Annotated[float, Field(gt=0, le=600)]
