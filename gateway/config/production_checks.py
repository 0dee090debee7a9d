"""Doubtful settings: `doctor` reports them, and some stop a start in production."""

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from gateway.config.former_names import renaming_notice
from gateway.config.settings import WILDCARDS, Settings, unknown_variables
from gateway.config.settings_file import former_names_in_use
from gateway.config.types import LogLevel
from gateway.domain.errors import RefusedStart

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class UnsafeSettings(RefusedStart):
    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(["The settings are not safe for production.", *reasons]))


class NothingToRun(RefusedStart):
    def __init__(self) -> None:
        super().__init__("`trusted_documents_only` needs a manifest in `trusted_documents`.")


class UselessPage(RefusedStart):
    def __init__(self) -> None:
        super().__init__("`graphiql` cannot be used with `trusted_documents_only`: turn one off.")


def ensure_consistent(settings: Settings) -> None:
    """Refuse settings of trusted documents that contradict other settings.

    Raises:
        NothingToRun: if only trusted documents can run, and there are no trusted documents.
        UselessPage: if GraphiQL is enabled where only trusted documents can run.

    """
    if settings.trusted_documents_only and not settings.trusted_documents:
        raise NothingToRun
    if settings.trusted_documents_only and settings.graphiql:
        raise UselessPage


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubtful setting; `stops_production` says that production refuses to start with it."""

    setting: str
    message: str
    stops_production: bool


@dataclass(frozen=True, slots=True)
class _Question:
    is_in_doubt: Callable[[Settings], bool]
    message: str
    stops_production: bool = True


def _is_open_folder(settings: Settings) -> bool:
    folder = settings.data_dir
    return folder.is_dir() and bool(folder.stat().st_mode & _OTHERS)


def _trusts_everybody(settings: Settings) -> bool:
    return any(
        ip_network(trusted_proxy).prefixlen == 0 for trusted_proxy in settings.trusted_proxies
    )


_QUESTIONS: Final[Mapping[str, _Question]] = {
    "data_dir": _Question(_is_open_folder, "The data folder is open to others: chmod 700 it."),
    "https": _Question(
        lambda item: item.host not in _LOOPBACK and not item.https,
        "Tokens would be sent unencrypted: end TLS in a proxy in front, and set `https`.",
    ),
    "allowed_hosts": _Question(
        lambda item: item.host in WILDCARDS and not item.allowed_hosts,
        "Only loopback names would be accepted: set `allowed_hosts`.",
    ),
    "trusted_proxies": _Question(
        _trusts_everybody, "Any client could claim any address: list only the proxies."
    ),
    "log_level": _Question(
        lambda item: item.log_level is LogLevel.DEBUG,
        "The log level `debug` is for development.",
    ),
    "graphiql": _Question(
        lambda item: item.is_production and item.serves_graphiql,
        "Anybody can fetch the GraphiQL page.",
        stops_production=False,
    ),
    "metrics_host": _Question(
        lambda item: item.metrics_port is not None and item.metrics_host not in _LOOPBACK,
        "Anybody who reaches the port can read the metrics: let only Prometheus reach it.",
        stops_production=False,
    ),
    "rate_per_minute": _Question(
        lambda item: not item.rate_per_minute,
        "The request rate is not limited.",
        stops_production=False,
    ),
    "failed_logins_per_minute": _Question(
        lambda item: not item.failed_logins_per_minute,
        "Failed sign-ins are not limited.",
        stops_production=False,
    ),
    "connections_per_peer": _Question(
        lambda item: not item.most_connections,
        "One peer can hold all connections.",
        stops_production=False,
    ),
}


def doubts(settings: Settings) -> list[Doubt]:
    """Return the doubtful settings, in any environment."""
    asked = [
        Doubt(name, question.message, question.stops_production)
        for name, question in _QUESTIONS.items()
        if question.is_in_doubt(settings)
    ]
    # They do not stop production: an orchestrator can set variables with the same prefix.
    unknown = [
        Doubt(name, "There is no such setting; it does nothing.", stops_production=False)
        for name in unknown_variables()
    ]
    former = [
        Doubt(old, renaming_notice("It", new), stops_production=False)
        for old, new in former_names_in_use().items()
    ]
    return asked + unknown + former


def ensure_safe(settings: Settings) -> None:
    """Refuse doubtful settings that stop production.

    Raises:
        UnsafeSettings: with every reason.

    """
    reasons = [doubt.message for doubt in doubts(settings) if doubt.stops_production]
    if settings.is_production and reasons:
        raise UnsafeSettings(reasons)
