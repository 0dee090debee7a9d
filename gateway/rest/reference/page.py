"""The reference page of the OpenAPI document: plain HTML without scripts, built once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from gateway.rest.reference.fields import (
    Schema,
    name_in,
    parameter_table,
    schema_link,
    schema_table,
)
from gateway.rest.reference.markup import (
    Html,
    code,
    element,
    items,
    joined,
    link,
    paragraphs,
    table,
)
from gateway.rest.reference.samples import curl, example_of, pretty
from gateway.rest.reference.style import STYLE

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

    def resolved(self, node: Schema) -> Schema:
        """Resolve a node if it is a reference."""
        while "$ref" in node:
            kind, name = node["$ref"].split("/")[-2:]
            node = self.document["components"][kind][name]
        return node


_HEAD: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>REST reference · Secrets Gateway</title>
<style nonce="{nonce}">
"""


def reference_page(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return the page in two parts; the nonce of its style goes between them."""
    before_nonce, after_nonce = _HEAD.split("{nonce}")
    body = element("body", _contents_and_main(_Book(document)))
    return before_nonce, f"{after_nonce}{STYLE}</style>\n{body}\n</html>\n"


def _contents_and_main(book: _Book) -> Html:
    document = book.document
    sections = (_section(book, tag) for tag in document["tags"])
    main = element("main", _opening(book), *sections, _all_schemas(book), id="top")
    return joined((_contents(book), main))


def _contents(book: _Book) -> Html:
    groups = (
        element(
            "section", link(f"#{_anchor(tag['name'])}", tag["name"]), _operation_list(book, tag)
        )
        for tag in book.document["tags"]
    )
    title = element(
        "p", link("#top", "Secrets Gateway"), " ", element("span", "REST"), class_="title"
    )
    return element("nav", title, *groups, _schema_list(book), aria_label="Contents")


def _operation_list(book: _Book, tag: Schema) -> Html:
    links = (
        link(f"#{each.id}", _method(each.method), element("span", _words(each.id)))
        for each in book.operations(tag["name"])
    )
    return element("ul", *(element("li", each) for each in links))


def _schema_list(book: _Book) -> Html:
    links = (element("li", link(f"#schema-{name}", _words(name))) for name in book.schemas)
    return element("section", link(f"#{_anchor(_SCHEMAS)}", _SCHEMAS), element("ul", *links))


def _opening(book: _Book) -> Html:
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


def _credential(scheme: Schema) -> Html:
    return paragraphs(scheme["description"])


def _section(book: _Book, tag: Schema) -> Html:
    operations = (_article(book, each) for each in book.operations(tag["name"]))
    heading = element("h2", tag["name"])
    anchor = _anchor(tag["name"])
    return element("section", heading, paragraphs(tag["description"]), *operations, id=anchor)


def _article(book: _Book, operation: _Operation) -> Html:
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


def _request_parts(book: _Book, operation: _Operation) -> Iterator[Html]:
    if parameters := operation.facts["parameters"]:
        yield element("h4", "Parameters")
        yield parameter_table([book.resolved(each) for each in parameters])
    if body := operation.facts.get("requestBody"):
        yield element("h4", "Body: ", schema_link(_schema_of(body)))
        yield schema_table(book.schemas[_schema_of(body)])


def _answer_parts(book: _Book, operation: _Operation) -> Iterator[Html]:
    answers = {
        status: book.resolved(answer) for status, answer in operation.facts["responses"].items()
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


def _answer(answer: Schema, success: Schema) -> Html:
    special = [code(name) for name in answer["headers"] if name not in success["headers"]]
    body = ["Body: ", schema_link(_schema_of(answer))] if "content" in answer else []
    header = [" Header: ", *special] if special else []
    return joined((items(answer["description"]), element("p", *body, *header, class_="limits")))


def _samples(book: _Book, operation: _Operation) -> Iterator[Html]:
    call = curl(operation.method, operation.path, operation.facts, book.schemas)
    yield element("h4", "Call")
    yield element("pre", code(call))
    status, success = next(iter(operation.facts["responses"].items()))
    yield element("h4", "Answer ", _status(status))
    if "content" in success:
        yield element("pre", code(pretty(example_of(success["content"], book.schemas))))


def _all_schemas(book: _Book) -> Html:
    shown = (_schema(name, schema) for name, schema in book.schemas.items())
    return element("section", element("h2", _SCHEMAS), *shown, id=_anchor(_SCHEMAS))


def _schema(name: str, schema: Schema) -> Html:
    anchor = f"schema-{name}"
    heading = element("h3", link(f"#{anchor}", code(name)))
    content = (heading, paragraphs(schema["description"]), schema_table(schema))
    return element("article", element("div", *content), class_="schema", id=anchor)


def _words(name: str) -> Html:
    # A long name can break between its words.
    return joined(_HUMP.split(name), Html("<wbr>"))


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _schema_of(body: Schema) -> str:
    (media_type,) = body["content"].values()
    return name_in(media_type["schema"]["$ref"])


def _method(method: str) -> Html:
    return element("span", method.upper(), class_=f"method {method}")


def _path(path: str) -> Html:
    parts = path.split("/")
    return element(
        "code", joined((element("var", p) if p.startswith("{") else p for p in parts), "/")
    )


def _status(status: str) -> Html:
    phrase = f" {HTTPStatus(int(status)).phrase}"
    return element("span", element("b", status), phrase, class_=f"status s{status[0]}")
