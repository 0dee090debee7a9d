"""The drawing as Mermaid, read and drawn by Mermaid itself."""

import os
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, Page

from gateway.drawing import words
from gateway.drawing.flowcharts import mermaid
from gateway.drawing.plan import fold
from tests.drawing.gallery import HOSTILE, crowded, small

SCRIPT = (
    Path(__file__).parents[1] / "clients/npm/node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.npm,
    pytest.mark.asyncio(loop_scope="session"),
    # Where all tests have to run, its absence is a failure of the tests themselves.
    pytest.mark.skipif(
        not SCRIPT.is_file() and "CI" not in os.environ,
        reason="Mermaid is not installed (make clients)",
    ),
]

# Reads the text, draws it, and tells the labels that a selector finds.
_DRAW = """async ([text, labels]) => {
  await mermaid.parse(text);
  const { svg } = await mermaid.render("drawing", text);
  document.body.innerHTML = svg;
  return [...document.querySelectorAll(labels)].map(
    (label) => label.textContent.replaceAll(/\\s+/g, " ").trim(),
  );
}"""
_COLUMNS = ".cluster-label"
_BOXES = ".node .label"
_LINES = ".edgePaths path"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser) -> Page:
    opened = await browser.new_page()
    await opened.add_script_tag(path=SCRIPT)
    await opened.evaluate("mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' })")
    return opened


async def _drawn(page: Page, text: str, labels: str) -> list[str]:
    answer: list[str] = await page.evaluate(_DRAW, [text, labels])
    return answer


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_drawn_as_it_is(page: Page, name: str) -> None:
    text = mermaid(fold(small(name)))

    columns = await _drawn(page, text, _COLUMNS)

    shown = " ".join(words.showable(name).split())
    assert sorted(columns) == sorted([f"Job {shown}", f"Environment {shown}", "Project shop"])


@pytest.mark.parametrize("name", ['"', '"]; evil["x', "#quot;", "<br/>"])
async def test_control_a_name_that_is_not_escaped_is_drawn_otherwise(page: Page, name: str) -> None:
    text = mermaid(fold(small("MARK"))).replace("MARK", name)

    try:
        columns = await _drawn(page, text, _COLUMNS)
    except Error:
        columns = []

    assert f"Job {name}" not in columns


async def test_boxes_and_lines_are_those_of_the_picture(page: Page) -> None:
    text = mermaid(fold(small()))

    assert sorted(await _drawn(page, text, _BOXES)) == ["LINK (alias)", "URL", "URL (override)"]
    assert len(await _drawn(page, text, _LINES)) == 2


async def test_a_larger_picture_is_drawn_whole(page: Page) -> None:
    picture = crowded()

    boxes = await _drawn(page, mermaid(fold(picture, is_whole=True)), _BOXES)

    assert len(boxes) == len(picture.rows)
