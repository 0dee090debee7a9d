"""What the gateway overrides in uvicorn is still there: a part of it is private and can go."""

import inspect
import re
from pathlib import Path
from typing import Final

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from gateway.cli.serving import Supervisor
from gateway.graphql.socket_protocol import SocketProtocol
from gateway.http.protocol import PatientProtocol

OVERRIDDEN: Final[dict[tuple[type, type], frozenset[str]]] = {
    (PatientProtocol, HttpToolsProtocol): frozenset(
        {
            "__init__",
            "_start_asgi_task",
            "connection_lost",
            "connection_made",
            "data_received",
            "handle_websocket_upgrade",
            "on_body",
            "on_header",
            "on_headers_complete",
            "on_message_begin",
            "on_message_complete",
            "on_response_complete",
            "pause_writing",
            "resume_writing",
            "send_400_response",
            "shutdown",
            "timeout_keep_alive_handler",
        }
    ),
    (SocketProtocol, WebSocketsSansIOProtocol): frozenset(
        {
            "__init__",
            "connection_lost",
            "data_received",
            "handle_parser_exception",
            "keepalive_timeout",
            "on_task_complete",
            "pause_writing",
            "resume_writing",
            "send_receive_event_to_app",
            "shutdown",
        }
    ),
    (Supervisor, Multiprocess): frozenset({"__init__", "join_all", "keep_subprocess_alive"}),
}
# What the overriding methods call or read besides.
USED: Final[dict[type, frozenset[str]]] = {
    HttpToolsProtocol: frozenset({"_unset_keepalive_if_required"}),
    Process: frozenset({"kill", "join", "start", "pid", "exitcode"}),
}
READ: Final[dict[type, frozenset[str]]] = {
    HttpToolsProtocol: frozenset({"client", "cycle", "flow", "headers", "loop", "parser"}),
    WebSocketsSansIOProtocol: frozenset(
        {
            *("close_sent", "conn", "curr_msg_data_type", "disconnected", "frames"),
            *("handshake_initiated", "logger", "loop", "read_paused", "transport", "writable"),
        }
    ),
    RequestResponseCycle: frozenset(
        {"disconnected", "message_event", "more_body", "response_complete", "response_started"}
    ),
    Multiprocess: frozenset({"config", "processes", "should_exit", "sockets"}),
    Process: frozenset({"parent_conn", "process"}),
}
PAIRS: Final = pytest.mark.parametrize("pair", OVERRIDDEN, ids=lambda pair: pair[0].__name__)


def _missing(base: type, names: frozenset[str]) -> set[str]:
    return {name for name in names if not callable(getattr(base, name, None))}


@PAIRS
def test_what_is_overridden_is_there(pair: tuple[type, type]) -> None:
    _, base = pair

    assert not {item for item in OVERRIDDEN[pair] if item not in vars(base)}


@PAIRS
def test_what_is_overridden_takes_the_same(pair: tuple[type, type]) -> None:
    own, base = pair

    for name in OVERRIDDEN[pair]:
        ours, theirs = (inspect.signature(vars(item)[name]).parameters for item in (own, base))
        assert list(ours) == list(theirs), name


@PAIRS
def test_everything_that_is_overridden_is_listed(pair: tuple[type, type]) -> None:
    own, base = pair
    both = {name for name in vars(own) if callable(vars(own)[name]) and hasattr(base, name)}

    assert both == OVERRIDDEN[pair]


def test_a_method_that_was_renamed_is_seen() -> None:
    """The control."""
    renamed = {**vars(HttpToolsProtocol)}
    renamed["parser_failed"] = renamed.pop("send_400_response")
    later = type("HttpToolsProtocol", (), renamed)

    names = OVERRIDDEN[PatientProtocol, HttpToolsProtocol]
    assert {name for name in names if name not in vars(later)} == {"send_400_response"}


def test_what_is_used_besides_is_there() -> None:
    for base, names in USED.items():
        assert not {name for name in names if not hasattr(base, name)}, base
    for base, names in READ.items():
        source = inspect.getsource(base)
        assert not {name for name in names if not re.search(rf"self\.{name}\b", source)}, base


def test_only_versions_that_were_looked_at_are_taken() -> None:
    requirements = Path("pyproject.toml").read_text()

    assert re.search(r'"uvicorn~=\d+\.\d+\.\d+"', requirements)
