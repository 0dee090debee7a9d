"""Sessions in the documents: commands for one shell, and what each of them prints."""

import atexit
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from tests.forking import ForkedProcess

DOCS: Final = Path(__file__).parents[2] / "docs"
_PROGRAM: Final = Path(__file__).with_name("forked_program.py")
# The documents write this for what differs with each run.
ANY: Final = "…"

_BLOCK: Final = re.compile(r"^```(console|json)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_END: Final = "\036"


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and what the document says that it prints: text, or the JSON of a response."""

    command: str
    printed: str
    response: Any = None

    def prints(self, actual: str) -> bool:
        """Whether this output is what the document says."""
        if self.response is not None:
            return matches(self.response, json.loads(actual))
        pattern = "[^\n]+".join(map(re.escape, self.printed.strip().split(ANY)))
        return bool(re.fullmatch(pattern, actual.strip()))


def matches(expected: Any, actual: Any) -> bool:
    """Whether the JSON is what the document says; a list can end with `…` for more entries."""
    if expected == ANY:
        return True
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            matches(value, actual[name]) for name, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(actual, list):
        goes_on = expected[-1:] == [ANY]
        shown = expected[:-1] if goes_on else expected
        count = min(len(shown), len(actual)) if goes_on else len(actual)
        return len(shown) == count and all(map(matches, shown, actual))
    return bool(expected == actual)


def steps(page: str) -> list[Step]:
    """Return the page's commands in their order.

    A block of JSON is the response to the command above it, if the page shows no other output.
    """
    found: list[Step] = []
    for kind, text in _BLOCK.findall((DOCS / page).read_text()):
        if kind == "console":
            found += _commands(text)
        elif found and not found[-1].printed:
            found[-1] = Step(found[-1].command, "", json.loads(text))
    return found


def _commands(block: str) -> Iterator[Step]:
    for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        first, *lines = example.splitlines(keepends=True)
        more = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
        printed = [line for line in lines if not line.startswith("> ")]
        yield Step("".join([first, *more]), "".join(printed))


class ShellEnded(Exception):
    """A command has ended the shell that it ran in."""


class Shell:
    """One shell for a whole page, so that variables stay."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @classmethod
    def started(cls, folder: Path, variables: Mapping[str, str]) -> Self:
        """Start it in a folder."""
        return cls(
            subprocess.Popen(
                ["bash", "-u", "-o", "pipefail"],
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )

    def run(self, command: str) -> tuple[int, str]:
        """Run a command, and return its exit code and its output."""
        assert self._process.stdin
        assert self._process.stdout
        end = f"printf '{_END}%d\\n' $?"
        self._process.stdin.write(f"{{ {command}\n}} < /dev/null\n{end}\n")
        self._process.stdin.flush()
        lines = []
        for line in self._process.stdout:
            text, ended, code = line.partition(_END)
            lines.append(text)
            if ended:
                return int(code), "".join(lines)
        raise ShellEnded(command, "".join(lines))

    def close(self) -> None:
        """End the shell."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def with_the_program(folder: Path) -> dict[str, str]:
    """Return the variables of a reader who has installed the gateway, and no settings of it."""
    folder.mkdir()
    program = folder / "secrets-gateway"
    program.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -IS '{_PROGRAM}' '{_forking_socket()}' \"$@\"\n"
    )
    program.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SECRETS_GATEWAY_")}
    # The package itself, which is not installed where the examples run.
    found = {"PYTHONPATH": str(DOCS.parent), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    return kept | found


@cache
def _forking_socket() -> Path:
    """Return where the program has its commands run; a thread waits there to start them."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    path = Path(folder, "socket")
    server = _ForkingServer(str(path), _Command)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return path


class _ForkingServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class _Command(socketserver.StreamRequestHandler):
    """One command of a shell."""

    def handle(self) -> None:
        """Start it, and report its process and then its end."""
        text, streams, _, _ = socket.recv_fds(self.request, 65_536, 3)
        text += self.rfile.readline() if not text.endswith(b"\n") else b""
        arguments, variables, folder = json.loads(text)
        process = ForkedProcess.over(streams, *arguments, variables=variables, folder=Path(folder))
        for stream in streams:
            os.close(stream)
        self.wfile.write(f"{process.pid}\n".encode())
        self.wfile.write(f"{process.wait()}\n".encode())
