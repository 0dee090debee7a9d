"""`login --issuer`: the device flow of OAuth 2.0, with an issuer of this test's own."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any, Final
from urllib.parse import parse_qs

import pytest

from gateway.cli.client import credentials, device_flow
from tests.cli.client.conftest import Laptop, printed
from tests.patience import PATIENCE
from tests.servers import LiveServer

_PENDING: Final = {"error": "authorization_pending"}
# The connection is closed without a response, as by a proxy that restarts.
_LOST: Final[dict[str, Any]] = {}


class FakeIssuer:
    """Answers each path with what a test wants, the last answer again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[tuple[str, dict[str, list[str]]]] = []
        self.configuration: dict[str, Any] = {
            "issuer": url,
            "device_authorization_endpoint": f"{url}/device",
            "token_endpoint": f"{url}/token",
        }
        self.code: dict[str, Any] = {
            "device_code": "d-1",
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{url}/confirm",
            "verification_uri_complete": f"{url}/confirm?code=WDJB-MJHT",
            "expires_in": 600,
        }
        self.tokens: list[dict[str, Any]] = []

    def answer(self, path: str, form: dict[str, list[str]]) -> dict[str, Any]:
        self.received.append((path, form))
        if path == "/token":
            return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return self.code if path == "/device" else self.configuration


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    fake = FakeIssuer(f"http://127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE

        def do_GET(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            answer = fake.answer(self.path, parse_qs(form))
            if answer is _LOST:
                return
            body = json.dumps(answer).encode()
            self.send_response(400 if "error" in answer else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - as the library calls it

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seconds that were waited, without waiting."""
    seconds: list[int] = []
    monkeypatch.setattr(device_flow, "sleep", seconds.append)
    return seconds


def test_a_confirmed_code_becomes_a_token(
    laptop: Laptop, server: LiveServer, issuer: FakeIssuer, waited: list[int]
) -> None:
    token = server.demo["token"]
    issuer.tokens = [_PENDING, {"error": "slow_down"}, {"access_token": token}]
    signed_out = laptop.but(token=None)

    said = printed(
        signed_out("login", "--issuer", issuer.url, "--client-id", "cli", "--audience", "gateway")
    )

    assert said.splitlines()[:3] == [
        f"Open {issuer.url}/confirm in a browser, and confirm the code",
        "  WDJB-MJHT",
        f"or open {issuer.url}/confirm?code=WDJB-MJHT",
    ]
    assert signed_out("whoami").code == 0
    assert waited == [5, 5, 10]
    assert issuer.received[1] == (
        "/device",
        {"client_id": ["cli"], "scope": ["openid"], "audience": ["gateway"]},
    )
    assert issuer.received[2][1]["device_code"] == ["d-1"]
    assert token not in said


def test_a_lost_response_is_asked_for_again_and_later(
    laptop: Laptop, issuer: FakeIssuer, waited: list[int]
) -> None:
    issuer.tokens = [_LOST, {"access_token": laptop.token}]

    ended = laptop.but(token=None)("login", "--issuer", issuer.url)

    assert (ended.code, waited) == (0, [5, 10])


def test_a_line_break_of_the_issuer_begins_no_line(
    laptop: Laptop, issuer: FakeIssuer, waited: list[int]
) -> None:
    names = ("verification_uri", "verification_uri_complete", "user_code")
    issuer.code |= dict.fromkeys(names, "https://id\nThe token is")
    issuer.tokens = [{"error": "access_denied"}]

    ended = laptop.but(token=None)("login", "--issuer", issuer.url)

    assert len(ended.out.splitlines()) == 3
    assert len(waited) == 1


@pytest.mark.parametrize(
    ("last", "complaint"),
    [
        ({"error": "access_denied"}, "the sign-in was refused."),
        ({"error": "expired_token"}, "the code has expired: run the command again."),
        ({"error": "bad\x1b[2J"}, "the issuer gives no token: bad [2J."),
        ({"access_token": 7}, "the issuer gives no token: no answer of an issuer."),
    ],
)
def test_a_sign_in_that_fails_says_why(
    laptop: Laptop,
    issuer: FakeIssuer,
    waited: list[int],
    last: dict[str, Any],
    complaint: str,
) -> None:
    issuer.tokens = [_PENDING, last]

    ended = laptop.but(token=None)("login", "--issuer", issuer.url)

    assert (ended.code, ended.complaint) == (3, f"{issuer.url}: {complaint}")
    assert len(waited) == 2


def test_a_code_that_nobody_confirms_expires(
    laptop: Laptop, issuer: FakeIssuer, waited: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_flow, "monotonic", lambda: float(sum(waited)))
    issuer.tokens = [_PENDING]
    issuer.code |= {"interval": 1_000, "expires_in": 150}

    ended = laptop.but(token=None)("login", "--issuer", issuer.url)

    assert (ended.code, waited) == (3, [60, 60, 60])
    assert ended.complaint.endswith("the code has expired: run the command again.")


@pytest.mark.parametrize(
    ("configuration", "code", "complaint"),
    [
        ({"issuer": "https://another.example"}, {}, "this is not an issuer of"),
        ({"token_endpoint": None}, {}, "does not offer the device flow."),
        (
            {"token_endpoint": "http://id.example.com/token"},
            {},
            "in clear: use https.",
        ),
        ({"token_endpoint": "file:///etc/passwd"}, {}, "must begin with https:// and a host."),
        ({}, {"user_code": None, "error": "unauthorized_client"}, "no code: unauthorized_client."),
    ],
)
def test_an_issuer_that_is_unfit_gets_no_further(
    laptop: Laptop,
    issuer: FakeIssuer,
    configuration: dict[str, Any],
    code: dict[str, Any],
    complaint: str,
) -> None:
    issuer.configuration |= configuration
    issuer.code |= code

    ended = laptop.but(token=None)("login", "--issuer", issuer.url)

    assert ended.code in {1, 3}
    assert complaint in ended.complaint
    assert "/token" not in {path for path, _ in issuer.received}


def test_a_gateway_that_a_folder_names_gets_no_token_of_an_issuer(
    laptop: Laptop, server: LiveServer, issuer: FakeIssuer
) -> None:
    laptop.pin(f'url = "{server.url}"')

    ended = laptop.but(url=None, token=None)("login", "--issuer", issuer.url)

    assert ended.code == 1
    assert f"confirm it by --url {server.url}." in ended.complaint
    assert issuer.received == []


_RENEWED: Final = {"access_token": "to be set", "expires_in": 600, "refresh_token": "r-2"}


def _sign_in(laptop: Laptop, issuer: FakeIssuer, **granted: Any) -> Laptop:
    """Sign in, and return the laptop with what it has stored alone."""
    issuer.tokens = [{"access_token": laptop.token, **granted}]
    signed_in = laptop.but(token=None)
    assert signed_in("login", "--issuer", issuer.url, "--client-id", "cli").code == 0
    issuer.received.clear()
    return signed_in


def _move_on(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the time of tokens go on."""
    later = time() + seconds
    monkeypatch.setattr(device_flow, "time", lambda: later)
    monkeypatch.setattr(credentials, "time", lambda: later)


@pytest.mark.usefixtures("waited")
def test_a_token_is_renewed_before_it_expires(laptop: Laptop, issuer: FakeIssuer) -> None:
    signed_in = _sign_in(laptop, issuer, expires_in=30, refresh_token="r-1")
    issuer.tokens = [_RENEWED | {"access_token": laptop.token}]

    first, second = signed_in("whoami"), signed_in("whoami")

    assert (first.code, second.code) == (0, 0)
    # One of two commands had to.
    (form,) = [form for path, form in issuer.received if path == "/token"]
    assert form == {"grant_type": ["refresh_token"], "refresh_token": ["r-1"], "client_id": ["cli"]}
    stored = (laptop.home / ".config/secrets-gateway/tokens.json").read_text()
    assert "r-2" in stored
    assert "r-1" not in stored


@pytest.mark.usefixtures("waited")
def test_a_refresh_token_stays_if_the_issuer_gives_no_other(
    laptop: Laptop, issuer: FakeIssuer
) -> None:
    signed_in = _sign_in(laptop, issuer, expires_in=30, refresh_token="r-1")
    issuer.tokens = [{"access_token": laptop.token, "expires_in": 30}]

    codes = [signed_in("whoami").code for _ in range(2)]

    sent = [form["refresh_token"] for path, form in issuer.received if path == "/token"]
    assert (codes, sent) == ([0, 0], [["r-1"], ["r-1"]])


@pytest.mark.usefixtures("waited")
@pytest.mark.parametrize("seconds", [0, 3_600], ids=["about to expire", "expired"])
def test_a_sign_in_that_the_issuer_has_ended_says_how_to_repeat_it(
    laptop: Laptop, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    signed_in = _sign_in(laptop, issuer, expires_in=30, refresh_token="r-1")
    issuer.tokens = [{"error": "invalid_grant"}]
    _move_on(monkeypatch, seconds)

    ended = signed_in("whoami")

    again = f"`secrets-gateway login --issuer {issuer.url} --client-id cli`"
    assert (ended.code, ended.complaint) == (
        3,
        f"the sign-in has ended: run {again}, with the options as before.",
    )


@pytest.mark.usefixtures("waited")
@pytest.mark.parametrize(("seconds", "code"), [(0, 0), (3_600, 3)], ids=["valid", "expired"])
def test_without_a_refresh_token_a_sign_in_ends_with_its_token(
    laptop: Laptop,
    issuer: FakeIssuer,
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    code: int,
) -> None:
    signed_in = _sign_in(laptop, issuer, expires_in=30)
    _move_on(monkeypatch, seconds)

    ended = signed_in("whoami")

    assert ended.code == code
    assert ("the sign-in has ended" in ended.err) is (code == 3)
    assert issuer.received == []


@pytest.mark.usefixtures("waited")
@pytest.mark.parametrize(
    ("said", "code"),
    [("30", 3), (29.5, 3), (30, 3), (True, 0), ("soon", 0), ("inf", 0), (None, 0), ([30], 0)],
    ids=repr,
)
def test_an_end_that_is_no_number_is_not_known(
    laptop: Laptop, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch, said: object, code: int
) -> None:
    """Some issuers send a text; without an end, the gateway says whether a token is valid."""
    signed_in = _sign_in(laptop, issuer, expires_in=said)
    before = signed_in("whoami").code
    _move_on(monkeypatch, 3_600)

    after = signed_in("whoami").code

    assert (before, after) == (0, code)


@pytest.mark.usefixtures("waited")
@pytest.mark.parametrize("answer", [_LOST, {"error": "temporarily_unavailable"}])
@pytest.mark.parametrize("seconds", [0, 3_600], ids=["valid", "expired"])
def test_a_token_works_until_it_expires_while_its_issuer_does_not(
    laptop: Laptop,
    issuer: FakeIssuer,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
    seconds: int,
) -> None:
    signed_in = _sign_in(laptop, issuer, expires_in=30, refresh_token="r-1")
    issuer.tokens = [answer]
    _move_on(monkeypatch, seconds)

    ended = signed_in("whoami")

    failure = 3 if answer else 75
    assert ended.code == (failure if seconds else 0)
    assert "r-1" not in ended.err


@pytest.mark.usefixtures("waited")
def test_a_refresh_token_is_used_once_by_commands_that_run_together(
    laptop: Laptop, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sign_in(laptop, issuer, expires_in=30, refresh_token="r-1")
    issuer.tokens = [_RENEWED | {"access_token": "next"}]
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    store = credentials.TokenStore(laptop.home / ".config/secrets-gateway/tokens.json")

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(store.find, [str(laptop.url)] * 4))

    assert [credential and credential.token for credential in found] == ["next"] * 4
    assert [path for path, _ in issuer.received].count("/token") == 1


@pytest.mark.usefixtures("waited")
@pytest.mark.parametrize(
    "kept",
    [
        '{"unknown": 1}',
        '{"token": 5}',
        '{"token": "t", "expires_at": "soon"}',
        '{"token": "t", "expires_at": true}',
        '{"token": "t", "expires_at": 1, "refresh_token": []}',
    ],
)
def test_what_is_stored_and_is_no_token_says_so(
    laptop: Laptop, issuer: FakeIssuer, kept: str
) -> None:
    signed_in = _sign_in(laptop, issuer, expires_in=600)
    stored = laptop.home / ".config/secrets-gateway/tokens.json"
    stored.write_text(json.dumps({laptop.url: kept}))

    ended = signed_in("whoami")

    assert ended.code == 3
    assert "is not a token: run `secrets-gateway login`." in ended.complaint
