"""The map finds a service by its name."""

from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route, expect

from tests.browser.map_page import MapPage

_IN: Final = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
_INVOICES: Final = f"shop{_IN}production{_IN}nightly-invoices job"

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_each_service_is_offered_with_what_it_belongs_to(map_page: MapPage) -> None:
    await map_page.offer_services()

    await expect(map_page.services.nth(0)).to_have_text(f"analytics{_IN}production{_IN}reports job")
    await expect(map_page.services.nth(5)).to_have_text(_INVOICES)


@pytest.mark.parametrize("words", ["night", "PROD invoices", f"shop{_IN}production{_IN}nightly"])
async def test_words_of_the_path_find_a_service(map_page: MapPage, words: str) -> None:
    await map_page.offer_services()

    await map_page.search(words)

    await expect(map_page.page.locator("#found")).to_have_text("1 of 8")
    await expect(map_page.services).to_have_text([_INVOICES])


async def test_a_service_is_chosen_by_keyboard_and_drawn(map_page: MapPage) -> None:
    await map_page.offer_services()
    await map_page.page.get_by_role("searchbox").focus()
    await map_page.page.keyboard.type("nightly")
    await expect(map_page.services).to_have_count(1)
    await map_page.page.keyboard.press("Tab")

    await map_page.page.keyboard.press("Enter")

    await expect(map_page.status).to_have_text("Drawn")
    assert urlsplit(map_page.page.url).path == f"/map/{map_page.server.demo['job_id']}"
    assert map_page.witness.violations == []
    assert map_page.witness.mistakes == []


async def test_another_service_is_chosen_from_a_drawing(map_page: MapPage) -> None:
    await map_page.open_and_draw()
    await map_page.page.get_by_text("Choose a service").click()

    await map_page.services.get_by_text("newsletter").click()

    await expect(map_page.drawing).to_contain_text("What the job newsletter sees")


async def test_the_way_back_leads_to_the_services(map_page: MapPage) -> None:
    await map_page.offer_services()
    await map_page.services.get_by_text("nightly-invoices").click()
    await expect(map_page.drawing).to_be_visible()

    await map_page.page.go_back()

    await expect(map_page.drawing).to_have_count(0)
    await expect(map_page.services).to_have_count(8)


async def test_lists_that_are_cut_off_are_read_to_their_end(map_page: MapPage) -> None:
    await map_page.page.route("**/graphql", _with_pages_of_one)

    await map_page.offer_services()

    await expect(map_page.services).to_have_count(8)
    # One for each service, and one for an environment that has none.
    assert len(map_page.witness.operations) == 9


async def _with_pages_of_one(route: Route) -> None:
    body = route.request.post_data or ""
    assert "first: 50" in body
    for length in (50, 10, 5):
        body = body.replace(f"first: {length},", "first: 1,")
    await route.continue_(post_data=body)


async def test_a_token_that_is_none_is_refused_in_words(map_page: MapPage) -> None:
    await map_page.page.goto(f"{map_page.server.url}/map")

    await map_page.enter_token("sgw_not_a_token_of_this_gateway")

    await expect(map_page.status).to_have_text("The token was not accepted.")
    await expect(map_page.services).to_have_count(0)


async def test_a_lost_gateway_is_reported_in_words(map_page: MapPage) -> None:
    await map_page.page.route("**/graphql", lambda route: route.abort())
    await map_page.page.goto(f"{map_page.server.url}/map")

    await map_page.enter_token()

    await expect(map_page.page.locator("#found")).to_contain_text("could not be listed")
