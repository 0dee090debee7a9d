"""The composition root: settings in, application out. Only here do schema and interfaces meet."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.auth.attempts import GuardedSignIn
from gateway.auth.authentication import Authentication
from gateway.auth.request_principals import RequestPrincipals
from gateway.auth.sign_in import SignIn
from gateway.domain.buckets import Allowance
from gateway.domain.pictures import Picture
from gateway.graphiql.page import GRAPHIQL_PATHS, graphiql_routes
from gateway.hardening import freeze_start_up, harden
from gateway.http import graphql, health
from gateway.http.connections import STATE_KEY, Connections, Deadlines
from gateway.http.cors import cors
from gateway.http.deadline import RequestDeadlineMiddleware
from gateway.http.error_handler import ExceptionMiddleware, on_http_exception
from gateway.http.front import FRONT, front_route
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.hosts import HostGate
from gateway.http.live.parts import SocketTimes
from gateway.http.live.sockets import SocketEndpoint
from gateway.http.live.streaming import Streaming
from gateway.http.metering import Metering, metered
from gateway.http.requests import RequestFrame
from gateway.http.sdl import sdl_routes
from gateway.http.trusted import TrustedDocuments
from gateway.identity.verifier import Verifier
from gateway.logs import configure_logs
from gateway.manifests import UnfitDocuments, ensure_consistent, merged, read_manifest
from gateway.map.routes import is_public as is_of_the_map
from gateway.map.routes import map_routes
from gateway.rest.reference.routes import PAGE_PATH, PUBLIC_PATHS, reference_routes
from gateway.rest.shim import rest_routes
from gateway.rest.table import ROWS
from gateway.runtime import Runtime
from gateway.services.credential_monitor import CredentialMonitor
from gateway.services.execution import ExecutorFactory, RequestPrincipal
from gateway.services.limits import Charge, Clock, Limiter, PrincipalLimits
from gateway.settings import Settings
from gateway.storage.checks import ensure_ready
from gateway.watch import keeping_watch
from schema.executor import Executor, Terms
from schema.root import build_schema, ensure_valid, fault_of
from schema.snapshot import printed


def create_app() -> Starlette:
    """Return the application that the settings describe; for uvicorn's factory."""
    settings = Settings()
    configure_logs(settings.log_format, settings.log_level)
    harden()
    return build_app(Runtime.over(settings), when_ready=freeze_start_up)


def build_app(
    runtime: Runtime,
    *,
    verifier: Verifier | None = None,
    clock: Clock = time.monotonic,
    when_ready: Callable[[], None] | None = None,
) -> Starlette:
    """Return the application over a runtime; it opens and closes the runtime and the verifier.

    `verifier` defaults to one for the settings' issuers; without issuers it refuses every token.
    `clock` returns the seconds for rate limits; `when_ready` is called once, before the first
    request.
    """
    charge = _limits(runtime.settings, clock).charge
    executors = _executors(runtime, charge)
    # One limiter for both: a failed attempt counts at either interface.
    attempts = Limiter(_failure_allowance(runtime.settings), clock)
    issuers = verifier or Verifier(runtime.settings.issuers)
    sign_in = _sign_in(runtime, issuers)
    callers = RequestPrincipals(runtime.database, GuardedSignIn(sign_in, attempts), sign_in)
    documents = trusted_documents(runtime.settings)
    # A document that does not fit the schema stops the start here, before any request.
    for row in ROWS:
        ensure_valid(row.document)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        watch = keeping_watch(runtime.operator.audit, runtime.settings)
        async with issuers, runtime.running(), watch:
            if when_ready is not None:
                when_ready()
            yield {STATE_KEY: _connections(runtime.settings)}

    app = Starlette(
        routes=[
            *_graphql_routes(runtime, executors.public, documents, callers),
            *_other_routes(runtime, metered(executors.internal.open_run, charge)),
            *_pages(runtime, charge),
        ],
        middleware=_middleware(runtime, charge, callers),
        exception_handlers={HTTPException: on_http_exception},
        lifespan=lifespan,
    )
    # An empty id at the end of a path names nothing; it does not spell the shorter path.
    app.router.redirect_slashes = False
    return app


def trusted_documents(settings: Settings) -> TrustedDocuments:
    """Return the documents that clients can name; each can run on this schema.

    Raises:
        RefusedStart: if the settings contradict each other, or a manifest is unusable.

    """
    ensure_consistent(settings)
    manifests = {path: runnable_manifest(path) for path in settings.trusted_documents}
    return TrustedDocuments(merged(manifests), are_all=settings.trusted_documents_only)


def runnable_manifest(path: Path) -> Mapping[str, str]:
    """Return a manifest's texts by id; each can run on this schema.

    Raises:
        RefusedStart: if it is not a manifest; or naming each document that does not fit.

    """
    texts = read_manifest(path)
    faults = {name: fault for name, text in texts.items() if (fault := fault_of(text))}
    if faults:
        raise UnfitDocuments(path, faults)
    return texts


@dataclass(frozen=True, slots=True)
class _Executors:
    # Documents from clients have limits; those behind the REST paths are the gateway's own.
    public: Executor
    internal: Executor


def _executors(runtime: Runtime, charge: Charge) -> _Executors:
    parts = (build_schema(), runtime.services, runtime.database)
    terms = Terms(introspection=runtime.settings.introspection, charge=charge)
    return _Executors(public=Executor(*parts, terms), internal=Executor(*parts))


def _graphql_routes(
    runtime: Runtime, public: Executor, documents: TrustedDocuments, callers: RequestPrincipals
) -> list[BaseRoute]:
    settings = runtime.settings
    streaming = Streaming(
        public,
        CredentialMonitor(runtime.services.notifier, runtime.database, runtime.services.tokens.now),
        most_per_caller=settings.subscriptions_per_caller,
    )
    endpoint = GraphQLEndpoint(public.open_run, streaming, documents)
    socket = SocketEndpoint(
        public.open_run,
        streaming,
        documents,
        callers.introduce,
        origins=settings.cors_origins,
        times=SocketTimes(init=settings.head_seconds, operation=settings.deadline_seconds),
    )
    return [
        Route(graphql.PATH, endpoint.answer, methods=["POST"]),
        WebSocketRoute(graphql.PATH, socket.answer),
        *(sdl_routes(printed()) if settings.introspection else ()),
    ]


def _other_routes(runtime: Runtime, open_run: ExecutorFactory) -> list[BaseRoute]:
    return [
        *rest_routes(open_run, runtime.services.entity_tags.of_list),
        *reference_routes(),
        *health.health_routes(
            partial(ensure_ready, runtime.database),
            lambda: runtime.operator.audit.needs_attention,
        ),
        front_route(GRAPHIQL_PATHS.page if runtime.settings.serves_graphiql else PAGE_PATH),
    ]


def _pages(runtime: Runtime, charge: Charge) -> list[BaseRoute]:
    if not runtime.settings.serves_graphiql:
        return []
    return [*graphiql_routes(), *map_routes(partial(_picture_route, runtime), charge)]


async def _picture_route(runtime: Runtime, caller: RequestPrincipal, service_id: str) -> Picture:
    view = caller.view or runtime.database.view()
    try:
        return await runtime.services.pictures.of_service(
            view, principal=caller.principal, service_id=service_id
        )
    finally:
        await view.close()


def _middleware(runtime: Runtime, charge: Charge, callers: RequestPrincipals) -> list[Middleware]:
    """Return the middleware, the outermost first."""
    settings = runtime.settings
    return [
        Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies)),
        Middleware(RequestFrame, https=settings.https),
        # Outside the error handler, so that a page can also read refusals.
        *_cors(settings),
        Middleware(ExceptionMiddleware),
        Middleware(HostGate, hosts=settings.resolved_hosts, open_paths={health.LIVE, health.READY}),
        # Outside authentication, so that waiting for a connection counts.
        Middleware(RequestDeadlineMiddleware, seconds=settings.deadline_seconds),
        Middleware(
            Authentication,
            callers=callers,
            is_public=_is_public(settings),
            seconds=settings.deadline_seconds,
        ),
        Middleware(Metering, charge=charge),
    ]


def _sign_in(runtime: Runtime, verifier: Verifier) -> SignIn:
    services = runtime.services
    return SignIn(tokens=services.tokens, identities=services.identities, verifier=verifier)


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [cors(origins=settings.cors_origins, headers=settings.cors_headers)]


def _connections(settings: Settings) -> Connections:
    return Connections(
        deadlines=Deadlines(
            head=settings.head_seconds,
            body=settings.body_seconds,
            idle=settings.keep_alive_seconds,
        ),
        most_per_peer=settings.most_connections,
        proxies=settings.trusted_proxies,
    )


def _limits(settings: Settings, clock: Clock) -> PrincipalLimits:
    own = _allowance(settings.rate_per_minute, settings.rate_burst)
    organization = _allowance(
        settings.organization_rate_per_minute, settings.organization_rate_burst
    )
    return PrincipalLimits(own=Limiter(own, clock), organization=Limiter(organization, clock))


def _allowance(per_minute: int, burst: int) -> Allowance | None:
    return Allowance.of(per_minute=per_minute, burst=burst) if per_minute else None


def _failure_allowance(settings: Settings) -> Allowance | None:
    return _allowance(settings.failed_logins_per_minute, settings.failed_logins_per_minute)


def _is_public(settings: Settings) -> Callable[[str], bool]:
    page = {GRAPHIQL_PATHS.page} if settings.serves_graphiql else set()
    open_paths = PUBLIC_PATHS | {FRONT, health.LIVE, health.READY} | page

    def is_public(path: str) -> bool:
        is_of_a_page = path.startswith(GRAPHIQL_PATHS.assets) or is_of_the_map(path)
        return path in open_paths or (settings.serves_graphiql and is_of_a_page)

    return is_public
