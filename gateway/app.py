"""The composition root: settings in, application out. Only here do schema and interfaces meet."""

import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Self

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.auth.attempts import GuardedSignIn
from gateway.auth.request_principals import RequestPrincipals, SignIn
from gateway.config import limits
from gateway.config.logging import configure_logs
from gateway.config.production_checks import ensure_consistent
from gateway.config.settings import Settings
from gateway.domain.effective import Picture
from gateway.graphql.charging import OWN
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.executor import Executor
from gateway.graphql.schema import CachedDocuments, ExecutableSchema, enforce
from gateway.graphql.streaming import SocketTimes, Streaming
from gateway.graphql.trusted_documents import TrustedDocuments, merged, runnable_manifest
from gateway.graphql.websocket import SocketEndpoint
from gateway.http import health
from gateway.http.access_log import AccessLog
from gateway.http.connections import STATE_KEY, Connections
from gateway.http.pipeline import RequestPipeline
from gateway.http.problems import PATH as GRAPHQL_PATH
from gateway.http.problems import on_http_exception
from gateway.identity.verifier import Verifier
from gateway.ops.hardening import freeze_start_up, harden
from gateway.pages.assets import ASSETS_PATH, assets_route, schema_route
from gateway.pages.graphiql import (
    FRONT,
    GRAPHIQL_PATH,
    front_routes,
    graphiql_route,
    is_from_browser,
)
from gateway.pages.map import is_public as is_of_the_map
from gateway.pages.map import map_routes
from gateway.pages.reference.page import PAGE_PATH, PUBLIC_PATHS, reference_routes
from gateway.rest.shim import rest_routes
from gateway.runtime import Runtime, periodic_tasks
from gateway.services.change_notifier import CredentialMonitor
from gateway.services.execution import RequestPrincipal
from gateway.services.limits import Charge, Clock, Limiter
from gateway.services.secrets import tag_of_list
from gateway.storage.migrate import ensure_ready
from schema.context import Context
from schema.policies import FIELDS, TYPES
from schema.root import build_schema
from schema.snapshot import printed

if TYPE_CHECKING:
    from gateway.ops.metrics import Metrics


def create_app() -> Starlette:
    """Return the application that the settings describe; for uvicorn's factory."""
    settings = Settings()
    configure_logs(settings.log_format, settings.log_level)
    harden()
    runtime = Runtime.over(settings, output=sys.stdout.buffer)
    return build_app(runtime, when_ready=freeze_start_up, metrics=_metrics(settings))


def _metrics(settings: Settings) -> "Metrics | None":
    if settings.metrics_port is None:
        return None
    from gateway.ops.metrics import Metrics  # noqa: PLC0415 - few servers need the library
    from gateway.ops.metrics_files import reserve_files  # noqa: PLC0415 - as above

    return Metrics() if reserve_files() else None


def build_app(
    runtime: Runtime,
    *,
    verifier: Verifier | None = None,
    clock: Clock = time.monotonic,
    when_ready: Callable[[], None] | None = None,
    metrics: "Metrics | None" = None,
) -> Starlette:
    """Return the application over a runtime; it opens and closes the runtime and the verifier.

    `verifier` defaults to one for the settings' issuers; without issuers it refuses every token.
    `clock` returns the seconds for rate limits; `when_ready` is called once, before the first
    request. Without `metrics`, nothing is counted.
    """
    parts = _Parts.of(runtime, verifier or Verifier(runtime.settings.issuers), clock, metrics)
    app = Starlette(
        routes=[*_graphql_routes(parts), *_rest_routes(parts), *_pages(parts), *_health(runtime)],
        middleware=_middleware(parts),
        exception_handlers={HTTPException: on_http_exception},
        lifespan=_lifespan(parts, when_ready),
    )
    # An empty id at the end of a path names nothing; it does not spell the shorter path.
    app.router.redirect_slashes = False
    return app


@cache
def gateway_schema() -> ExecutableSchema:
    """Return the schema with its policies enforced. It is built once per process.

    Raises:
        UndeclaredPolicy: if a part of it has no declared permission.

    """
    schema = build_schema(ExecutableSchema, [CachedDocuments])
    enforce(schema.types, FIELDS, TYPES)
    return schema


def trusted_documents(settings: Settings) -> TrustedDocuments:
    """Return the documents that clients can name; each can run on this schema.

    Raises:
        RefusedStart: if the settings contradict each other, or a manifest is unusable.

    """
    ensure_consistent(settings)
    types = gateway_schema().types
    depth = settings.max_document_depth
    manifests = {
        path: runnable_manifest(path, types, depth=depth) for path in settings.trusted_documents
    }
    return TrustedDocuments(merged(manifests), are_all=settings.trusted_documents_only)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the routes and the middleware share."""

    runtime: Runtime
    verifier: Verifier
    charge: Charge
    principals: RequestPrincipals
    # Documents from clients have limits; those behind the REST paths are the gateway's own.
    public: Executor
    internal: Executor
    documents: TrustedDocuments
    streaming: Streaming
    connections: Connections
    access_log: AccessLog
    metrics: "Metrics | None"

    @classmethod
    def of(
        cls, runtime: Runtime, verifier: Verifier, clock: Clock, metrics: "Metrics | None"
    ) -> Self:
        settings, services = runtime.settings, runtime.services
        documents = trusted_documents(settings)
        charge = limits.rate_limits(settings, clock).charge
        sign_in = SignIn(services.authentication, verifier)
        # One limiter for both: a failed attempt counts at either interface.
        guarded = GuardedSignIn(sign_in, Limiter(limits.failure_allowance(settings), clock))
        executor = partial(Executor, gateway_schema(), Context, services, runtime.database)
        terms = limits.document_terms(settings, charge, documents.texts.values())
        public = executor(terms)
        return cls(
            runtime=runtime,
            verifier=verifier,
            charge=charge,
            principals=RequestPrincipals(runtime.database, guarded, sign_in),
            public=public,
            internal=executor(replace(OWN, charge=charge)),
            documents=documents,
            streaming=_streaming(runtime, public),
            connections=limits.connection_limits(settings),
            access_log=AccessLog(metrics.observe) if metrics else AccessLog(),
            metrics=metrics,
        )


def _lifespan(
    parts: _Parts, when_ready: Callable[[], None] | None
) -> Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any]]]:
    runtime = parts.runtime

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        watch = periodic_tasks(runtime.operator, runtime.settings)
        async with parts.verifier, runtime.running(), watch, _reading(parts):
            await runtime.operator.check_up.try_some_values()
            if when_ready is not None:
                when_ready()
            yield {STATE_KEY: parts.connections}

    return lifespan


def _reading(parts: _Parts) -> AbstractAsyncContextManager[None]:
    if parts.metrics is None:
        return nullcontext()
    return parts.metrics.reading(parts.runtime, parts.connections, parts.streaming)


def _streaming(runtime: Runtime, public: Executor) -> Streaming:
    services = runtime.services
    return Streaming(
        public,
        CredentialMonitor(services.notifier, runtime.database, services.authentication.now),
        most_per_caller=runtime.settings.subscriptions_per_caller,
    )


def _graphql_routes(parts: _Parts) -> list[BaseRoute]:
    settings, run = parts.runtime.settings, parts.public.open_run
    endpoint = GraphQLEndpoint(run, parts.streaming, parts.documents)
    socket = SocketEndpoint(
        run,
        parts.streaming,
        parts.documents,
        parts.principals.introduce,
        origins=settings.cors_origins,
        times=SocketTimes(init=settings.head_seconds, operation=settings.deadline_seconds),
        access_log=parts.access_log,
    )
    return [
        Route(GRAPHQL_PATH, endpoint.answer, methods=["POST"]),
        WebSocketRoute(GRAPHQL_PATH, socket.answer),
        *([schema_route(printed)] if settings.introspection else ()),
    ]


def _rest_routes(parts: _Parts) -> list[BaseRoute]:
    tagged = partial(tag_of_list, parts.runtime.vault)
    return rest_routes(parts.internal.open_run, tagged)


def _pages(parts: _Parts) -> list[BaseRoute]:
    reference = reference_routes(beside_others=parts.runtime.settings.serves_graphiql)
    if not parts.runtime.settings.serves_graphiql:
        return [*front_routes(PAGE_PATH), *reference]
    pictured = partial(_picture_route, parts.runtime)
    pages = [assets_route(), graphiql_route(), *map_routes(pictured, parts.charge)]
    return [*front_routes(GRAPHIQL_PATH), *reference, *pages]


def _health(runtime: Runtime) -> list[BaseRoute]:
    return health.health_routes(
        partial(ensure_ready, runtime.database), lambda: runtime.operator.audit.needs_attention
    )


async def _picture_route(runtime: Runtime, caller: RequestPrincipal, service_id: str) -> Picture:
    view = caller.view or runtime.database.view()
    try:
        services = runtime.services.for_principal(caller.principal, view)
        return await services.pictures.of_service(service_id=service_id)
    finally:
        await view.close()


def _middleware(parts: _Parts) -> list[Middleware]:
    """Return the middleware, the outermost first."""
    settings = parts.runtime.settings
    return [
        Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies)),
        Middleware(
            RequestPipeline,
            principals=parts.principals,
            open_view=parts.runtime.database.view,
            charge=parts.charge,
            rules=limits.request_rules(settings, _is_public(settings)),
            access_log=parts.access_log,
        ),
    ]


def _is_public(settings: Settings) -> Callable[[Scope], bool]:
    """Return whether a request needs no credential."""
    open_paths = PUBLIC_PATHS | {FRONT, health.LIVE, health.READY}

    def is_of_a_page(path: str) -> bool:
        return path == GRAPHIQL_PATH or path.startswith(ASSETS_PATH) or is_of_the_map(path)

    def is_public(scope: Scope) -> bool:
        path: str = scope["path"]
        is_open = path in open_paths or (settings.serves_graphiql and is_of_a_page(path))
        return is_open or is_from_browser(scope)

    return is_public
