"""Requests whose end two servers could see at different places."""

import json
from typing import Final

import pytest

from tests.servers import LiveServer
from tests.transport.sockets import exchange, statuses

_HEAD: Final = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\n"
_HIDDEN: Final = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_CHUNKS: Final = b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

SMUGGLED: Final = {
    "a length and chunks": _HEAD + b"Content-Length: 4\r\n" + _CHUNKS,
    "chunks and a length": _HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": _HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": _HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": _HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": _HEAD + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": _HEAD + b"Content-Length: -3\r\n\r\nabc",
    "a folded line": _HEAD + b"X-Folded: a\r\n b\r\n\r\n",
    "a folded line with a tab": _HEAD + b"X-Folded: a\r\n\tb\r\n\r\n",
    "folded chunks": _HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "line feeds alone": b"GET /livez HTTP/1.1\nHost: localhost\n\n",
    "one line feed alone": b"GET /livez HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n",
    "a carriage return alone": b"GET /livez HTTP/1.1\r\nHost: localhost\rX-A: b\r\n\r\n",
    "a space before the colon": _HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunks before they were known": b"POST /graphql HTTP/1.0\r\nHost: localhost\r\n" + _CHUNKS,
    "chunks that end in line feeds": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    "an extension that ends in one": _HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n3;\nabc\r\n0\r\n\r\n",
    "a negative chunk": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "a chunk beyond counting": _HEAD
    + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff3\r\nabc\r\n0\r\n\r\n",
    "a length after the body": _HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n",
    "a header after the body": _HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Late: Bearer\r\n\r\n",
    "a NUL": _HEAD + b"X-A: a\x00b\r\n\r\n",
    "a first header that begins with a space": b"GET /livez HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "another version": b"GET /livez HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "a preface of version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.rule("S38")
@pytest.mark.parametrize("smuggled", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_is_ambiguous_is_refused_and_ends_the_connection(
    live_server: LiveServer, smuggled: bytes
) -> None:
    """So a request hidden behind it is never answered. The control is the next test."""
    received = exchange(live_server.url, smuggled + _HIDDEN)

    # What was answered before the ambiguity was seen is the refusal of an empty request.
    assert statuses(received)[-1] in {400, 401}
    assert len(statuses(received)) == 1
    assert b'"ok"' not in received


CODINGS: Final = {
    "gzip below chunks": b"gzip, chunked",
    "chunks twice": b"chunked, chunked",
    "no coding below chunks": b"identity, chunked",
    "identity": b"identity",
    "gzip": b"gzip",
    "an unknown coding": b"xchunked",
    "a parameter": b"chunked;q=1",
    "quotes": b'"chunked"',
    "nothing": b"",
    "nothing below chunks": b",chunked",
    "nothing above chunks": b"chunked,",
    "a coding after chunks": b"chunked, identity",
    "chunks in two headers": b"chunked\r\nTransfer-Encoding: chunked",
    "a coding in a header before": b"gzip\r\nTransfer-Encoding: chunked",
    "a coding in a header after": b"chunked\r\nTransfer-Encoding: identity",
    "a letter beyond ASCII": b"chun\xe9ked",
}


@pytest.mark.rule("S69")
@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS.keys())
@pytest.mark.parametrize("start", [b"POST /graphql", b"GET /livez"], ids=["body", "no body"])
def test_another_transfer_coding_than_chunked_is_not_implemented(
    live_server: LiveServer, start: bytes, coding: bytes
) -> None:
    """The control is the next test."""
    head = start + b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + coding
    received = exchange(live_server.url, head + b"\r\n\r\n0\r\n\r\n" + _HIDDEN)

    assert statuses(received) == [501]
    assert b"application/problem+json" in received


@pytest.mark.rule("S69")
@pytest.mark.parametrize("coding", [b"chunked", b"CHUNKED", b"\t chunked  "])
def test_chunks_in_any_case_are_read(live_server: LiveServer, coding: bytes) -> None:
    """White space around the coding is not a part of it."""
    head = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + coding
    received = exchange(live_server.url, head + b"\r\n\r\n0\r\n\r\n" + _HIDDEN)

    assert statuses(received) == [200, 200]


@pytest.mark.rule("S38")
def test_two_plain_requests_on_one_connection_are_both_answered(live_server: LiveServer) -> None:
    """The control."""
    first = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

    assert statuses(exchange(live_server.url, first + _HIDDEN)) == [200, 200]


@pytest.mark.rule("S38")
@pytest.mark.parametrize(
    ("second", "refusal"),
    [
        (_HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc", 501),
        (_HEAD + b"X-A: a\x00b\r\n\r\n", 400),
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;\nabc\r\n0\r\n\r\n", 400),
    ],
    ids=["another coding", "a NUL", "an ambiguous chunk"],
)
def test_a_refusal_does_not_overtake_the_answers_before_it(
    live_server: LiveServer, second: bytes, refusal: int
) -> None:
    """Who sent the first request would take it for the first answer."""
    first = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    received = exchange(live_server.url, first + first + second + _HIDDEN)

    assert statuses(received) == [200, 200, refusal]
    assert received.count(b'"ok"') == 2


@pytest.mark.rule("S32", "S38")
def test_a_refusal_of_the_protocol_carries_our_headers(live_server: LiveServer) -> None:
    received = exchange(live_server.url, b"nonsense\r\n\r\n").decode().lower()

    assert "x-content-type-options: nosniff" in received
    assert "cache-control: no-store" in received
    assert "content-type: application/problem+json" in received
    assert "server:" not in received
    assert "nonsense" not in received


@pytest.mark.rule("E1")
def test_a_refusal_of_the_protocol_has_the_body_that_every_error_has(
    live_server: LiveServer,
) -> None:
    """A method that no server knows."""
    received = exchange(live_server.url, b"BREW /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")

    body = json.loads(received.partition(b"\r\n\r\n")[2])
    common = {"type", "title", "status", "detail", "instance", "error", "message", "path"}
    assert set(body) == common | {"timestamp"}
    assert (body["status"], body["error"], body["path"]) == (400, "Bad Request", "")
    assert body["detail"] == body["message"] == "Bad request syntax or unsupported method."


@pytest.mark.rule("S34")
@pytest.mark.parametrize(
    "host",
    [b"", b"Host: evil.example\r\n", b"Host: localhost\r\nHost: evil.example\r\n"],
    ids=["none", "another", "two"],
)
def test_a_host_that_is_not_ours_is_refused(live_server: LiveServer, host: bytes) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"

    assert statuses(exchange(live_server.url, request)) == [400]


@pytest.mark.rule("S34")
def test_the_path_of_a_whole_address_is_what_counts(live_server: LiveServer) -> None:
    """A public path in the address's host or query makes nothing public."""
    request = (
        b"GET http://localhost/livez/../graphql?/livez HTTP/1.1\r\nHost: localhost\r\n"
        b"Connection: close\r\n\r\n"
    )

    assert statuses(exchange(live_server.url, request)) == [401]


@pytest.mark.rule("S35", "S37")
def test_a_head_without_end_is_refused(live_server: LiveServer) -> None:
    """Long before it fills the memory."""
    line = b"X-Filler: " + b"a" * 8_000 + b"\r\n"

    received = exchange(live_server.url, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + line * 9)

    assert statuses(received) == [431]
