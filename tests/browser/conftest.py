"""Debian's Chromium, driven without a window, and a page of it for each test."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NoReturn

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from gateway.pages.assets import BUILT_FOLDER, missing_from
from gateway.services.demo import Demo
from tests.browser.explorer import Explorer
from tests.browser.map_page import MapPage
from tests.browser.witness import Witness
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving

_AXE: Final = Path(__file__).parent / "npm/node_modules/axe-core/axe.min.js"
# As .ci/run looks for them.
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium itself asks for nothing outside either: no name is resolved.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

expect.set_options(timeout=PATIENCE * 1_000)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    executable = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if executable is None:
        looked_for = ", ".join(_PROGRAMS)
        _do_without(f"No browser is installed: looked for {looked_for} (Debian: chromium)")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=executable, args=_ARGUMENTS, timeout=PATIENCE * 1_000
        )
        yield launched
        await launched.close()


@pytest.fixture(scope="package")
def live_server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server of the browser's own: what a tour is about depends on all that is there."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("browser") / "data")
    with serving(Path(folder), template[1]) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_context(
    browser: Browser, live_server: LiveServer
) -> AsyncIterator[tuple[BrowserContext, Witness]]:
    """A browser context for the pages of a module, which reads the page's scripts only once."""
    async with _watched(browser, live_server) as shared:
        yield shared


@pytest_asyncio.fixture(loop_scope="session")
async def page(
    shared_context: tuple[BrowserContext, Witness], live_server: LiveServer
) -> AsyncIterator[Page]:
    """An empty page; nothing is left of the pages before it."""
    context, witness = shared_context
    opened = await context.new_page()
    storage = await context.new_cdp_session(opened)
    await storage.send(
        "Storage.clearDataForOrigin", {"origin": live_server.url, "storageTypes": "all"}
    )
    witness.forget()
    yield opened
    for left in context.pages:
        await left.close()


@pytest.fixture
def explorer(
    page: Page, shared_context: tuple[BrowserContext, Witness], live_server: LiveServer
) -> Explorer:
    _ensure_built()
    return Explorer(page, shared_context[1], live_server)


@pytest.fixture
def map_page(
    page: Page, shared_context: tuple[BrowserContext, Witness], live_server: LiveServer
) -> MapPage:
    return MapPage(page, shared_context[1], live_server)


@pytest_asyncio.fixture(loop_scope="session")
async def lone_explorer(browser: Browser, live_server: LiveServer) -> AsyncIterator[Explorer]:
    """A page whose context no other page has, for tests of what a context keeps."""
    async with exploring(browser, live_server) as opened:
        yield opened


@asynccontextmanager
async def exploring(browser: Browser, live_server: LiveServer) -> AsyncIterator[Explorer]:
    """Open a page whose context no other page has, and a witness of what it does."""
    _ensure_built()
    async with _watched(browser, live_server) as (context, witness):
        yield Explorer(await context.new_page(), witness, live_server)


def _ensure_built() -> None:
    missing = missing_from(BUILT_FOLDER)
    if missing:
        _do_without(f"GraphiQL is not built (make graphiql); missing: {', '.join(missing)}")


@asynccontextmanager
async def _watched(
    browser: Browser, live_server: LiveServer
) -> AsyncIterator[tuple[BrowserContext, Witness]]:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE * 1_000)
    witness = Witness(live_server.url)
    await witness.watch(context)
    yield context, witness
    await context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """Return the script of axe-core, which knows what makes a page hard to use."""
    if not _AXE.is_file():
        _do_without("axe-core is not installed (make clients)")
    return _AXE.read_text(encoding="utf-8")


def _do_without(reason: str) -> NoReturn:
    """Skip on a desk; fail where all tests have to run."""
    if "CI" in os.environ:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
