"""Builds HTML. MarkupSafe escapes each text that is added to markup, unless it is markup itself."""

import re
from collections.abc import Iterable
from typing import Final

from markupsafe import Markup, escape

_CODE: Final = re.compile(r"`([^`]+)`")
_ITEM: Final = "- "


def element(name: str, *content: str, **attributes: str) -> Markup:
    """Return an element. `class_` becomes `class`, and `aria_label` becomes `aria-label`."""
    given = (Markup(' {}="{}"').format(_attribute(each), text) for each, text in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(name, joined(given), joined(content))


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def joined(parts: Iterable[str], separator: str = "") -> Markup:
    """Join texts and markup."""
    return escape(separator).join(parts)


def code(text: str) -> Markup:
    """Return inline code."""
    return element("code", text)


def prose(text: str) -> Markup:
    """Return a text whose inline code is between backticks."""
    # Every second part is between two backticks.
    return joined(code(part) if at % 2 else part for at, part in enumerate(_CODE.split(text)))


def paragraphs(text: str) -> Markup:
    """Return text whose paragraphs are separated by empty lines."""
    return joined(element("p", prose(part)) for part in text.split("\n\n") if part)


def items(text: str) -> Markup:
    """Return lines that begin with dashes as a list, and any other text as a paragraph."""
    if not text.startswith(_ITEM):
        return paragraphs(text)
    lines = (line.removeprefix(_ITEM) for line in text.splitlines())
    return element("ul", *(element("li", prose(line)) for line in lines))


def link(to: str, *content: str, **attributes: str) -> Markup:
    return element("a", *content, href=to, **attributes)


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Markup:
    """Return a table that scrolls if it is too wide."""
    head = element("tr", *(element("th", heading, scope="col") for heading in headings))
    body = (element("tr", *(element("td", cell) for cell in row)) for row in rows)
    whole = element("table", element("thead", head), element("tbody", *body))
    return element("div", whole, class_="table")
