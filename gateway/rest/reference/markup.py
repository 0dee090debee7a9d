"""Builds HTML. Text is escaped unless its type says that it already is HTML."""

import re
from collections.abc import Iterable
from html import escape
from typing import Final

_CODE: Final = re.compile(r"`([^`]+)`")
_ITEM: Final = "- "


class Html(str):
    """Escaped markup. Any other text is escaped when it is added to markup."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str) -> Html:
    """Return an element. `class_` becomes `class`, and `aria_label` becomes `aria-label`."""
    given = "".join(f' {_attribute(each)}="{escape(value)}"' for each, value in attributes.items())
    return Html(f"<{name}{given}>{joined(content)}</{name}>")


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def joined(parts: Iterable[str], separator: str = "") -> Html:
    """Join texts and markup."""
    return Html(separator.join(part if isinstance(part, Html) else escape(part) for part in parts))


def code(text: str) -> Html:
    """Return inline code."""
    return element("code", text)


def prose(text: str) -> Html:
    """Return a text whose inline code is between backticks."""
    # Every second part is between two backticks.
    return joined(code(part) if at % 2 else part for at, part in enumerate(_CODE.split(text)))


def paragraphs(text: str) -> Html:
    """Return text whose paragraphs are separated by empty lines."""
    return joined(element("p", prose(part)) for part in text.split("\n\n") if part)


def items(text: str) -> Html:
    """Return lines that begin with dashes as a list, and any other text as a paragraph."""
    if not text.startswith(_ITEM):
        return paragraphs(text)
    lines = (line.removeprefix(_ITEM) for line in text.splitlines())
    return element("ul", *(element("li", prose(line)) for line in lines))


def link(to: str, *content: str, **attributes: str) -> Html:
    """Return a link."""
    return element("a", *content, href=to, **attributes)


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """Return a table that scrolls if it is too wide."""
    head = element("tr", *(element("th", heading, scope="col") for heading in headings))
    body = (element("tr", *(element("td", cell) for cell in row)) for row in rows)
    whole = element("table", element("thead", head), element("tbody", *body))
    return element("div", whole, class_="table")
