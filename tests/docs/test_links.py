"""Links between the documents lead to files and headings that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def _text(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _fragments(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(page: Path) -> Iterator[str]:
    for path, fragment in _LINK.findall(_text(page)):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in _fragments(target)):
            yield f"{path}#{fragment}"


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(_broken(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """The control of the test above."""
    page = tmp_path / "page.md"
    page.write_text("# A page\n[here](#a-page) [file](gone.md) [heading](page.md#gone)")

    assert list(_broken(page)) == ["gone.md#", "page.md#gone"]
