"""Fixtures shared by all tests. All of it is real: a SQLite file, a key file, a uvicorn process."""

import asyncio
import gc
import os
import shutil
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo
from tests.faces import Face
from tests.servers import ASIDE, MEASURES, LiveServer, serving_measured
from tests.world import World, open_world

# How long an example takes says nothing on a busy machine.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Collected tests live as long as the process: garbage collections that go through all of them again
# and again take a tenth of a run.
gc.set_threshold(50_000, 20, 100)

_IS_UNMEASURED: Final = pytest.StashKey[bool]()
_TESTS: Final = Path(__file__).parent
# Folders and files of tests, one a line. What they reach, others reach as well.
_UNMEASURED: Final = (_TESTS / "unmeasured.txt").read_text().split()
# What this process has set up, by a fixture's function and the place of its parameter.
_SET_UP: Final[set[tuple[object, int]]] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note which tests only repeat a function, with parameters between the first and the last.

    So do those that say it themselves, and those of the listed files. These run last, in the order
    of the list: what all tests share is set up by a test that is measured.
    """
    places = {_TESTS / path: place for place, path in enumerate(_UNMEASURED, start=1)}
    assert len(places) == len(_UNMEASURED), "A path is listed twice."
    assert all(path.exists() for path in places), "A path that is listed does not exist."
    functions = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        functions[item.nodeid.partition("[")[0]].append(item)
        if item.get_closest_marker("unmeasured") or _place(item, places):
            item.stash[_IS_UNMEASURED] = True
    items.sort(key=lambda item: _place(item, places))
    for tests in functions.values():
        for item in tests[1:-1]:
            item.stash[_IS_UNMEASURED] = True


def _place(item: pytest.Item, places: Mapping[Path, int]) -> int:
    """Return where the list has a test's file or a folder of it; 0 if nowhere."""
    return next((places[path] for path in (item.path, *item.path.parents) if path in places), 0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage of what is only repeated: it would take half of the test's time."""
    if not item.stash.get(_IS_UNMEASURED, False):
        return (yield)
    with _unmeasured():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Measure no coverage of what a fixture only repeats, such as opening a gateway."""
    made = fixturedef.func, getattr(request, "param_index", 0)
    if sys.gettrace() is None:
        return (yield)
    if made not in _SET_UP:
        _SET_UP.add(made)
        return (yield)
    with _unmeasured():
        return (yield)


@contextmanager
def _unmeasured() -> Iterator[None]:
    here, in_threads = sys.gettrace(), threading.gettrace()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ASIDE, raising=False)
        sys.settrace(None)
        threading.settrace(None)
        try:
            yield
        finally:
            threading.settrace(in_threads)
            sys.settrace(here)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse tests of one name where processes share them: all but one would be left out.

    Measuring coverage has begun here, and what tests start is not measured unless they say so.
    """
    shares = "PYTEST_XDIST_WORKER" in os.environ
    named = Counter(item.nodeid for item in session.items)
    assert not shares or named.total() == len(named), named.most_common(1)
    if MEASURES in os.environ:
        os.environ[ASIDE] = os.environ.pop(MEASURES)
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Log as a server does, without local variables in tracebacks."""
    configure_logs(LogFormat.JSON, LogLevel.INFO)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Demo]:
    """A data folder with the demo, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template") / "data"
    settings = Settings(data_dir=folder)

    async def make() -> Demo:
        await migrate_database(settings)
        async with Runtime.over(settings).running() as runtime:
            return await ensure_demo(runtime.services, runtime.operator, runtime.database)

    return folder, asyncio.run(make())


@pytest.fixture
def data_dir(template: tuple[Path, Demo], tmp_path: Path) -> Path:
    """A data folder with the demo, for one test alone."""
    return Path(shutil.copytree(template[0], tmp_path / "data"))


@pytest.fixture
async def world(template: tuple[Path, Demo], data_dir: Path) -> AsyncIterator[World]:
    """A gateway in this process, over a demo for one test alone."""
    async with open_world(data_dir, template[1]) as opened:
        yield opened


@pytest.fixture(params=["graphql", "rest"])
def face(request: pytest.FixtureRequest, world: World) -> Face:
    """Each of the two faces in turn."""
    return world.graphql if request.param == "graphql" else world.rest


@pytest.fixture(scope="session")
def live_server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A real uvicorn process over a demo of its own, for clients that come over a socket."""
    folder = tmp_path_factory.mktemp("live") / "data"
    shutil.copytree(template[0], folder)
    with serving_measured(folder, template[1], METRICS_PORT="0") as server:
        yield server
