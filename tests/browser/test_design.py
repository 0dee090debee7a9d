"""One design: a bar that links the pages, and pages that fit a telephone."""

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.explorer import Explorer
from tests.browser.map_page import MapPage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_TELEPHONE: Final = 390
_EXCESS: Final = "document.documentElement.scrollWidth - innerWidth"


def _bar(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Pages")


async def _narrow(page: Page) -> None:
    await page.set_viewport_size({"width": _TELEPHONE, "height": 844})


async def _bounds(locator: Locator) -> tuple[float, float, float, float]:
    """Return where an element begins and ends: left, top, right, bottom."""
    box = await locator.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


async def test_the_bar_leads_from_page_to_page(explorer: Explorer) -> None:
    page = explorer.page
    await page.goto(f"{explorer.server.url}/map/{explorer.server.demo['job_id']}")

    for name, path in (("REST reference", "reference"), ("GraphiQL", "graphiql"), ("Map", "map/")):
        await _bar(page).get_by_role("link", name=name).click()
        await page.wait_for_url(f"{explorer.server.url}/{path}")
        await expect(_bar(page).locator("[aria-current=page]")).to_have_text(name)


async def test_the_schema_is_saved_with_the_token(map_page: MapPage) -> None:
    await map_page.open_and_draw()

    async with map_page.page.expect_download() as saved:
        await _bar(map_page.page).get_by_role("link", name="SDL").click()

    download = await saved.value
    assert download.suggested_filename == "schema.graphql"
    assert "type Query" in _read(await download.path())


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def test_without_a_token_the_schema_is_not_asked_for(map_page: MapPage) -> None:
    await map_page.open()

    await _bar(map_page.page).get_by_role("link", name="SDL").click()

    await expect(map_page.status).to_have_text("Enter an API token first.")
    assert [item for item in map_page.witness.requests if item.url.endswith(".graphql")] == []


async def test_the_map_fits_a_telephone(map_page: MapPage) -> None:
    await _narrow(map_page.page)
    await map_page.offer_services()
    assert await map_page.page.evaluate(_EXCESS) == 0

    await map_page.services.get_by_text("nightly-invoices").click()

    await expect(map_page.status).to_have_text("Drawn")
    assert await map_page.page.evaluate(_EXCESS) == 0


async def test_the_reference_fits_a_telephone(explorer: Explorer) -> None:
    await _narrow(explorer.page)

    await explorer.page.goto(f"{explorer.server.url}/reference")

    assert await explorer.page.evaluate(_EXCESS) == 0


async def test_control_a_page_that_is_too_wide_is_noticed(explorer: Explorer) -> None:
    await _narrow(explorer.page)
    await explorer.page.goto(f"{explorer.server.url}/reference")

    await explorer.page.evaluate("document.querySelector('h1').style.width = '500px'")

    assert await explorer.page.evaluate(_EXCESS) > 0


async def test_graphiql_is_used_on_a_telephone(explorer: Explorer) -> None:
    await _narrow(explorer.page)
    await explorer.open_on_the_demo()
    await explorer.connect()

    await explorer.run()

    await expect(explorer.response).to_contain_text('"effectiveSecrets"')
    assert await explorer.page.evaluate(_EXCESS) == 0
    _, _, _, above = await _bounds(explorer.variables)
    left, below, right, _ = await _bounds(explorer.response)
    assert above <= below
    assert right - left > _TELEPHONE * 0.8
    toolbar = explorer.page.get_by_role("button", name="Execute query")
    assert (await _bounds(toolbar))[2] <= _TELEPHONE


async def test_control_on_a_desk_the_panes_are_side_by_side(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()

    _, _, right, _ = await _bounds(explorer.editor)
    left, _, _, _ = await _bounds(explorer.response)

    assert right <= left


async def test_a_new_tab_begins_with_a_query_of_this_schema(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.press("New tab")
    await expect(explorer.editor).to_contain_text("A query of your own")

    await explorer.run()

    await expect(explorer.response).to_contain_text('"reports"')
