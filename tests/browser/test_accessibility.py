"""The page's own parts, for people who use a keyboard, a screen reader, or little light."""

import re
from typing import Any, Final, Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.explorer import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# All of the page but what GraphiQL draws, which is not ours to change.
_FIND: Final = """async () => {
  const { violations } = await axe.run({ exclude: [["#graphiql > *"]] });
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
}"""


Scheme = Literal["light", "dark"]


async def _findings(page: Page, axe: str) -> list[str]:
    """Return what axe-core finds serious or critical, as `rule: element`."""
    await page.evaluate(axe)
    found: list[dict[str, Any]] = await page.evaluate(_FIND)
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious_before_a_token(explorer: Explorer, scheme: Scheme, axe: str) -> None:
    await explorer.page.emulate_media(color_scheme=scheme)
    await explorer.open()

    assert await _findings(explorer.page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious_on_the_tour(explorer: Explorer, scheme: Scheme, axe: str) -> None:
    await explorer.page.emulate_media(color_scheme=scheme)
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("WhatWouldBreak")

    assert await _findings(explorer.page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious_after_a_refusal(
    explorer: Explorer, scheme: Scheme, axe: str
) -> None:
    await explorer.page.emulate_media(color_scheme=scheme)
    await explorer.open()
    await explorer.enter_token("sgw_not_a_token_of_this_gateway")
    await expect(explorer.status).to_have_text("The token was not accepted.")

    assert await _findings(explorer.page, axe) == []


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        ("document.querySelector('label[for=token]').remove()", "label"),
        ("document.querySelector('#steps button').replaceChildren()", "button-name"),
        ("document.querySelector('#story').classList.add('faint')", "color-contrast"),
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
    ],
)
async def test_control_what_is_wrong_is_found(
    explorer: Explorer, harm: str, rule: str, axe: str
) -> None:
    await explorer.open()
    await explorer.page.evaluate(
        "new CSSStyleSheet().replace('.faint { color: #ccc !important }')"
        ".then((sheet) => document.adoptedStyleSheets.push(sheet))"
    )

    await explorer.page.evaluate(harm)

    assert rule in [found.split(":")[0] for found in await _findings(explorer.page, axe)]


async def test_the_token_is_where_the_keyboard_begins(explorer: Explorer) -> None:
    await explorer.open()

    await expect(explorer.token_field).to_be_focused()


async def test_the_tour_is_taken_by_keyboard(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.page.keyboard.type(explorer.server.demo["token"])
    await explorer.page.keyboard.press("Enter")
    await expect(explorer.status).to_have_text("Connected")
    await explorer.page.keyboard.press("Tab")
    await explorer.page.keyboard.press("Tab")
    await expect(explorer.page.get_by_role("button", name="1 What it sees")).to_be_focused()
    await explorer.page.keyboard.press("Tab")
    await explorer.page.keyboard.press("Enter")
    await explorer.editor.get_by_role("textbox").focus()

    await explorer.page.keyboard.press("Control+Enter")

    await expect(explorer.response).to_contain_text('"createSecretAlias"')


async def test_what_changes_is_said_to_screen_readers(explorer: Explorer) -> None:
    await explorer.open()

    await expect(explorer.status).to_have_text("No token yet")
    await expect(explorer.page.locator("#story")).to_have_attribute("aria-live", "polite")
    await expect(explorer.token_field).to_have_accessible_description(
        re.compile("^Enter an API token")
    )


async def test_the_page_follows_the_system_into_the_dark(explorer: Explorer) -> None:
    await explorer.page.emulate_media(color_scheme="light")
    await explorer.open()
    bar = explorer.page.get_by_role("banner")
    await expect(bar).to_have_css("background-color", "rgb(244, 247, 252)")

    await explorer.page.emulate_media(color_scheme="dark")

    await expect(bar).to_have_css("background-color", "rgb(19, 25, 38)")
