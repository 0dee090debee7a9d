"""Programs on graphql-ws and graphql-sse miss nothing, and hear of nothing twice."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gateway.services.demo import Demo
from tests.clients.frontends import Stage, ask
from tests.clients.watcher import Change, Watcher
from tests.clients.wire import Wire
from tests.servers import LiveServer, serving

pytestmark = pytest.mark.npm

_CREATE = """
    mutation ($jobId: ID!, $key: String!) {
      createJobSecret(jobId: $jobId, input: { key: $key }) { errors { message } }
    }
"""


@pytest.fixture
def demo(template: tuple[Path, Demo]) -> Demo:
    return template[1]


@pytest.fixture
def wire(frontends_are_there: None) -> Iterator[Wire]:  # noqa: ARG001 - order
    with Wire.laid() as laid:
        yield laid


@contextmanager
def _watched(server: LiveServer, wire: Wire, *arguments: str) -> Iterator[tuple[Stage, Watcher]]:
    """Watch a job of its own over the wire, from now on."""
    stage = Stage.on(server)
    wire.lead_to(server.url)
    after = ask(server, "{ changeCursor }")["changeCursor"]
    with Watcher.of(stage, wire.url, *arguments, after=after) as watcher:
        yield stage, watcher


def _create(server: LiveServer, stage: Stage, *keys: str) -> None:
    for key in keys:
        ask(server, _CREATE, jobId=stage.job_id, key=key)


def _keys(heard: Mapping[str, Sequence[Change]]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the keys that each subscription told of, in order."""
    changes = [change["key"] for change in heard["secretChanged"]]
    effects = [key for change in heard["effectiveSecretsChanged"] for key in change["keys"]]
    return changes, effects


@pytest.mark.parametrize("connection", ["overWebSocket", "overEvents"])
def test_each_change_comes_once_where_a_connection_breaks(
    connection: str, live_server: LiveServer, wire: Wire
) -> None:
    with _watched(live_server, wire, connection) as (stage, watcher):
        _create(live_server, stage, "ONE", "TWO")
        before = watcher.until("TWO")
        wire.cut()
        _create(live_server, stage, "THREE", "FOUR")
        wire.lead_to(live_server.url)
        _create(live_server, stage, "FIVE")

        after = watcher.until("FIVE")

    assert _keys(before) == (["ONE", "TWO"], ["ONE", "TWO"])
    assert _keys(after) == (["THREE", "FOUR", "FIVE"], ["THREE", "FOUR", "FIVE"])


@pytest.mark.parametrize("connection", ["overWebSocket", "overEvents"])
def test_each_change_comes_once_across_a_restart_of_the_server(
    connection: str, data_dir: Path, demo: Demo, wire: Wire
) -> None:
    with ExitStack() as to_the_end:
        with serving(data_dir, demo) as first:
            stage, watcher = to_the_end.enter_context(_watched(first, wire, connection))
            _create(first, stage, "ONE", "TWO")
            before = watcher.until("TWO")
        second = to_the_end.enter_context(serving(data_dir, demo))
        _create(second, stage, "THREE")
        wire.lead_to(second.url)
        _create(second, stage, "FOUR")

        after = watcher.until("FOUR")

    assert _keys(before) == (["ONE", "TWO"], ["ONE", "TWO"])
    assert _keys(after) == (["THREE", "FOUR"], ["THREE", "FOUR"])


@pytest.mark.parametrize("connection", ["overWebSocket", "overEvents"])
def test_without_its_last_cursor_a_watcher_hears_of_changes_again(
    connection: str, live_server: LiveServer, wire: Wire
) -> None:
    """The control of `resuming`."""
    with _watched(live_server, wire, connection, "again") as (stage, watcher):
        _create(live_server, stage, "ONE")
        watcher.until("ONE")
        wire.cut()
        wire.lead_to(live_server.url)
        _create(live_server, stage, "TWO")

        after = watcher.until("TWO")

    assert _keys(after) == (["ONE", "TWO"], ["ONE", "TWO"])
