"""CORS: the allowed origins and request headers, and the response headers that pages can read."""

from collections.abc import Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from gateway.http.requests import ORGANIZATION_HEADER, REQUEST_ID

_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_READ_BY_THE_GATEWAY: Final = (
    "Authorization",
    "Content-Type",
    ORGANIZATION_HEADER,
    "Idempotency-Key",
    REQUEST_ID,
    "If-Match",
    "If-None-Match",
)
# Headers that clients and tracing libraries add. A browser refuses the whole request if one of them
# is not allowed; the gateway ignores them.
_ADDED_BY_CLIENTS: Final = (
    # GraphQL clients
    "apollographql-client-name",
    "apollographql-client-version",
    "apollo-require-preflight",
    "graphql-client-name",
    "graphql-client-version",
    "graphql-preflight",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    # W3C Trace Context and Baggage; Sentry
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    # Zipkin
    "b3",
    "x-b3-flags",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    # Datadog, Elastic, Jaeger, New Relic
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-trace-id",
    "elastic-apm-traceparent",
    "uber-trace-id",
    "newrelic",
    # HTTP libraries
    "cache-control",
    "pragma",
    "last-event-id",
    "x-correlation-id",
    "x-requested-with",
)
ALLOWED_HEADERS: Final = (*_READ_BY_THE_GATEWAY, *_ADDED_BY_CLIENTS)
# Proxies add the last five for their own limits.
EXPOSED_HEADERS: Final = (
    REQUEST_ID,
    "ETag",
    "Retry-After",
    "WWW-Authenticate",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)


def with_cors(app: ASGIApp, *, origins: Sequence[str], headers: Sequence[str]) -> ASGIApp:
    """Let pages of the origins use an application; `headers` are allowed besides the well-known."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=(*ALLOWED_HEADERS, *headers),
        expose_headers=EXPOSED_HEADERS,
        # There are no cookies; the page's own script sets the token.
        allow_credentials=False,
    )
