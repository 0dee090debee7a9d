"""One round of load on a server: by wrk where it is installed, else by a client in Python."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.processes import Server
from tests.benchmarks.requests import Request
from tests.patience import PATIENCE

WRK: Final = shutil.which("wrk")
_RESULT: Final = re.compile(r"^RESULT (\S+) (\S+) (\S+) (\S+) (\S+)$", re.MULTILINE)
_SCRIPT: Final = """
local requests = {%s}
local threads, sent, same = {}, 0, nil
refused = 0
setup = function(thread) table.insert(threads, thread) end
request = function()
  if same then return same end
  sent = sent + 1
  local next = requests[(sent - 1) %% #requests + 1]
  local body = next.before
  if next.after then body = body .. sent .. next.after end
  if body == "" then body = nil end
  local made = wrk.format(next.method, next.path, next.headers, body)
  if #requests == 1 and not next.after then same = made end
  return made
end
response = function(status, headers, body)
  -- Answers with errors are short, and their status is 200.
  if #body < 2000 and (body:find('"errors":[{', 1, true) or body:find('"errors": [{', 1, true)) then
    refused = refused + 1
  end
end
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  for _, thread in ipairs(threads) do failed = failed + thread:get("refused") end
  io.write(string.format("RESULT %%d %%d %%f %%f %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass(frozen=True, slots=True)
class Round:
    """Answers per second, milliseconds until 50 and 99 % had theirs, and CPU us for each."""

    per_second: float
    p50: float
    p99: float
    cpu: float


class FailedRequests(Exception):
    """A server refused requests, or broke connections: its figures mean nothing."""


class NothingAnswered(FailedRequests):
    """Not one request was answered within a round."""


def median_of(rounds: Sequence[Round]) -> Round:
    """Return the median of each figure."""
    return Round(
        median(one.per_second for one in rounds),
        median(one.p50 for one in rounds),
        median(one.p99 for one in rounds),
        median(one.cpu for one in rounds),
    )


def measure(server: Server, requests: Sequence[Request], *, seconds: int, clients: int) -> Round:
    """Send the requests in turn, again and again, for some seconds.

    Raises:
        FailedRequests: if one was not answered as it should be.

    """
    send = _by_wrk if WRK else _by_python
    before = server.cpu_seconds
    answers, duration, p50, p99 = send(server, requests, seconds, clients)
    taken = server.cpu_seconds - before
    if not answers:
        message = f"{server.name} answered nothing in {seconds} s"
        raise NothingAnswered(message)
    return Round(answers / duration, p50, p99, taken / answers * 1e6)


def _by_wrk(
    server: Server, requests: Sequence[Request], seconds: int, clients: int
) -> tuple[int, float, float, float]:
    with TemporaryDirectory() as folder:
        script = Path(folder) / "requests.lua"
        script.write_text(script_of(requests))
        run = subprocess.run(
            [
                *(str(WRK), "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", f"{PATIENCE:g}s"),
                *("-s", str(script), f"http://127.0.0.1:{server.port}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    found = _RESULT.search(run.stdout)
    if found is None:
        message = f"{server.name}: {(run.stdout + run.stderr)[-300:]}"
        raise FailedRequests(message)
    answers, microseconds, p50, p99, failed = map(float, found.groups())
    if failed:
        message = f"{server.name} failed {failed:.0f} of {answers:.0f} requests"
        raise FailedRequests(message)
    return int(answers), microseconds / 1e6, p50 / 1000, p99 / 1000


def script_of(requests: Sequence[Request]) -> str:
    """Return the requests as a program for wrk."""
    run = load.new_run()
    return _SCRIPT % ",\n".join(_table(request, run) for request in requests)


def _table(request: Request, run: str) -> str:
    before, after = request.parts(run)
    headers = ", ".join(f"[{_text(k)}] = {_text(v)}" for k, v in request.headers.items())
    fields = [
        f"method = {_text(request.method)}",
        f"path = {_text(request.path)}",
        f"headers = {{{headers}}}",
        f"before = {_text(before)}",
        *([f"after = {_text(after)}"] if after is not None else []),
    ]
    return f"{{{', '.join(fields)}}}"


def _text(text: str) -> str:
    # What JSON and Lua write in the same way, and all that requests here have in them.
    assert text.isascii()
    return json.dumps(text)


def _by_python(
    server: Server, requests: Sequence[Request], seconds: int, clients: int
) -> tuple[int, float, float, float]:
    try:
        figures = load.measure(server.port, requests, seconds=seconds, clients=clients)
    except (AssertionError, OSError, EOFError) as refused:
        message = f"{server.name} answered {str(refused)[:300]}"
        raise FailedRequests(message) from refused
    return figures.answers, figures.answers / figures.per_second, figures.p50, figures.p99
