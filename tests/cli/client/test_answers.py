"""What a server answers, right or wrong, becomes one line and an exit code."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from gateway.cli.client import deadlines
from gateway.cli.client.address import Address
from gateway.cli.client.credentials import Credential
from gateway.cli.client.transport import Gateway
from tests.cli.client.canned import CannedGateway, serving_canned
from tests.cli.client.conftest import Laptop
from tests.identity.issuer import certified
from tests.patience import PATIENCE

TOKEN: Final = "sgw_of-nobody"


@pytest.fixture
def client(canned: CannedGateway, stranger: Laptop) -> Laptop:
    return stranger.but(url=canned.url, token=TOKEN)


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "UNAUTHENTICATED", 3),
        (200, "FORBIDDEN", 3),
        (200, "NOT_FOUND", 4),
        (200, "CONFLICT", 5),
        (429, "RATE_LIMITED", 75),
        (503, "UNAVAILABLE", 75),
        (200, "BAD_USER_INPUT", 1),
        (200, "SOMETHING_NEW", 1),
    ],
)
def test_a_refusal_is_its_message_and_an_exit_code(
    canned: CannedGateway, client: Laptop, status: int, code: str, exit_code: int
) -> None:
    canned.refuse(status, code, "This is\nwhy.")

    ended = client("project", "list")

    assert ended.code == exit_code
    assert ended.complaint.startswith("This is why.")
    assert ended.out == ""


@pytest.mark.parametrize("message", ["Too many requests.", "Too many requests. Try again in 7 s."])
def test_a_refusal_says_after_how_long_to_try_again(
    canned: CannedGateway, client: Laptop, message: str
) -> None:
    canned.refuse(429, "RATE_LIMITED", message, Retry_After="7")

    assert client("project", "list").complaint == "Too many requests. Try again in 7 s."


@pytest.mark.parametrize(
    ("status", "body", "exit_code"),
    [
        (200, b"<html>Sign in</html>", 1),
        (200, b"[1]", 1),
        (200, b"[" * 100_000, 1),
        (200, b'{"data": null}', 1),
        (200, b'{"data": {}, "errors": null}', 1),
        (200, b'{"data": [], "errors": 7}', 1),
        (502, b"Bad gateway", 75),
        (404, b"", 4),
    ],
)
def test_what_no_gateway_answers_is_refused(
    canned: CannedGateway, client: Laptop, status: int, body: bytes, exit_code: int
) -> None:
    canned.answer(status, body)

    ended = client("project", "list")

    assert ended.code == exit_code
    assert ended.complaint == f"this is not the answer of a gateway (HTTP status {status})."


_NO_ANSWER: Final = "this is not the answer of a gateway."


@pytest.mark.parametrize(
    "data",
    [
        {"projects": 7},
        {"projects": {}},
        {"projects": {"edges": None}},
        {"projects": {"edges": [None]}},
        {"projects": {"edges": [{"node": {}}], "pageInfo": {"hasNextPage": False}}},
    ],
)
def test_data_in_another_form_is_refused(
    canned: CannedGateway, client: Laptop, data: object
) -> None:
    canned.answer(200, {"data": data})

    ended = client("project", "list")

    assert (ended.code, ended.out, ended.complaint) == (1, "", _NO_ANSWER)


def test_pages_that_lead_back_are_refused(canned: CannedGateway, client: Laptop) -> None:
    page = {"edges": [], "pageInfo": {"hasNextPage": True, "endCursor": "same"}}
    canned.answer(200, {"data": {"projects": page}})

    ended = client("project", "list")

    assert (ended.code, ended.complaint) == (1, _NO_ANSWER)
    assert len(canned.received) == 2


def test_the_token_does_not_follow_a_redirect(canned: CannedGateway, client: Laptop) -> None:
    with serving_canned() as other:
        canned.answer(307, b"", Location=f"{other.url}/graphql")

        ended = client("project", "list")

        assert other.received == []
    assert ended.code == 1
    assert ended.complaint.startswith("the URL leads elsewhere")


def test_control_the_token_is_sent_to_the_gateway(canned: CannedGateway, client: Laptop) -> None:
    canned.answer(200, {"data": {"projects": {"edges": [], "pageInfo": {"hasNextPage": False}}}})

    assert client("project", "list").code == 0
    ((method, path, headers),) = canned.received
    assert (method, path) == ("POST", "/graphql")
    assert headers["Authorization"] == f"Bearer {TOKEN}"


def test_control_characters_of_a_name_do_not_reach_the_terminal(
    canned: CannedGateway, client: Laptop
) -> None:
    node = {"id": "1", "name": "shop\x1b[2J\nproject  forged"}
    page = {"edges": [{"node": node}], "pageInfo": {"hasNextPage": False}}
    canned.answer(200, {"data": {"projects": page}})

    _, row = client("project", "list").out.splitlines()

    assert row.split() == ["1", "project", "shop", "[2J", "project", "forged"]


def test_control_characters_of_anything_do_not_reach_the_terminal(
    canned: CannedGateway, client: Laptop
) -> None:
    node = {"id": "1\x1b]0;title\x07", "name": "shop\u202e"}
    page = {"edges": [{"node": node}], "pageInfo": {"hasNextPage": False}}
    canned.answer(200, {"data": {"projects": page}})

    assert client("project", "list").out.replace("\n", "").isprintable()


_ID: Final = "3f0e9b5e-52a1-4c0b-9d2b-6a5a3c7d1e10"
_UNFIT: Final = "this is not the answer of a gateway: no secret is like what it delivers."


def _delivery(key: object = "KEY", value: object = "v", file: object = None) -> object:
    return {"data": {"runtimeSecrets": [{"key": key, "value": value, "file": file}]}}


@pytest.mark.parametrize(
    "delivery",
    [
        _delivery(key="X='';touch forged;Y"),
        _delivery(key="A\nPATH=/forged\nB"),
        _delivery(key=7),
        _delivery(value="a\0b"),
        _delivery(value="\ud800"),
        _delivery(value=None),
        _delivery(file={"mountPath": "/../../forged", "content": "x"}),
        _delivery(file={"mountPath": "../forged", "content": "x"}),
        _delivery(file={"mountPath": "/etc//forged", "content": "x"}),
        _delivery(file={"mountPath": "/etc/tls", "content": 7}),
    ],
)
@pytest.mark.parametrize("command", [("run",), ("export", "--format", "shell")], ids=" ".join)
def test_what_no_secret_can_be_is_neither_run_nor_exported(
    canned: CannedGateway, client: Laptop, delivery: object, command: tuple[str, ...]
) -> None:
    """A key is a part of what a shell evaluates, and a path becomes a file of this machine."""
    canned.answer(200, delivery)
    program = ("--", "touch", "started") if command == ("run",) else ()

    ended = client(*command, "--service", _ID, *program)

    assert (ended.code, ended.out, ended.complaint) == (1, "", _UNFIT)
    assert not any(path.name in {"forged", "started"} for path in client.home.parent.rglob("*"))


def test_control_what_a_gateway_delivers_is_exported(canned: CannedGateway, client: Laptop) -> None:
    canned.answer(200, _delivery(file={"mountPath": "/etc/tls", "content": "x"}))

    ended = client("export", "--service", _ID, "--format", "shell")

    assert (ended.code, ended.out.splitlines()[0]) == (0, "export KEY='v'")


def test_a_server_that_is_not_there_is_named(stranger: Laptop) -> None:
    with serving_canned() as gone:
        url = gone.url

    ended = stranger.but(url=url, token=TOKEN)("project", "list")

    assert ended.code == 75
    assert ended.complaint == f"{url} cannot be reached: Connection refused."


def test_what_is_no_http_is_named(stranger: Laptop, canned: CannedGateway) -> None:
    url = canned.url.replace("http:", "https:")

    ended = stranger.but(url=url, token=TOKEN)("project", "list")

    assert ended.code == 75
    assert ended.complaint.startswith(f"{url} cannot be reached: ")


def test_a_server_that_does_not_answer_is_given_up(
    stranger: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        ended = stranger.but(url=url, token=TOKEN)("project", "list")

    assert (ended.code, ended.complaint) == (75, f"{url} does not answer within 0.1 s.")


_STREAM: Final = ("watch", "--service", "00000000-0000-4000-8000-000000000000")


@pytest.fixture
def dripping(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that sends each byte in time for the wait that it ends, and no last one."""
    monkeypatch.setattr(deadlines, "DEADLINE_SECONDS", 0.3)
    given_up = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not given_up.wait(0.01):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        given_up.set()
        thread.join()


_TOO_SLOW: Final = "does not complete an answer within 0.3 s."


@pytest.mark.parametrize("command", [("project", "list"), _STREAM], ids=["request", "stream"])
def test_an_answer_that_never_ends_is_given_up(
    stranger: Laptop, dripping: str, command: tuple[str, ...]
) -> None:
    ended = stranger.but(url=dripping, token=TOKEN)(*command)

    assert (ended.code, ended.complaint) == (75, f"{dripping} {_TOO_SLOW}")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that sends nothing."""
    monkeypatch.setattr(deadlines, "DEADLINE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("server_name", ["dripping", "silent"])
def test_an_answer_that_never_ends_is_given_up_by_any_thread(
    request: pytest.FixtureRequest, server_name: str
) -> None:
    """`run --watch` looks in one, where no alarm goes off."""
    url = request.getfixturevalue(server_name)
    gateway = Gateway(Address(url=url, source="--url"), Credential(TOKEN, "a test"))

    with ThreadPoolExecutor() as threads:
        looked = threads.submit(gateway.run, "{ viewer { name } }")

        assert str(looked.exception(PATIENCE)) == f"{url} {_TOO_SLOW}"


def test_a_line_of_a_stream_that_never_ends_is_refused(
    canned: CannedGateway, client: Laptop
) -> None:
    canned.answer(200, b"data: " + b"x" * 2 * 1024 * 1024)

    ended = client(*_STREAM)

    assert (ended.code, ended.complaint) == (
        1,
        "this is not the answer of a gateway (HTTP status 200).",
    )


def test_a_server_that_speaks_something_else_is_named(stranger: Laptop) -> None:
    def greet() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220 mail.example ready\r\n")
            # The other end closes when it has read this.
            connection.recv(100_000)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        ended = stranger.but(url=url, token=TOKEN)("project", "list")

        thread.join()
    assert (ended.code, ended.complaint) == (75, f"{url} cannot be reached: BadStatusLine.")


def test_an_import_that_is_refused_as_a_whole_says_why(
    canned: CannedGateway, client: Laptop
) -> None:
    page = {"edges": [], "pageInfo": {"hasNextPage": False}}
    refusal = {"code": "QUOTA_EXCEEDED", "message": "There is no room."}
    outcome = {"holder": None, "rows": [], "errors": [refusal], "warnings": []}
    canned.answer(200, {"data": {"node": {"visibleSecrets": page}, "importSecrets": outcome}})
    at_job = ("--at", "job:00000000-0000-4000-8000-000000000000")

    ended = client("import", "-", "--format", "json", *at_job, stdin="{}")

    assert (ended.code, ended.complaint) == (5, "There is no room.")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """One that nobody has reason to trust, and its key."""
    files = certified(tmp_path)
    return files["ssl_certfile"], files["ssl_keyfile"]


def test_a_certificate_that_is_not_trusted_is_refused(
    stranger: Laptop, certificate: tuple[Path, Path]
) -> None:
    with serving_canned(certificate) as encrypted:
        ended = stranger.but(url=encrypted.url, token=TOKEN)("project", "list")

        assert encrypted.received == []
    assert ended.code == 75
    assert "the certificate is not trusted: self-signed certificate." in ended.complaint
    assert "SECRETS_GATEWAY_CA_FILE" in ended.complaint


def test_a_private_authority_can_be_trusted(
    stranger: Laptop, certificate: tuple[Path, Path]
) -> None:
    with serving_canned(certificate) as encrypted:
        encrypted.refuse(200, "NOT_FOUND", "Nothing.")
        trusting = stranger.but(url=encrypted.url, token=TOKEN)

        ended = trusting("project", "list", CA_FILE=str(certificate[0]))

    assert (ended.code, ended.complaint) == (4, "Nothing.")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_named(stranger: Laptop, content: str | None) -> None:
    path = stranger.home / "authority.pem"
    if content:
        path.write_text(content)

    ended = stranger.but(url="https://127.0.0.1:1", token=TOKEN)(
        "project", "list", CA_FILE=str(path)
    )

    assert ended.code == 1
    assert ended.complaint.startswith(f"SECRETS_GATEWAY_CA_FILE: {path} cannot be used: ")


def test_a_proxy_is_used(canned: CannedGateway, stranger: Laptop) -> None:
    """Over https, the proxy sees only the name of the gateway."""
    canned.refuse(200, "NOT_FOUND", "Nothing.")
    behind = stranger.but(url=None, token=TOKEN, variables={"http_proxy": canned.url})

    ended = behind("--url", "http://gateway.example", "--allow-http", "project", "list")

    assert ended.complaint == "Nothing."
    assert [path for _, path, _ in canned.received] == ["http://gateway.example/graphql"]


def test_a_request_to_this_host_uses_no_proxy(canned: CannedGateway, stranger: Laptop) -> None:
    canned.refuse(200, "NOT_FOUND", "Nothing.")
    with serving_canned() as proxy:
        behind = stranger.but(url=canned.url, token=TOKEN, variables={"http_proxy": proxy.url})

        assert behind("project", "list").complaint == "Nothing."
        assert proxy.received == []


def test_a_stream_that_no_gateway_sends_is_refused(canned: CannedGateway, client: Laptop) -> None:
    canned.refuse(503, "UNAVAILABLE", "Later.")
    unavailable = client(*_STREAM)
    canned.answer(200, b'data: {"errors": [{"message": "Over."}]}\n\n')
    over = client(*_STREAM)

    assert (unavailable.code, unavailable.complaint) == (75, "Later.")
    assert (over.code, over.complaint) == (1, "Over.")
