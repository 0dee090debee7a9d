"""The page of the REST reference, and its route."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import orjson
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.pages.assets import Deferred, StaticContent
from gateway.pages.layout import (
    PUBLIC_SECTIONS,
    UNSCRIPTED_SECTIONS,
    Layout,
    Section,
    code,
    element,
    items,
    join,
    link,
    paragraphs,
    table,
)
from gateway.pages.reference.fields import (
    Schema,
    curl,
    example_of,
    name_in,
    parameter_table,
    pretty,
    schema_link,
    schema_table,
)

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SCHEMAS: Final = "Schemas"


@dataclass(frozen=True, slots=True)
class _Operation:
    """One method of one path."""

    method: str
    path: str
    facts: Schema

    @property
    def id(self) -> str:
        """The operation's name, which is also its anchor."""
        return str(self.facts["operationId"])


@dataclass(frozen=True, slots=True)
class _Book:
    """The document and its lookups."""

    document: Schema

    @property
    def schemas(self) -> Mapping[str, Schema]:
        schemas: Mapping[str, Schema] = self.document["components"]["schemas"]
        return schemas

    def operations(self, tag: str) -> list[_Operation]:
        return [
            _Operation(method, path, facts)
            for path, methods in self.document["paths"].items()
            for method, facts in methods.items()
            if tag in facts["tags"]
        ]

    def resolve(self, node: Schema) -> Schema:
        """Resolve a node if it is a reference."""
        while "$ref" in node:
            kind, name = node["$ref"].split("/")[-2:]
            node = self.document["components"][kind][name]
        return node


def reference_content(document: Mapping[str, Any]) -> Markup:
    """Return what is below the page's bar: the contents beside all operations and schemas."""
    book = _Book(document)
    sections = (_section(book, tag) for tag in document["tags"])
    main = element("main", _opening(book), *sections, _all_schemas(book), id="top")
    return join((_contents(book), main))


def _contents(book: _Book) -> Markup:
    groups = (
        element(
            "section", link(f"#{_anchor(tag['name'])}", tag["name"]), _operation_list(book, tag)
        )
        for tag in book.document["tags"]
    )
    return element("nav", *groups, _schema_list(book), class_="contents", aria_label="Contents")


def _operation_list(book: _Book, tag: Schema) -> Markup:
    links = (
        link(f"#{each.id}", _method(each.method), element("span", _words(each.id)))
        for each in book.operations(tag["name"])
    )
    return element("ul", *(element("li", each) for each in links))


def _schema_list(book: _Book) -> Markup:
    links = (element("li", link(f"#schema-{name}", _words(name))) for name in book.schemas)
    return element("section", link(f"#{_anchor(_SCHEMAS)}", _SCHEMAS), element("ul", *links))


def _opening(book: _Book) -> Markup:
    info = book.document["info"]
    source = link("openapi.json", "OpenAPI document")
    return element(
        "header",
        element("h1", info["title"]),
        element("p", info["summary"], class_="lead"),
        element("p", f"Version {info['version']} · ", source, class_="quiet"),
        paragraphs(info["description"]),
        element("h2", "Credentials"),
        *(_credential(each) for each in book.document["components"]["securitySchemes"].values()),
    )


def _credential(scheme: Schema) -> Markup:
    return paragraphs(scheme["description"])


def _section(book: _Book, tag: Schema) -> Markup:
    operations = (_article(book, each) for each in book.operations(tag["name"]))
    heading = element("h2", tag["name"])
    anchor = _anchor(tag["name"])
    return element("section", heading, paragraphs(tag["description"]), *operations, id=anchor)


def _article(book: _Book, operation: _Operation) -> Markup:
    facts = operation.facts
    return element(
        "article",
        element(
            "div",
            element("h3", link(f"#{operation.id}", facts["summary"])),
            element("p", _method(operation.method), _path(operation.path), class_="path"),
            paragraphs(facts["description"]),
            *_request_parts(book, operation),
            *_answer_parts(book, operation),
        ),
        element("aside", *_samples(book, operation)),
        id=operation.id,
    )


def _request_parts(book: _Book, operation: _Operation) -> Iterator[Markup]:
    if parameters := operation.facts["parameters"]:
        yield element("h4", "Parameters")
        yield parameter_table([book.resolve(each) for each in parameters])
    if body := operation.facts.get("requestBody"):
        yield element("h4", "Body: ", schema_link(_schema_of(body)))
        yield schema_table(book.schemas[_schema_of(body)])


def _answer_parts(book: _Book, operation: _Operation) -> Iterator[Markup]:
    answers = {
        status: book.resolve(answer) for status, answer in operation.facts["responses"].items()
    }
    success = next(iter(answers.values()))
    yield element("h4", "Answers")
    yield table(
        ("Status", "Meaning"),
        ((_status(status), _answer(answer, success)) for status, answer in answers.items()),
    )
    if "content" in success:
        name = _schema_of(success)
        summary = element("summary", "Fields of ", code(name))
        yield element("details", summary, schema_table(book.schemas[name]))


def _answer(answer: Schema, success: Schema) -> Markup:
    special = [code(name) for name in answer["headers"] if name not in success["headers"]]
    body = ["Body: ", schema_link(_schema_of(answer))] if "content" in answer else []
    header = [" Header: ", *special] if special else []
    return join((items(answer["description"]), element("p", *body, *header, class_="limits")))


def _samples(book: _Book, operation: _Operation) -> Iterator[Markup]:
    call = curl(operation.method, operation.path, operation.facts, book.schemas)
    yield element("h4", "Call")
    yield element("pre", code(call))
    status, success = next(iter(operation.facts["responses"].items()))
    yield element("h4", "Answer ", _status(status))
    if "content" in success:
        yield element("pre", code(pretty(example_of(success["content"], book.schemas))))


def _all_schemas(book: _Book) -> Markup:
    shown = (_schema(name, schema) for name, schema in book.schemas.items())
    return element("section", element("h2", _SCHEMAS), *shown, id=_anchor(_SCHEMAS))


def _schema(name: str, schema: Schema) -> Markup:
    anchor = f"schema-{name}"
    heading = element("h3", link(f"#{anchor}", code(name)))
    content = (heading, paragraphs(schema["description"]), schema_table(schema))
    return element("article", element("div", *content), class_="schema", id=anchor)


def _words(name: str) -> Markup:
    # A long name can break between its words.
    return join(_HUMP.split(name), Markup("<wbr>"))


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _schema_of(body: Schema) -> str:
    media_type = next(iter(body["content"].values()))
    return name_in(media_type["schema"]["$ref"])


def _method(method: str) -> Markup:
    return element("span", method.upper(), class_=f"method {method}")


def _path(path: str) -> Markup:
    parts = path.split("/")
    return element(
        "code", join((element("var", p) if p.startswith("{") else p for p in parts), "/")
    )


def _status(status: str) -> Markup:
    phrase = f" {HTTPStatus(int(status)).phrase}"
    return element("span", element("b", status), phrase, class_=f"status s{status[0]}")


DOCUMENT_PATH: Final = "/openapi.json"
PAGE_PATH: Final = "/reference"
# Public without a token: it is the same for everyone, and has no data about secrets.
PUBLIC_PATHS: Final = frozenset({DOCUMENT_PATH, PAGE_PATH})


def reference_routes(*, beside_others: bool) -> list[BaseRoute]:
    """Return both routes. Beside other pages, this one has links to them."""
    layout = Layout(
        name="reference",
        title="REST reference",
        sections=UNSCRIPTED_SECTIONS if beside_others else PUBLIC_SECTIONS,
        current=Section.REFERENCE,
    )
    document = Deferred(
        lambda: StaticContent(_make()[0], "application/json", {"Cache-Control": "no-cache"})
    )
    page = Deferred(lambda: layout.page(_make()[1]))

    async def answer_document(request: Request) -> Response:
        return await (await document.get()).respond(request)

    async def answer_page(_: Request) -> Response:
        return (await page.get()).respond()

    return [Route(DOCUMENT_PATH, answer_document), Route(PAGE_PATH, answer_page)]


@cache
def _make() -> tuple[bytes, Markup]:
    """Return the document and the page's content, built once per process."""
    # A twentieth of a start, which few servers need.
    from gateway.rest.openapi.document import openapi_document  # noqa: PLC0415 - see above

    document = openapi_document()
    return orjson.dumps(document), reference_content(document)
