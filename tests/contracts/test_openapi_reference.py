"""The two public routes: the document as it is served, and the page that shows it to people."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from html.parser import HTMLParser
from string import Template
from typing import Any

import pytest

from gateway.pages.layout import element
from gateway.pages.reference.fields import curl
from gateway.pages.reference.page import reference_content
from gateway.rest.openapi.document import openapi_document
from gateway.rest.operation import Operation
from gateway.rest.table import OPERATIONS
from tests.operations.callers import nobody
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

DOCUMENT = openapi_document()
EVERY_ROW = pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.operation_id)
HOSTILE = "</pre><script>alert(1)</script><a href=\"javascript:x\" onclick='x'>`&lt;"


class _Outline(HTMLParser):
    """The tags, anchors and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.links: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            self.attributes[name] += 1
            if name == "id":
                self.ids[value or ""] += 1
            if name == "href":
                self.links.add(value or "")


def _page() -> _Outline:
    return _Outline(reference_content(DOCUMENT))


async def test_the_document_is_served_to_anyone(shared_world: World) -> None:
    response = await nobody(shared_world).get("/openapi.json")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == DOCUMENT


async def test_a_document_that_is_known_is_not_sent_again(shared_world: World) -> None:
    first = await shared_world.client.get("/openapi.json")
    known = {"If-None-Match": first.headers["ETag"]}

    second = await shared_world.client.get("/openapi.json", headers=known)

    assert second.status_code == 304
    assert second.content == b""
    assert second.headers["ETag"] == first.headers["ETag"]


async def test_the_page_is_served_to_anyone(shared_world: World) -> None:
    response = await nobody(shared_world).get("/reference")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/openapi.json/", "/reference/", "/reference/x", "/openapi"])
async def test_nothing_beside_them_is_public(shared_world: World, path: str) -> None:
    response = await nobody(shared_world).get(path)

    assert response.status_code == 401


async def test_the_page_may_use_its_own_style_and_nothing_else(shared_world: World) -> None:
    response = await shared_world.client.get("/reference")

    (nonce,) = re.findall(r'<style nonce="([\w-]{16,})">', response.text)
    assert response.headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'nonce-{nonce}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]


async def test_a_nonce_is_used_once(shared_world: World) -> None:
    policies = {
        (await shared_world.client.get("/reference")).headers["Content-Security-Policy"]
        for _ in range(3)
    }

    assert len(policies) == 3


async def test_the_page_has_neither_script_nor_inline_style(shared_world: World) -> None:
    page = _Outline((await shared_world.client.get("/reference")).text)

    assert page.tags["script"] == 0
    assert page.tags["style"] == 1
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]


async def test_each_operation_and_schema_has_a_checkpoint() -> None:
    schemas = {f"schema-{name}" for name in DOCUMENT["components"]["schemas"]}

    assert {row.operation_id for row in OPERATIONS} | schemas <= set(_page().ids)


async def test_each_link_leads_somewhere() -> None:
    page = _page()

    assert page.links <= {f"#{checkpoint}" for checkpoint in page.ids} | {"openapi.json"}
    assert page.ids.most_common(1)[0][1] == 1


def _made_hostile(node: Any) -> Any:
    """Return the document with every text for people, name and pattern replaced."""
    replaced = {"description", "summary", "title", "pattern"}
    if isinstance(node, Mapping):
        return {
            key: HOSTILE if key in replaced and isinstance(value, str) else _made_hostile(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_made_hostile(item) for item in node]
    return node


async def test_text_from_the_document_is_never_markup() -> None:
    hostile = _Outline(reference_content(_made_hostile(DOCUMENT)))

    assert hostile.tags["script"] == 0
    assert hostile.attributes["onclick"] == 0
    assert hostile.links <= _page().links


async def test_markup_escapes_what_is_not_markup() -> None:
    assert element("p", "<b>&", class_='"x"') == '<p class="&#34;x&#34;">&lt;b&gt;&amp;</p>'
    assert element("p", element("b", "<")) == "<p><b>&lt;</b></p>"


@EVERY_ROW
async def test_each_call_that_is_shown_works_as_it_stands(
    shared_world: World, row: Operation
) -> None:
    operation = DOCUMENT["paths"][row.path][row.method.lower()]
    shown = curl(row.method.lower(), row.path, operation, DOCUMENT["components"]["schemas"])
    ids = {f"{scope}_ID": holder_id for scope, holder_id in shared_world.holders.items()}
    secret_id, job_id = shared_world.demo.built_in_secret_id, shared_world.demo.job_id

    filled = Template(shown.replace("\\\n", "")).substitute(
        ids, ADDRESS="", TOKEN=shared_world.demo.token, SECRET_ID=secret_id, VARIABLE_ID=secret_id,
        PARENT_ID=job_id, SERVICE_ID=job_id, KEY="SMTP_PASSWORD",
        ORGANIZATION_ID=shared_world.demo.organization_id,
    )  # fmt: skip

    sent = _sent(shlex.split(filled))
    response = await shared_world.client.request(**sent)
    # Without a secret of one's own there is nothing to edit; all else that can be wrong is the
    # call's own fault.
    assert sent["method"] == row.method
    assert response.status_code in {200, 201, 403, 404, 409} or row.path.endswith("/override")


def _sent(words: list[str]) -> dict[str, Any]:
    """Read a command as curl does."""
    assert words[:2] == ["curl", "-sS"]
    given: dict[str, str] = {}
    headers = {}
    rest = iter(words[2:])
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        else:
            given |= {word: next(rest)} if word.startswith("-") else {"url": word}
    body = given.get("-d")
    assert body is None or json.loads(body)
    method = given.get("-X", "GET" if body is None else "POST")
    return {"method": method, "url": given["url"], "headers": headers, "content": body}
