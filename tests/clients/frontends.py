"""Small programs on the GraphQL clients of today, each in a process of its own.

A program gets a job with seven secrets, `KEY_1` to `KEY_7`, does with its client what a frontend
does, and prints what it saw as one line of JSON.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.patience import PATIENCE
from tests.servers import LiveServer

FOLDER: Final = Path(__file__).with_name("frontends")
_TOOLS: Final = FOLDER / "node_modules" / ".bin"
# The server is on this machine; a proxy that the environment names is not to be asked for it.
_NO_PROXY: Final = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}

_NEW_JOB: Final = """
    mutation ($environmentId: ID!, $name: String!) {
      createService(environmentId: $environmentId, type: JOB, name: $name) { holder { id } }
    }
"""
_SEVEN_SECRETS: Final = """
    mutation ($jobId: ID!, $secrets: [ImportSecretInput!]!) {
      importSecrets(holder: { jobId: $jobId }, secrets: $secrets, overwrite: false) {
        imported { id }
      }
    }
"""


def missing_for_frontends() -> str | None:
    """Return what this machine lacks to run the programs; None if nothing."""
    if shutil.which("node") is None:
        return "Node is not installed"
    if not (FOLDER / "node_modules").is_dir():
        return "the GraphQL clients are not installed: make clients"
    return None


@dataclass(frozen=True, slots=True)
class Stage:
    """A job of its own for one program, and the secret there that it makes an alias of."""

    server: LiveServer
    job_id: str
    target_id: str

    @classmethod
    def on(cls, server: LiveServer) -> "Stage":
        """Create the job and its secrets."""
        environment_id = server.demo["environment_id"]
        made = ask(server, _NEW_JOB, environmentId=environment_id, name=f"stage {uuid4()}")
        job_id = made["createService"]["holder"]["id"]
        secrets = [{"key": f"KEY_{number}", "value": "clear"} for number in range(1, 8)]
        rows = ask(server, _SEVEN_SECRETS, jobId=job_id, secrets=secrets)
        return cls(server, job_id, rows["importSecrets"]["imported"][0]["id"])

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program reads, beside what every process here gets."""
        given = {
            "GATEWAY_URL": self.server.url,
            "GATEWAY_TOKEN": self.server.demo["token"],
            "JOB_ID": self.job_id,
            "TARGET_ID": self.target_id,
        }
        return dict(os.environ) | _NO_PROXY | given


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program saw, and what its client complained of on the way."""

    seen: Mapping[str, Any]
    complaints: Sequence[str]


def play(stage: Stage, program: str, *arguments: str) -> Outcome:
    """Run a program to its end."""
    ended = subprocess.run(
        ["node", str(FOLDER / program), *arguments],
        env=stage.environment,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    complaints = ended.stderr.decode()
    assert ended.returncode == 0, complaints
    return Outcome(json.loads(ended.stdout), complaints.splitlines())


def use_tool(folder: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run `node`, or a tool of the clients' own such as a compiler, in one of their folders."""
    return subprocess.run(
        command,
        cwd=FOLDER / folder,
        env=dict(os.environ) | {"PATH": f"{_TOOLS}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )


def ask(server: LiveServer, document: str, **variables: object) -> Mapping[str, Any]:
    """Return the data that the document gets."""
    answer = httpx.post(
        f"{server.url}/graphql",
        json={"query": document, "variables": variables},
        headers={"Authorization": f"Bearer {server.demo['token']}"},
        timeout=PATIENCE,
    )
    assert "errors" not in answer.json(), answer.text
    data: Mapping[str, Any] = answer.json()["data"]
    return data
