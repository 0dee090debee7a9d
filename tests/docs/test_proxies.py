"""The proxies of docs/examples/proxy put the gateway beside the original."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.sync.client import connect

from gateway.domain.holders import new_id
from gateway.rest.table import OPERATIONS
from gateway.services.demo import Demo
from tests.docs.proxies import (
    GATEWAY,
    ORIGINAL,
    echoing,
    envoy,
    envoy_target,
    is_here,
    nginx,
    nginx_target,
    served_by,
)
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving

pytestmark = pytest.mark.rule("T1")

_ID: Final = new_id()
OWN: Final = sorted({re.sub(r"\{\w+\}", _ID, row.path) for row in OPERATIONS})
# The two have these both: the gateway's are for clients that are pointed at it alone.
SHARED: Final = re.compile(
    "/variable|/organization|/environmentVariable/|/environment$|^/environment/[^/]+/[a-zA-Z]+$"
)
SECRETS: Final = [path for path in OWN if "/secret" in path or path.startswith("/runtime/")]
LOOKALIKES: Final = [
    f"/job/{_ID}/secrets",
    f"/job/{_ID}/environmentVariable",
    f"/job/{_ID}/deployment/secret",
    f"/helm/{_ID}/secret",
    f"/project/{_ID}/secretary/1",
    "/graphql/more",
    "/runtimes",
    "/cluster",
    "/",
]
# What only the gateway has, with a slash too many or too few.
MISSPELLED: Final = ["/runtime", "/graphql/"]
# Of the gateway, and of the original or an issuer.
GATEWAY_TOKENS: Final = [
    "Token sgw_a",
    "Bearer sgw_a",
    "bearer  SGW_a",
    "sgw_a",
    "Token a, Token sgw_a",
]
OTHER_TOKENS: Final = ["", "Token a", "Bearer eyJh.sgw_.b", "Token asgw_a"]
Proxy = Callable[..., AbstractContextManager[str]]
TARGETS: Final = pytest.mark.parametrize("target", [nginx_target, envoy_target])


@TARGETS
def test_secrets_go_to_the_gateway_and_all_else_to_the_original(
    target: Callable[[str], str],
) -> None:
    paths = (*OWN, "/graphql", *MISSPELLED, *LOOKALIKES)

    to_gateway = [path for path in paths if target(path) == GATEWAY]

    assert to_gateway == [*SECRETS, "/graphql", *MISSPELLED]


@TARGETS
def test_a_token_of_the_gateway_goes_to_the_gateway_whatever_the_path(
    target: Callable[[str, str], str],
) -> None:
    sent = {target(path, token) for path in LOOKALIKES for token in GATEWAY_TOKENS}
    others = {target(path, token) for path in LOOKALIKES for token in OTHER_TOKENS}

    assert (sent, others) == ({GATEWAY}, {ORIGINAL})


def test_each_path_of_the_gateway_is_of_one_side() -> None:
    assert [path for path in OWN if path not in SECRETS and not SHARED.search(path)] == []


@pytest.fixture(scope="module", params=[nginx, envoy], ids=["nginx", "envoy"])
def proxy(request: pytest.FixtureRequest) -> Proxy:
    """Each proxy, if it is installed."""
    name = request.param.__wrapped__.__name__
    if not is_here(name):
        pytest.skip(f"{name} is not installed")
    chosen: Proxy = request.param
    return chosen


@pytest.fixture(scope="module")
def between_echoes(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("echoes")
    with (
        echoing(GATEWAY) as gateway,
        echoing(ORIGINAL) as original,
        proxy(folder, gateway=gateway, original=original) as url,
    ):
        yield url


@pytest.fixture(scope="module")
def server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("proxies") / "data")
    settings = {"ALLOWED_HOSTS": "secrets.example.com", "TRUSTED_PROXIES": "127.0.0.1"}
    with serving(folder, template[1], **settings) as started:
        yield started


@pytest.fixture(scope="module")
def beside_the_original(
    proxy: Proxy, server: LiveServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    port = urlsplit(server.url).port
    with (
        echoing(ORIGINAL) as original,
        proxy(tmp_path_factory.mktemp("real"), gateway=port, original=original) as url,
    ):
        yield url


def test_a_running_proxy_sends_each_path_where_its_file_says(between_echoes: str) -> None:
    with httpx.Client(base_url=between_echoes, timeout=PATIENCE) as client:
        paths = (*OWN, "/graphql", *MISSPELLED, *LOOKALIKES)
        found = {path: served_by(client.get(path)) for path in paths}

    assert found == {path: nginx_target(path) for path in found}


@pytest.mark.parametrize("token", [*GATEWAY_TOKENS, *OTHER_TOKENS])
def test_a_running_proxy_keeps_tokens_of_the_gateway_from_the_original(
    between_echoes: str, token: str
) -> None:
    """With the method and the body, which nginx must not lose on its way."""
    headers = {"Authorization": token}
    with httpx.Client(base_url=between_echoes, headers=headers, timeout=PATIENCE) as client:
        answers = [client.get("/variable"), client.post("/variable", json={"key": "A"})]

    expected = GATEWAY if token in GATEWAY_TOKENS else ORIGINAL
    assert [served_by(answer) for answer in answers] == [expected] * 2
    assert [answer.json()["path"] for answer in answers] == ["/variable"] * 2
    assert [answer.json()["method"] for answer in answers] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("path", "host"),
    [(f"/job/{_ID}/secret", "secrets.example.com"), ("/cluster", "api.qovery.com")],
    # The id is another one in each process.
    ids=["a secret's path", "another path"],
)
def test_a_running_proxy_names_each_host(between_echoes: str, path: str, host: str) -> None:
    got = httpx.get(f"{between_echoes}{path}", timeout=PATIENCE).json()

    assert got["Host" if "Host" in got else "host"] == host


def test_a_running_proxy_says_who_asks(between_echoes: str) -> None:
    got = httpx.get(f"{between_echoes}/runtime/{_ID}", timeout=PATIENCE).json()

    headers = {name.lower(): value for name, value in got.items()}
    # Envoy writes the machine's own address for a neighbour on the loopback.
    address = headers["x-forwarded-for"]
    assert str(ip_address(address)) == address
    assert headers["x-forwarded-proto"] == "http"
    assert "upgrade" not in headers.get("connection", "")


def test_a_secret_is_written_through_the_proxy(
    beside_the_original: str, server: LiveServer
) -> None:
    headers = {"Authorization": f"Token {server.demo['token']}"}
    path = f"{beside_the_original}/job/{server.demo['job_id']}/secret"

    key = f"THROUGH_{new_id()[:8]}"

    made = httpx.post(path, json={"key": key, "value": "x"}, headers=headers, timeout=PATIENCE)

    assert made.json()["key"] == key


def test_a_large_body_is_refused_by_the_gateway_itself(
    beside_the_original: str, server: LiveServer
) -> None:
    headers = {"Authorization": f"Token {server.demo['token']}"}
    path = f"{beside_the_original}/job/{server.demo['job_id']}/secret"
    body = {"key": "A", "value": "x" * 1_100_000}

    refused = httpx.post(path, json=body, headers=headers, timeout=PATIENCE)

    assert refused.status_code == 413, refused.text
    assert refused.json()["code"] == "PAYLOAD_TOO_LARGE"


def test_a_websocket_goes_through_the_proxy(beside_the_original: str, server: LiveServer) -> None:
    url = beside_the_original.replace("http", "ws", 1)
    with connect(f"{url}/graphql", subprotocols=["graphql-transport-ws"], proxy=None) as socket:  # type: ignore[list-item] # a name of the protocol
        credential = {"Authorization": f"Bearer {server.demo['token']}"}
        socket.send(json.dumps({"type": "connection_init", "payload": credential}))

        answer = json.loads(socket.recv(PATIENCE))

    assert answer["type"] == "connection_ack"
