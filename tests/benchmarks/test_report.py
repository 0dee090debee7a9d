"""The report says what was measured, what is wanted, and what is not there."""

import os
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from tests.benchmarks import rounds
from tests.benchmarks.figures import TIMES, Measured, Results, Single, to_markdown
from tests.benchmarks.options import Options, UnknownOption
from tests.benchmarks.processes import Cores, NotStarted, Server, free_port, running
from tests.benchmarks.requests import EACH, Request
from tests.benchmarks.rounds import FailedRequests, Round, measure, median_of

_SLOW: Final = Round(10, 100, 200, 4_000)
_FAST: Final = Round(40, 25, 50, 1_000)


def _report(gateway: Round) -> str:
    measured = [
        Measured("limit: read", _FAST),
        Measured("gateway: read", gateway, of="limit: read"),
    ]
    return "\n".join(to_markdown(Results(measured={"W1": measured})))


def test_a_target_within_its_bound_is_met() -> None:
    row = f"| W1 by GraphQL | CPU / limit: read | 4.00 {TIMES} | ≤ 4 {TIMES} | met |"
    assert row in _report(_SLOW)


def test_a_target_beyond_its_bound_is_not_met() -> None:
    beyond = Round(10, 100, 200, 4_100)
    assert f"| 4.10 {TIMES} | ≤ 4 {TIMES} | **not met** |" in _report(beyond)


def test_cases_have_all_figures_and_their_multiple_of_the_limit() -> None:
    row = f"| gateway: read | 10 | 100.00 | 200.00 | 4,000 | 4.00 {TIMES} |"
    assert row in _report(_SLOW)


def test_single_numbers_and_what_is_missing_are_listed() -> None:
    stall = Single(what="longest stall", amount=61.5, unit="ms", bound=50)
    lines = list(to_markdown(Results(singles=[stall], missing=["mercurius-jit: no Node"])))
    assert "| longest stall | | 61.50 ms | ≤ 50 ms | **not met** |" in lines
    assert "| longest stall | 61.5 ms |" in lines
    assert "- mercurius-jit: no Node" in lines


def test_rounds_are_summed_up_by_the_median_of_each_figure() -> None:
    assert median_of([Round(1, 9, 5, 2), Round(2, 8, 6, 9), Round(3, 7, 4, 3)]) == Round(2, 8, 5, 3)


def test_variables_choose_what_is_measured() -> None:
    chosen = {"BENCH_SECONDS": "1", "BENCH_ONLY": "W1,W2", "BENCH_SECRETS": "1000000"}
    options = Options.read(chosen)
    assert (options.seconds, options.only, options.secrets) == (1, ("W1", "W2"), 1_000_000)
    assert (Options.read({}).rounds, len(Options.read({}).only)) == (3, 7)


@pytest.mark.parametrize(
    ("variable", "text"),
    [("BENCH_SECONDS", "0"), ("BENCH_ROUNDS", "two"), ("BENCH_ONLY", "W1,W9")],
)
def test_a_variable_that_is_not_understood_is_named(variable: str, text: str) -> None:
    with pytest.raises(UnknownOption, match=variable):
        Options.read({variable: text})


class _Handler(BaseHTTPRequestHandler):
    """Creates each key once, and refuses one that comes again."""

    protocol_version = "HTTP/1.1"
    seen: Final[set[bytes]] = set()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = (409 if body in self.seen else 201), b"{}"
        if self.path == "/graphql":
            status, answer = 200, b'{"data":null,"errors":[{"message":"No."}]}'
        self.seen.add(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Report no connection that a client has closed."""


@pytest.fixture
def counted() -> Iterator[Server]:
    """A server in this process."""
    with _Quiet(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Server("counted", server.server_address[1], os.getpid())
        server.shutdown()


@pytest.fixture(params=["wrk", "python"])
def _client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(rounds, "WRK", None)
    elif not rounds.WRK:
        pytest.skip("wrk is not installed")


@pytest.mark.usefixtures("_client")
def test_requests_of_a_round_differ(counted: Server) -> None:
    different = Request(method="POST", path="/", body=f'{{"key": "{EACH}"}}', status=201)
    found = measure(counted, [different], seconds=1, clients=2)
    assert found.per_second > 0
    assert found.p50 <= found.p99


@pytest.mark.usefixtures("_client")
@pytest.mark.parametrize(("path", "status"), [("/", 201), ("/graphql", 200)])
def test_a_round_with_refused_requests_has_no_figures(
    counted: Server, path: str, status: int
) -> None:
    same = Request(method="POST", path=path, body='{"key": "SAME"}', status=status)
    with pytest.raises(FailedRequests, match="counted"):
        measure(counted, [same], seconds=1, clients=2)


def test_no_run_repeats_the_keys_of_another() -> None:
    request = Request(method="POST", path="/", body=f'{{"key": "{EACH}"}}')
    assert rounds.script_of([request]) != rounds.script_of([request])


def test_a_server_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such database')"]
    cores, log = Cores.available(), tmp_path / "log"
    with (
        pytest.raises(NotStarted, match="peer ended with 1: no such database"),
        running("peer", command, port=free_port(), cores=cores, log=log),
    ):
        pytest.fail("It does not listen.")


def test_a_server_runs_on_its_core_and_ends_with_the_block(tmp_path: Path) -> None:
    port, cores = free_port(), Cores.available()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    before = os.sched_getaffinity(0)
    with running("peer", command, port=port, cores=cores, log=tmp_path / "log") as server:
        assert os.sched_getaffinity(server.pid) == cores.servers
        assert os.sched_getaffinity(0) == before
        assert server.megabytes > 1
    assert not Path(f"/proc/{server.pid}").exists()
