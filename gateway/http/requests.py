"""What the gateway reads from the head of a request, and the headers of all responses."""

import re
from collections.abc import Collection, Mapping
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
