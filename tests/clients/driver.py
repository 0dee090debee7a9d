"""A published client in a process of its own: a line of JSON goes in, a line of JSON comes out."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from select import select
from typing import IO, Any, Final

from tests.patience import PATIENCE

Row = Mapping[str, Any]

_CHUNK_BYTES: Final = 65_536
# The server is on this machine; a proxy that the environment names is not to be asked for it.
_NO_PROXY: Final = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


class ClientFailed(Exception):
    """The client gave no answer of the server's: it failed by itself, or fell silent."""


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What the server answered, as the client handed it on. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: Any

    @property
    def row(self) -> Row:
        """The one object that was answered: a secret, or a problem."""
        assert isinstance(self.data, dict), self
        return self.data

    @property
    def rows(self) -> Sequence[Row]:
        """The secrets of a list."""
        rows: Sequence[Row] = self.row["results"]
        return rows


@dataclass(frozen=True, slots=True)
class Driver:
    """Asks one process, one question at a time."""

    questions: IO[bytes]
    answers: IO[bytes]
    seconds: float

    def ask(self, **question: object) -> ExecutionResult:
        """Return the answer.

        Raises:
            ClientFailed: if the client could not call the server, or does not answer in time.

        """
        self.questions.write(json.dumps(question).encode() + b"\n")
        answer = json.loads(self._line())
        if "failure" in answer:
            raise ClientFailed(answer["failure"])
        headers = {name.lower(): header for name, header in answer["headers"].items()}
        return ExecutionResult(answer["status"], headers, answer["data"])

    def _line(self) -> bytes:
        deadline = time.monotonic() + self.seconds
        line = b""
        while not line.endswith(b"\n"):
            line += self._chunk(deadline - time.monotonic())
        return line

    def _chunk(self, seconds: float) -> bytes:
        ready, _, _ = select([self.answers], [], [], max(seconds, 0))
        chunk = os.read(self.answers.fileno(), _CHUNK_BYTES) if ready else b""
        if not chunk:
            # A late answer would pass for that to the next question, so there is none.
            self.questions.close()
            raise ClientFailed("The client has ended." if ready else "No answer came in time.")
        return chunk


@contextmanager
def driving(
    command: Sequence[str], settings: Mapping[str, str], *, seconds: float = PATIENCE
) -> Iterator[Driver]:
    """Run a client until the block ends; each answer has to come within the seconds.

    Raises:
        subprocess.SubprocessError: if the process does not end well once its input has ended.

    """
    environment = {**os.environ, **_NO_PROXY, **settings}
    with subprocess.Popen(
        command, env=environment, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Driver(process.stdin, process.stdout, seconds)
        finally:
            process.stdin.close()
            _ensure_ended(process)


def _ensure_ended(process: "subprocess.Popen[bytes]") -> None:
    try:
        status = process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    if status:
        raise subprocess.CalledProcessError(status, process.args)
