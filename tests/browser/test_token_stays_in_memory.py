"""The token, and what is typed into the variables, are kept in memory and nowhere else."""

from typing import Final

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.explorer import Explorer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.rule("S33"),
]

# Everywhere that a page can leave text, each place under its name.
_READ_PLACES: Final = """async () => ({
  address: location.href,
  cookies: document.cookie,
  document: document.documentElement.outerHTML,
  fields: JSON.stringify([...document.querySelectorAll("input")].map((input) => input.value)),
  history: JSON.stringify(history.state),
  localStorage: JSON.stringify(localStorage),
  requests: JSON.stringify(performance.getEntriesByType("resource").map((entry) => entry.name)),
  sessionStorage: JSON.stringify(sessionStorage),
  databases: JSON.stringify(await indexedDB.databases()),
  window: JSON.stringify(Object.values(window).filter((value) => typeof value === "string")),
  windowName: window.name,
})"""

_STORAGE_LINE: Final = "#storage = memoryStorage();"
_SECRET_VALUE = "CORRECT_HORSE_BATTERY"


@pytest.fixture
def explorer(lone_explorer: Explorer) -> Explorer:
    """A page of its own context, whose clock a test sets."""
    return lone_explorer


async def places_with(page: Page, text: str) -> list[str]:
    """Return the names of the places where the text can be read, long after it was entered."""
    # GraphiQL stores what is typed half a second later.
    await page.clock.run_for(5_000)
    places: dict[str, str] = await page.evaluate(_READ_PLACES)
    return [name for name, kept in places.items() if text in kept]


async def _work_with_the_token(explorer: Explorer) -> None:
    await explorer.page.clock.install()
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.run()
    await expect(explorer.response).to_contain_text('"effectiveSecrets"')


async def test_the_token_is_nowhere_to_be_read(explorer: Explorer) -> None:
    await _work_with_the_token(explorer)

    assert await places_with(explorer.page, explorer.server.demo["token"]) == []
    assert await explorer.page.context.cookies() == []


async def test_the_token_travels_in_one_header_only(explorer: Explorer) -> None:
    token = explorer.server.demo["token"]

    await _work_with_the_token(explorer)

    for request in explorer.witness.operations:
        headers = await request.all_headers()
        assert [name for name, text in headers.items() if token in text] == ["authorization"]
        assert token not in (request.post_data or "")


async def test_the_token_is_gone_after_a_reload(explorer: Explorer) -> None:
    await _work_with_the_token(explorer)
    asked_before = len(explorer.witness.operations)

    await explorer.page.reload()
    await explorer.run()

    await expect(explorer.response).to_contain_text("Enter an API token first")
    await expect(explorer.hint).to_be_visible()
    assert len(explorer.witness.operations) == asked_before


async def test_the_token_is_gone_after_leaving_and_coming_back(explorer: Explorer) -> None:
    await _work_with_the_token(explorer)
    asked_before = len(explorer.witness.operations)
    await explorer.page.goto(f"{explorer.server.url}/assets/licences.txt")

    await explorer.page.go_back()
    await explorer.run()

    await expect(explorer.response).to_contain_text("Enter an API token first")
    assert len(explorer.witness.operations) == asked_before


async def test_a_page_that_the_browser_keeps_does_not_keep_the_token(explorer: Explorer) -> None:
    await _work_with_the_token(explorer)
    asked_before = len(explorer.witness.operations)

    # What a browser says to a page that it freezes for its back button.
    await explorer.page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))",
    )
    await explorer.run()

    await expect(explorer.response).to_contain_text("Enter an API token first")
    assert len(explorer.witness.operations) == asked_before


async def test_variables_are_not_stored(explorer: Explorer) -> None:
    await _work_with_the_token(explorer)
    await explorer.choose_tab("CreateAlias")

    await explorer.replace_key(by=_SECRET_VALUE)

    assert await places_with(explorer.page, _SECRET_VALUE) == ["document"]


async def test_control_graphiql_left_alone_stores_variables(explorer: Explorer) -> None:
    await explorer.page.route("**/workbench.js", _without_the_memory_storage)
    await _work_with_the_token(explorer)
    await explorer.choose_tab("CreateAlias")

    await explorer.replace_key(by=_SECRET_VALUE)

    assert await places_with(explorer.page, _SECRET_VALUE) == ["document", "localStorage"]


async def _without_the_memory_storage(route: Route) -> None:
    answer = await route.fetch()
    script = await answer.text()
    assert _STORAGE_LINE in script
    stored = script.replace(_STORAGE_LINE, "#storage = window.localStorage;")
    await route.fulfill(response=answer, body=stored)


@pytest.mark.parametrize(
    ("leak", "place"),
    [
        ("history.replaceState(null, '', '#' + token)", "address"),
        ("document.cookie = 'token=' + token", "cookies"),
        ("document.body.dataset.token = token", "document"),
        ("document.getElementById('token').value = token", "fields"),
        ("history.replaceState({ token }, '')", "history"),
        ("localStorage.setItem('token', token)", "localStorage"),
        ("sessionStorage.setItem('token', token)", "sessionStorage"),
        (
            "return new Promise((done) => indexedDB.open(token).onsuccess = () => done())",
            "databases",
        ),
        ("window.token_of_page = token", "window"),
    ],
)
async def test_control_a_token_left_somewhere_is_found(
    explorer: Explorer, leak: str, place: str
) -> None:
    await explorer.page.clock.install()
    # The map has the same places, and much less to load.
    await explorer.page.goto(f"{explorer.server.url}/map")
    token = explorer.server.demo["token"]

    await explorer.page.evaluate(f"(token) => {{ {leak} }}", token)

    assert await places_with(explorer.page, token) == [place]
