"""What the gateway reads from a request's head: ids, credentials, media types."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway.domain.errors import ErrorCode, GatewayError, Unauthenticated

REQUEST_ID: Final = "X-Request-Id"
# Selects one of the organizations of a user.
ORGANIZATION_HEADER: Final = "X-Organization-Id"
GRAPHQL_PATH: Final = "/graphql"
_ACCEPTED_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?")
# Ids of zeros alone are invalid, and so is version ff. Versions after 00 can add fields.
_TRACE: Final = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})(?P<trace_id>[0-9a-f]{32})"
    r"-(?!0{16})(?P<span_id>[0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?"
)
_SCHEMES: Final = frozenset({"bearer", "token"})
_MAX_CREDENTIAL_LENGTH: Final = 8_192
_CREDENTIAL_IN_URL: Final = re.compile(rb"(?:^|&)access_token=")
# A page of the gateway that needs another policy sets it itself.
DEFAULT_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Two years, the time that browsers require to preload a host as TLS only.
HTTPS_HEADERS: Final[Mapping[str, str]] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains"
}


class UnknownHost(GatewayError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self) -> None:
        super().__init__("The Host header must name a host of this gateway (see allowed_hosts).")


def request_id_in(scope: Scope) -> str:
    """Return the client's id of the request, or a new one."""
    sent = Headers(scope=scope).get(REQUEST_ID, "")
    return sent if _ACCEPTED_ID.fullmatch(sent) else str(uuid4())


def trace_in(scope: Scope) -> Mapping[str, str]:
    """Return the ids of the client's trace (W3C Trace Context), for lines of the log alone."""
    sent = Headers(scope=scope).getlist("traceparent")
    found = _TRACE.fullmatch(sent[0]) if len(sent) == 1 else None
    return found.groupdict() if found else {}


def ensure_host_is_known(scope: Scope, hosts: Collection[str]) -> None:
    """Refuse a request to another host, e.g. after DNS rebinding.

    Raises:
        UnknownHost: if the request names another host, no host, or several.

    """
    sent = Headers(scope=scope).getlist("host")
    found = _HOST.fullmatch(sent[0].lower()) if len(sent) == 1 else None
    if found is None or (found["v6"] or found["name"]) not in hosts:
        raise UnknownHost


def authorization_in(scope: Scope) -> str | None:
    """Return the text of the Authorization header, if there is one.

    Raises:
        Unauthenticated: if there are several, or a credential in the URL.

    """
    sent = Headers(scope=scope).getlist("authorization")
    # A URL ends up in logs and histories; beside a header it is one credential too many.
    if _CREDENTIAL_IN_URL.search(scope["query_string"]) or len(sent) > 1:
        raise Unauthenticated
    return next(iter(sent), None)


def credential_of(authorization: str) -> str:
    """Return the credential in an Authorization header's text.

    Raises:
        Unauthenticated: if there is no credential of a known form.

    """
    if len(authorization) > _MAX_CREDENTIAL_LENGTH:
        raise Unauthenticated
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() not in _SCHEMES or not credential.strip():
        raise Unauthenticated
    # The original API uses `Token` for its own tokens; an issuer's token is a bearer token.
    if scheme.lower() == "token" and "." in credential:
        raise Unauthenticated
    return credential.strip()


JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
# If a client accepts both equally: the type that it names, or the newer one of two named.
_OFFERED: Final = (GRAPHQL_JSON, JSON)
EVENTS: Final = "text/event-stream"
_RANGES: Final = ("*/*", "application/*")
_MAX_LENGTH: Final = 1_000


def preferred(accept: str) -> str:
    """Return the media type of the response; plain JSON if the header names neither type."""
    accepted = _weights(accept)
    anything = max((accepted.get(kind, 0.0) for kind in _RANGES), default=0.0)
    offered = {kind: accepted.get(kind, 0.0) for kind in _OFFERED}
    if not any(offered.values()):
        return JSON
    if JSON not in accepted and anything > offered[GRAPHQL_JSON]:
        return JSON
    return max(_OFFERED, key=lambda kind: offered[kind])


def takes_events(accept: str) -> bool:
    return _weights(accept).get(EVENTS, 0.0) > 0


def takes_events_only(accept: str) -> bool:
    """Return whether a client accepts only an event stream."""
    accepted = _weights(accept)
    return accepted.get(EVENTS, 0.0) > 0 and not any(
        accepted.get(kind, 0.0) for kind in (*_OFFERED, *_RANGES)
    )


def _weights(accept: str) -> Mapping[str, float]:
    """Return the weight of each media range that an Accept header has."""
    return _read_weights(accept[:_MAX_LENGTH].lower())


# Most clients always send the same header, and it is looked at more than once.
@lru_cache(maxsize=64)
def _read_weights(accept: str) -> Mapping[str, float]:
    return MappingProxyType(dict(_media_ranges(accept)))


def _media_ranges(accept: str) -> Iterator[tuple[str, float]]:
    for media_range in accept.split(","):
        kind, *parameters = (part.strip() for part in media_range.split(";"))
        yield (
            kind,
            min(
                (_weight(parameter) for parameter in parameters if parameter.startswith("q=")),
                default=1.0,
            ),
        )


def _weight(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0


def header_of(headers: Headers, name: str) -> str | None:
    """Return a header's value, with several lines joined as one list; None if absent."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None
