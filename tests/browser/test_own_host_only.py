"""The page asks no other host for anything, and its policy refuses nothing that it does.

A collector that never collects would agree, so each has a control that must see.
"""

from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from playwright.async_api import Browser, ConsoleMessage, Route, expect
from starlette.applications import Starlette

from gateway.pages.graphiql import graphiql_route
from tests.browser.conftest import exploring
from tests.browser.explorer import STEPS, Explorer
from tests.browser.witness import Witness
from tests.servers import LiveServer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.rule("S31"),
]

# Does what the policy has to refuse, and notes when that has happened.
_TRY: Final = """() => {
  const inline = (tag, text, more) =>
    Object.assign(document.createElement(tag), { textContent: text, ...more });
  addEventListener("securitypolicyviolation", () => { window.refused = true; });
  ATTEMPT;
}"""
_NONCE_LINE = "window.__webpack_nonce__ = "


async def _use_everything(explorer: Explorer) -> None:
    """Take the whole tour, and open each part of GraphiQL that could load or style something."""
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.take_the_tour()
    await _open_panes(explorer)
    await explorer.choose_tab("CreateAlias")
    await _ask_for_completion(explorer)
    await _follow_a_tooltip(explorer)
    await _open_dialogs(explorer)


async def _open_panes(explorer: Explorer) -> None:
    await explorer.press("Show History")
    await expect(explorer.page.get_by_role("region", name="History")).to_be_visible()
    await explorer.press("Show Documentation Explorer")
    await explorer.page.get_by_role("link", name="Mutation", exact=True).click()
    await expect(explorer.page.get_by_role("link", name="createJobSecretAlias")).to_be_visible()


async def _open_dialogs(explorer: Explorer) -> None:
    await explorer.press("Open short keys dialog")
    await expect(explorer.page.get_by_text("Execute query", exact=True)).to_be_visible()
    await _close_dialog(explorer)
    await _open_settings(explorer)
    await explorer.page.get_by_role("button", name="Dark", exact=True).click()
    await expect(explorer.page.locator("body.graphiql-dark")).to_be_visible()
    await _close_dialog(explorer)


async def _open_settings(explorer: Explorer) -> None:
    await explorer.press("Open settings dialog")
    await expect(explorer.page.get_by_role("dialog", name="Settings")).to_be_visible()


async def _close_dialog(explorer: Explorer) -> None:
    await explorer.page.keyboard.press("Escape")
    await expect(explorer.page.get_by_role("dialog")).to_have_count(0)


async def _ask_for_completion(explorer: Explorer) -> None:
    """Type half a name: the editor lists what it could become, and marks it as a mistake."""
    await explorer.editor.get_by_text("variableType").first.dblclick()
    await explorer.page.keyboard.type("vari")
    await expect(explorer.page.locator(".CodeMirror-hints")).to_be_visible()
    await explorer.page.keyboard.press("Escape")
    await expect(explorer.editor.locator(".CodeMirror-lint-mark-error").first).to_be_visible()


async def _follow_a_tooltip(explorer: Explorer) -> None:
    """Point at a field until the editor explains it, and click on its type."""
    await explorer.editor.get_by_text("createSecretAlias").hover()
    await explorer.page.locator(".CodeMirror-info").get_by_text("SecretPayload").click()
    await expect(explorer.page.get_by_role("link", name="MutationError")).to_be_visible()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seen(browser: Browser, live_server: LiveServer) -> Witness:
    """What was seen while everything was used once."""
    async with exploring(browser, live_server) as explorer:
        await explorer.witness.refuse_elsewhere(explorer.page.context)
        await _use_everything(explorer)
        return explorer.witness


async def test_no_request_goes_to_another_host(seen: Witness) -> None:
    assert seen.elsewhere == []
    # What there is to show, and where the changes stand; the schema; one a step.
    assert len(seen.operations) == 2 + 1 + len(STEPS)


async def test_the_policy_refuses_nothing(seen: Witness) -> None:
    assert seen.violations == []
    assert seen.warnings == []


async def test_no_script_fails(seen: Witness) -> None:
    assert seen.mistakes == []


async def test_the_page_of_a_missing_build_is_styled_within_the_policy(
    explorer: Explorer, tmp_path: Path
) -> None:
    app = Starlette(routes=[graphiql_route(tmp_path)])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.get("/graphiql")
    await explorer.page.route(
        "**/graphiql",
        lambda route: route.fulfill(
            status=answer.status_code, headers=dict(answer.headers), body=answer.content
        ),
    )

    await explorer.page.goto(f"{explorer.server.url}/graphiql")

    await expect(explorer.page.get_by_role("heading")).to_have_text("GraphiQL is not built")
    await expect(explorer.page.get_by_role("main")).to_have_css("max-width", "640px")
    assert explorer.witness.violations == []


async def test_control_a_request_to_another_host_is_seen(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()

    async with explorer.page.expect_event("popup"):
        await explorer.page.evaluate("void open('http://elsewhere.invalid/page')")

    assert explorer.witness.elsewhere == ["http://elsewhere.invalid/page"]


@pytest.mark.parametrize(
    ("attempt", "refused"),
    [
        ("document.body.append(inline('script', 'window.broken = true'))", "script-src-elem"),
        ("document.body.append(inline('style', '* { color: red }'))", "style-src-elem"),
        ("document.body.setAttribute('style', 'color: red')", "style-src-attr"),
        ("document.body.append(inline('img', '', { src: '/logo.png' }))", "img-src"),
        ("fetch('http://elsewhere.invalid/').catch(() => 0)", "connect-src"),
        # Later, because the debugger's own calls may evaluate strings.
        ("setTimeout(() => Function('return 1'))", "script-src"),
    ],
)
async def test_control_what_the_policy_refuses_is_seen(
    explorer: Explorer, attempt: str, refused: str
) -> None:
    await explorer.open_on_the_demo()

    await _attempt(explorer, attempt)

    assert [violation.split()[0] for violation in explorer.witness.violations] == [refused]


async def test_control_the_console_says_of_a_refusal(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()

    async with explorer.page.expect_console_message(_names_the_policy):
        await _attempt(explorer, "document.body.append(inline('script', 'window.broken = true'))")

    assert len(explorer.witness.warnings) == 1


async def _attempt(explorer: Explorer, script: str) -> None:
    await explorer.page.evaluate(_TRY.replace("ATTEMPT", script))
    await explorer.page.wait_for_function("window.refused")


def _names_the_policy(message: ConsoleMessage) -> bool:
    return "Content Security Policy" in message.text


async def test_control_without_the_nonce_a_dialog_breaks_the_policy(explorer: Explorer) -> None:
    await explorer.page.route("**/boot.js", _without_the_nonce)
    await explorer.open_on_the_demo()

    await _open_settings(explorer)

    assert explorer.witness.violations == ["style-src-elem refused inline"]


async def _without_the_nonce(route: Route) -> None:
    answer = await route.fetch()
    script = await answer.text()
    assert _NONCE_LINE in script
    await route.fulfill(response=answer, body=script.replace(_NONCE_LINE, "window.unused = "))
