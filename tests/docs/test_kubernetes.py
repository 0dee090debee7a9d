"""The recipes of docs/kubernetes.md, replayed as the External Secrets Operator sends them.

Its webhook provider fills the store's templates, sends one request per reference with the HTTP
client of Go, and reads the answer; the requests here have its bytes.
"""

import json
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx
import pytest
import yaml

from gateway.services.demo import Demo
from tests.docs.sessions import DOCS, Shell, steps, with_the_program
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving

_PAGE: Final = (DOCS / "kubernetes.md").read_text()
_MANIFESTS: Final = {
    (manifest["kind"], manifest["metadata"]["name"]): manifest
    for manifest in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL))
}
CLUSTER_STORE: Final = _MANIFESTS["ClusterSecretStore", "secrets-gateway"]
STORE: Final = _MANIFESTS["SecretStore", "secrets-gateway"]
SOME: Final = _MANIFESTS["ExternalSecret", "invoices"]
ALL: Final = _MANIFESTS["ExternalSecret", "invoices-all"]
# What the operator's client sent for a reference with a property, captured from Go's net/http.
REQUEST: Final = (
    "GET {target} HTTP/1.1\r\n"
    "Host: {host}\r\n"
    "User-Agent: Go-http-client/1.1\r\n"
    "Authorization: Bearer {token}\r\n"
    "Accept-Encoding: gzip\r\n"
    "\r\n"
)
_FIELD: Final = re.compile(r"{{ \.(\w+)\.(\w+) }}")
_CONDITION: Final = re.compile(r"{{ if \.(\w+)\.(\w+) }}(.*?){{ end }}")
Data = Mapping[str, Mapping[str, str]]


class ProviderError(Exception):
    """The provider reports an error: any status but 200 and 404."""


class NoSecret(Exception):
    """The provider says that the secret is gone, which the deletion policy handles."""


def _filled(template: str, data: Data) -> str:
    """Fill a template as Go does, as far as the recipes use it."""
    chosen = _CONDITION.sub(lambda found: found[3] if data[found[1]][found[2]] else "", template)
    return _FIELD.sub(lambda found: data[found[1]][found[2]], chosen)


class Operator:
    """What the provider does with a store of the page, against a server on this machine."""

    def __init__(self, server: LiveServer, store: Any, token: str) -> None:
        self._address = urlsplit(server.url)
        self._provider = store["spec"]["provider"]["webhook"]
        (credential,) = self._provider["secrets"]
        self._auth = {credential["name"]: {credential["secretRef"]["key"]: token}}
        self.sent: list[str] = []

    def value(self, reference: Mapping[str, str]) -> str:
        """Read one entry of `data`: the answer, or what the store's JSON path finds in it."""
        answer, data = self._call(reference)
        path = _filled(self._provider["result"].get("jsonPath", ""), data)
        return str(json.loads(answer)[path.removeprefix("$.")]) if path else answer.decode()

    def extracted(self, reference: Mapping[str, str]) -> dict[str, str]:
        """Read one entry of `dataFrom`: an object of texts."""
        values: dict[str, str] = json.loads(self._call(reference)[0])
        assert all(isinstance(value, str) for value in values.values())
        return values

    def _call(self, reference: Mapping[str, str]) -> tuple[bytes, Data]:
        named = {name: reference.get(name, "") for name in ("key", "property", "version")}
        raw, escaped = ({"remoteRef": each, **self._auth} for each in (named, _escaped(named)))
        target = urlsplit(_filled(self._provider["url"], escaped))
        (header,) = self._provider["headers"].items()
        request = REQUEST.format(
            target=target._replace(scheme="", netloc="").geturl(),
            host=self._address.netloc,
            token=_filled(header[1], raw).removeprefix("Bearer "),
        )
        assert header[0] == "Authorization"
        self.sent.append(request)
        return self._exchanged(request.encode()), raw

    def _exchanged(self, request: bytes) -> bytes:
        place = self._address.hostname, self._address.port
        with closing(socket.create_connection(place, timeout=PATIENCE)) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection)
            response.begin()
            body = response.read()
        if response.status == HTTPStatus.NOT_FOUND:
            raise NoSecret
        if response.status != HTTPStatus.OK:
            raise ProviderError(response.status)
        return body


def _escaped(named: Mapping[str, str]) -> Mapping[str, str]:
    return {name: quote_plus(text) for name, text in named.items()}


@pytest.fixture(scope="module")
def server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("kubernetes") / "data"
    shutil.copytree(template[0], folder)
    with serving(folder, template[1]) as started:
        yield started


def _token(server: LiveServer, role: str) -> str:
    document = """mutation ($role: Role!) {
        createApiToken(name: "cluster", role: $role) { token errors { message } } }"""
    answer = httpx.post(
        f"{server.url}/graphql",
        json={"query": document, "variables": {"role": role}},
        headers={"Authorization": f"Bearer {server.demo['token']}"},
        timeout=PATIENCE,
    ).json()
    return str(answer["data"]["createApiToken"]["token"])


def _of_the_demo(server: LiveServer, reference: Mapping[str, str]) -> dict[str, str]:
    return {**reference, "key": server.demo["job_id"]}


def test_some_keys_become_the_secret_that_the_page_shows(server: LiveServer) -> None:
    operator = Operator(server, CLUSTER_STORE, _token(server, "RUNTIME"))

    made = {
        entry["secretKey"]: operator.value(_of_the_demo(server, entry["remoteRef"]))
        for entry in SOME["spec"]["data"]
    }

    assert made == _MANIFESTS["Secret", "invoices"]["stringData"]


def test_all_keys_become_one_secret(server: LiveServer) -> None:
    operator = Operator(server, CLUSTER_STORE, _token(server, "RUNTIME"))
    (entry,) = ALL["spec"]["dataFrom"]

    made = operator.extracted(_of_the_demo(server, entry["extract"]))

    assert made["SMTP_PASSWORD"] == "demo-bulk-smtp"
    assert made["TLS_CERTIFICATE"] == "/etc/tls/shop.pem"
    # What Kubernetes accepts as keys of a Secret.
    assert [key for key in made if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key)] == []


def test_a_json_path_finds_one_value_in_the_object(server: LiveServer) -> None:
    operator = Operator(server, STORE, _token(server, "RUNTIME"))

    reference = _of_the_demo(server, {"property": "SMTP_PASSWORD"})

    assert operator.value(reference) == "demo-bulk-smtp"


@pytest.mark.parametrize("reference", [{"property": "NO_KEY"}, {"key": "no-service"}])
def test_what_is_not_there_is_gone(server: LiveServer, reference: dict[str, str]) -> None:
    operator = Operator(server, CLUSTER_STORE, _token(server, "RUNTIME"))

    with pytest.raises(NoSecret):
        operator.value(_of_the_demo(server, {}) | reference)


@pytest.mark.parametrize("reference", [{"property": "SMTP_PASSWORD"}, {}])
@pytest.mark.parametrize(("token_of", "status"), [("VIEWER", 403), (None, 401)])
def test_a_refusal_is_an_error_and_not_gone(
    server: LiveServer, reference: dict[str, str], token_of: str | None, status: int
) -> None:
    """Else the operator would delete what it made before."""
    token = _token(server, token_of) if token_of else "none"
    operator = Operator(server, CLUSTER_STORE, token)

    with pytest.raises(ProviderError, match=str(status)):
        operator.value(_of_the_demo(server, reference))


def test_the_requests_are_those_of_the_operator(server: LiveServer) -> None:
    """To the byte, from the manifests of the page."""
    token = _token(server, "RUNTIME")
    operator = Operator(server, CLUSTER_STORE, token)
    job_id, host = server.demo["job_id"], urlsplit(server.url).netloc

    operator.value({"key": job_id, "property": "SMTP_PASSWORD"})
    operator.extracted({"key": job_id})

    targets = (f"/runtime/{job_id}/SMTP_PASSWORD?include=files", f"/runtime/{job_id}")
    assert operator.sent == [
        REQUEST.format(target=target, host=host, token=token) for target in targets
    ]


def test_the_manifests_fit_together() -> None:
    for store in (CLUSTER_STORE, STORE):
        (credential,) = store["spec"]["provider"]["webhook"]["secrets"]
        named = _MANIFESTS["Secret", credential["secretRef"]["name"]]
        assert named["metadata"]["labels"] == {"external-secrets.io/type": "webhook"}
        assert credential["secretRef"]["key"] in named["stringData"]
    for wanting in (SOME, ALL):
        reference = wanting["spec"]["secretStoreRef"]
        assert _MANIFESTS[reference["kind"], reference["name"]] is CLUSTER_STORE


def test_the_commands_print_what_the_page_shows(server: LiveServer, tmp_path: Path) -> None:
    assert server.log
    variables = with_the_program(tmp_path / "programs") | {
        "SECRETS_GATEWAY_DATA_DIR": str(server.log.parent / "data"),
        "SECRETS_GATEWAY_LOG_LEVEL": "warning",
        "ADDRESS": server.url,
        "JOB_ID": server.demo["job_id"],
        "PROJECT_ID": server.demo["project_id"],
    }
    shell = Shell.started(tmp_path, variables)
    with closing(shell):
        for step in steps("kubernetes.md"):
            code, printed = shell.run(step.command)

            assert code == 0, f"{step.command}{printed}"
            assert step.prints(printed), f"{step.command}{printed}"
