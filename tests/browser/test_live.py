"""Subscriptions run in the page, as Server-Sent Events over fetch, with the token in its header."""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from playwright.async_api import Request, Route, expect

from tests.browser.explorer import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_FRAMES: Final = (
    ':\n\nevent: next\ndata: {"data": {"number": 1}}\n\n: still here\n\n'
    'event: next\r\ndata: {"data":\r\ndata:  {"number": 2}}\r\n\r\nevent: complete\ndata:\n\n'
)
# Reads the frames once in one piece, and once a byte at a time: a network cuts where it likes.
_READ_CUT_UP: Final = """async (frames) => {
  const { readEvents } = await import("/assets/events.js");
  const bytes = new TextEncoder().encode(frames);
  const read = async (size) => {
    const cuts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, cut) =>
      bytes.slice(cut * size, (cut + 1) * size));
    const events = [];
    const body = new ReadableStream({
      start: (stream) => { cuts.forEach((cut) => stream.enqueue(cut)); stream.close(); },
    });
    for await (const event of readEvents(body)) events.push(event);
    return events;
  };
  return [await read(bytes.length), await read(1)];
}"""


def _streaming(frames: str) -> Callable[[Route], Awaitable[None]]:
    async def fulfill(route: Route) -> None:
        if route.request.headers["accept"] == "text/event-stream":
            await route.fulfill(content_type="text/event-stream", body=frames)
        else:
            await route.continue_()

    return fulfill


async def _watch(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("WatchChanges")
    await explorer.run()


async def test_events_are_read_wherever_the_network_cuts_them(explorer: Explorer) -> None:
    await explorer.open()

    whole, cut_up = await explorer.page.evaluate(_READ_CUT_UP, f"{_FRAMES}event: next\ndata: half")

    assert whole == [
        {"event": "next", "data": '{"data": {"number": 1}}'},
        {"event": "next", "data": '{"data":\n {"number": 2}}'},
        {"event": "complete", "data": ""},
    ]
    assert cut_up == whole


async def test_every_event_is_shown_the_newest_first(explorer: Explorer) -> None:
    await explorer.page.route("**/graphql", _streaming(_FRAMES))

    await _watch(explorer)

    await expect(explorer.response).to_contain_text('"received": 2')
    shown = await explorer.response.inner_text()
    assert shown.index('"number": 2') < shown.index('"number": 1')
    await expect(explorer.status).to_have_text("Connected")


async def test_a_stream_that_breaks_off_is_reported_and_keeps_what_came(explorer: Explorer) -> None:
    await explorer.page.route("**/graphql", _streaming('event: next\ndata: {"data": 1}\n\n'))

    await _watch(explorer)

    await expect(explorer.response).to_contain_text("The connection ended before")
    await expect(explorer.response).to_contain_text('"received": 1')
    await expect(explorer.page.get_by_role("button", name="Execute query")).to_be_visible()


async def test_a_change_is_shown_as_it_happens(explorer: Explorer) -> None:
    await _watch(explorer)
    await expect(explorer.status).to_have_text("Connected, watching")

    key = await explorer.create_alias()

    await expect(explorer.response).to_contain_text(f'"key": "{key}"')
    await expect(explorer.response).to_contain_text('"kind": "CREATED"')


async def test_what_changed_since_the_page_was_opened_is_shown_first(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    key = await explorer.create_alias()
    await explorer.choose_tab("WatchChanges")

    await explorer.run()

    await expect(explorer.response).to_contain_text(f'"key": "{key}"')


async def test_the_button_stops_the_request(explorer: Explorer) -> None:
    await _watch(explorer)
    await expect(explorer.status).to_have_text("Connected, watching")

    async with explorer.page.expect_event("requestfailed", _is_watched):
        await explorer.press("Stop query")

    await expect(explorer.status).to_have_text("Connected")


async def test_leaving_the_page_ends_the_request(explorer: Explorer) -> None:
    await _watch(explorer)
    await expect(explorer.status).to_have_text("Connected, watching")

    # What a browser says to a page that it freezes for its back button.
    async with explorer.page.expect_event("requestfailed", _is_watched):
        await explorer.page.evaluate(
            "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))",
        )


async def test_the_token_travels_in_the_header_of_a_subscription_too(explorer: Explorer) -> None:
    token = explorer.server.demo["token"]

    async with explorer.page.expect_request(_is_watched) as asked:
        await _watch(explorer)

    headers = await (await asked.value).all_headers()
    assert [name for name, text in headers.items() if token in text] == ["authorization"]


async def test_a_subscription_that_is_refused_says_why(explorer: Explorer) -> None:
    await explorer.open_on_the_demo()
    await explorer.connect()
    await explorer.choose_tab("WatchChanges")
    await explorer.editor.get_by_text("secretChanged", exact=True).dblclick()
    await explorer.page.keyboard.type("unheardOf")

    await explorer.run()

    await expect(explorer.response).to_contain_text("Cannot query field")


def _is_watched(request: Request) -> bool:
    return request.headers.get("accept") == "text/event-stream"
