"""What the settings say about connections, requests, and what principals can cause."""

from collections.abc import Callable, Iterable

from starlette.types import Scope

from gateway.config.settings import Settings
from gateway.graphql.charging import Terms
from gateway.http import health
from gateway.http.connections import Connections, Deadlines
from gateway.http.pipeline import Rules
from gateway.services.limits import Allowance, Charge, Clock, Limiter, PrincipalLimits


def connection_limits(settings: Settings) -> Connections:
    return Connections(
        deadlines=Deadlines(
            head=settings.head_seconds,
            body=settings.body_seconds,
            idle=settings.keep_alive_seconds,
        ),
        most_per_peer=settings.most_connections,
        proxies=settings.trusted_proxies,
    )


def request_rules(settings: Settings, is_public: Callable[[Scope], bool]) -> Rules:
    return Rules(
        seconds=settings.deadline_seconds,
        hosts=settings.resolved_hosts,
        open_paths={health.LIVE, health.READY},
        is_public=is_public,
        https=settings.https,
        cors_origins=settings.cors_origins,
        cors_headers=settings.cors_headers,
    )


def document_terms(settings: Settings, charge: Charge, trusted: Iterable[str]) -> Terms:
    """Return the terms for documents of clients; `trusted` are those of the operator."""
    return Terms(
        introspection=settings.introspection,
        charge=charge,
        trusted=frozenset(trusted),
        max_depth=settings.max_document_depth,
        max_cost=settings.max_document_cost,
    )


def rate_limits(settings: Settings, clock: Clock) -> PrincipalLimits:
    own = _allowance(settings.rate_per_minute, settings.rate_burst)
    organization = _allowance(
        settings.organization_rate_per_minute, settings.organization_rate_burst
    )
    return PrincipalLimits(own=Limiter(own, clock), organization=Limiter(organization, clock))


def _allowance(per_minute: int, burst: int) -> Allowance | None:
    return Allowance.of(per_minute=per_minute, burst=burst) if per_minute else None


def failure_allowance(settings: Settings) -> Allowance | None:
    return _allowance(settings.failed_logins_per_minute, settings.failed_logins_per_minute)
