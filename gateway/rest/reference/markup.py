"""HTML whose text is escaped unless its type says that it is HTML already."""

import re
from collections.abc import Iterable
from html import escape
from typing import Final

_CODE: Final = re.compile(r"`([^`]+)`")
_ITEM: Final = "- "


class Html(str):
    """Markup that is ready to be sent; any other text is escaped on its way into one."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str) -> Html:
    """Return an element; `class_` is written as Python lets it, and `aria_label` with a dash."""
    given = "".join(f' {_attribute(each)}="{escape(value)}"' for each, value in attributes.items())
    return Html(f"<{name}{given}>{joined(content)}</{name}>")


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def joined(parts: Iterable[str], separator: str = "") -> Html:
    """Return texts and markup as one piece of markup."""
    return Html(separator.join(part if isinstance(part, Html) else escape(part) for part in parts))


def code(text: str) -> Html:
    """Return a piece of code inside a sentence."""
    return element("code", text)


def prose(text: str) -> Html:
    """Return a sentence or two whose code stands between backticks."""
    # What stands between two backticks is at every second place.
    return joined(code(part) if at % 2 else part for at, part in enumerate(_CODE.split(text)))


def paragraphs(text: str) -> Html:
    """Return text whose paragraphs are parted by empty lines."""
    return joined(element("p", prose(part)) for part in text.split("\n\n") if part)


def items(text: str) -> Html:
    """Return a list of its lines, which begin with dashes; other text is one paragraph."""
    if not text.startswith(_ITEM):
        return paragraphs(text)
    lines = (line.removeprefix(_ITEM) for line in text.splitlines())
    return element("ul", *(element("li", prose(line)) for line in lines))


def link(to: str, *content: str, **attributes: str) -> Html:
    """Return a link."""
    return element("a", *content, href=to, **attributes)


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """Return a table, which scrolls by itself where it is too wide."""
    head = element("tr", *(element("th", heading, scope="col") for heading in headings))
    body = (element("tr", *(element("td", cell) for cell in row)) for row in rows)
    whole = element("table", element("thead", head), element("tbody", *body))
    return element("div", whole, class_="table")
