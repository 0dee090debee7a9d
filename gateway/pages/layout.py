"""The one design of all pages, their HTML, and the headers that keep a page on its own host.

MarkupSafe escapes each text that is added to markup, unless it is markup itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

_CODE: Final = re.compile(r"`([^`]+)`")
_ITEM: Final = "- "


def element(name: str, *content: str, **attributes: str) -> Markup:
    """Return an element. `class_` becomes `class`, and `aria_label` becomes `aria-label`."""
    given = (Markup(' {}="{}"').format(_attribute(each), text) for each, text in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(name, join(given), join(content))


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def join(parts: Iterable[str], separator: str = "") -> Markup:
    """Join texts and markup."""
    return escape(separator).join(parts)


def code(text: str) -> Markup:
    """Return inline code."""
    return element("code", text)


def prose(text: str) -> Markup:
    """Return a text whose inline code is between backticks."""
    # Every second part is between two backticks.
    return join(code(part) if at % 2 else part for at, part in enumerate(_CODE.split(text)))


def paragraphs(text: str) -> Markup:
    """Return text whose paragraphs are separated by empty lines."""
    return join(element("p", prose(part)) for part in text.split("\n\n") if part)


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


STYLE: Final = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")

# In a page and its policy, until the page is sent.
_NONCE: Final = "{nonce}"
# In a policy: further sources of styles.
_STYLES: Final = "{styles}"
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# The one style in a page carries the nonce.
_POLICY: Final = (
    "default-src 'none'",
    f"style-src {_STYLES}'nonce-{_NONCE}'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
# What a page with scripts can do besides: run and ask its own host. `data:` is for its icon.
_SCRIPTED_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    _POLICY[1],
    "connect-src 'self'",
    "img-src data:",
    *_POLICY[2:],
)


class Section(StrEnum):
    """What the navigation bar leads to: the address, seen from the gateway's own."""

    GRAPHIQL = "graphiql"
    MAP = "map/"
    REFERENCE = "reference"
    OPENAPI = "openapi.json"
    SDL = "schema.graphql"


_LABELS: Final[Mapping[Section, str]] = {
    Section.GRAPHIQL: "GraphiQL",
    Section.MAP: "Map",
    Section.REFERENCE: "REST reference",
    Section.OPENAPI: "OpenAPI",
    Section.SDL: "SDL",
}
# Without scripts there is no token, and so no SDL.
PUBLIC_SECTIONS: Final = (Section.REFERENCE, Section.OPENAPI)
UNSCRIPTED_SECTIONS: Final = (Section.GRAPHIQL, Section.MAP, *PUBLIC_SECTIONS)

_ICON: Final = Markup("""\
    <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' \
viewBox='0 0 20 20'%3E%3Crect width='20' height='20' rx='4' fill='%231b2436'/%3E%3Cpath \
fill='none' stroke='%23f4f6fb' stroke-width='1.8' d='M6.5 9V7a3.5 3.5 0 0 1 7 0v2'/%3E%3Crect \
x='4.5' y='9' width='11' height='7' rx='1.5' fill='%23f4f6fb'/%3E%3C/svg%3E">
""")
_NOTHING: Final = Markup()
_MODULE: Final = Markup('    <script type="module" src="{}assets/{}"></script>\n')
_PRELOAD: Final = Markup('    <link rel="modulepreload" href="{}assets/{}">\n')
_ACCESS: Final = Markup("""
      <form id="access">
        <label for="token">API token</label>
        <input id="token" type="password" autocomplete="off" autocapitalize="none"
          spellcheck="false" aria-describedby="hint">
        <button type="submit">Use token</button>
      </form>
      <p id="status" role="status" data-state="idle">No token yet</p>""")
_PAGE: Final = Markup("""\
<!doctype html>
<html lang="en" data-root="{root}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{title} · Secrets Gateway</title>
{head}    <style nonce="{nonce}">
{style}
    </style>
  </head>
  <body class="{name}">
    <header class="bar">
      <p class="brand">
        <svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor"
          stroke-width="1.8">
          <path d="M5.5 8.5V6.5a4.5 4.5 0 0 1 9 0v2"></path>
          <rect x="3" y="8.5" width="14" height="9" rx="2" fill="currentColor"></rect>
        </svg>
        Secrets Gateway
      </p>
      {navigation}{access}
    </header>
{content}
  </body>
</html>
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What differs between pages: addresses are relative, for proxies that add a path in front.

    The first script is run, the others are those that it imports. `head` is further markup.
    """

    name: str
    title: str
    sections: Sequence[Section] = tuple(Section)
    current: Section | None = None
    root: str = ""
    scripts: Sequence[str] = ()
    head: Markup = _NOTHING
    style: str = STYLE
    # Further sources of styles, each with a blank after it.
    styles: str = ""

    def page(self, content: Markup) -> "Page":
        html = _PAGE.format(
            root=self.root,
            title=self.title,
            head=self._head(),
            nonce=_NONCE,
            style=Markup(self.style),  # noqa: S704 - the project's own style sheets
            name=self.name,
            navigation=self._navigation(),
            access=_ACCESS if self.scripts else "",
            content=content,
        )
        policy = "; ".join(_SCRIPTED_POLICY if self.scripts else _POLICY)
        return Page(html, policy.replace(_STYLES, self.styles))

    def _head(self) -> Markup:
        if not self.scripts:
            return self.head
        first, *imported = self.scripts
        preloads = (_PRELOAD.format(self.root, name) for name in imported)
        return join((_ICON, self.head, _MODULE.format(self.root, first), *preloads))

    def _navigation(self) -> Markup:
        return element("nav", *map(self._link, self.sections), aria_label="Pages")

    def _link(self, section: Section) -> Markup:
        marks = {"aria_current": "page"} if section is self.current else {}
        return link(f"{self.root}{section}", _LABELS[section], **marks)


class Page:
    """A page that is the same for everyone, but for the nonce of its style."""

    def __init__(self, html: str, policy: str) -> None:
        self._parts = html.split(_NONCE)
        self._policy = policy

    def respond(self, status: int = 200) -> Response:
        """Return a response with a new nonce."""
        nonce = token_urlsafe(16)
        policy = self._policy.replace(_NONCE, nonce)
        headers = {**_HEADERS, "Content-Security-Policy": policy}
        return HTMLResponse(nonce.join(self._parts), status, headers)
