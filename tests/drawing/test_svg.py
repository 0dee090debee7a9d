"""The drawing as SVG: safe whatever is in a name, and to be used without a mouse."""

from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element, fromstring

import pytest

from gateway.drawing import words
from gateway.drawing.plan import fold
from gateway.drawing.svg import svg
from tests.drawing.gallery import HOSTILE, Studio, crowded, small, star, unseen_target

NAMESPACE = "{http://www.w3.org/2000/svg}"
# All that a drawing is made of. No other element, and no attribute that could run or style.
ELEMENTS = {
    "svg", "title", "defs", "marker", "path", "g", "a", "rect", "circle", "text", "line",
}  # fmt: skip
ATTRIBUTES = {
    "class", "viewBox", "width", "height", "role", "aria-labelledby", "id", "d", "rx", "r", "href",
    "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "transform", "marker-end", "orient", "refX",
    "refY", "markerWidth", "markerHeight", "markerUnits",
}  # fmt: skip


def _drawn(text: str) -> Element:
    return fromstring(text)  # noqa: S314 - it is our own


def _texts(drawing: Element, name: str) -> list[str]:
    return ["".join(item.itertext()) for item in drawing.iter(f"{NAMESPACE}{name}")]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_and_nothing_else(name: str) -> None:
    drawing = _drawn(svg(fold(small(name)), explorer="../graphiql", is_alone=False))

    used = [item for item in drawing.iter() if item.tag != "svg"]
    assert {item.tag.removeprefix(NAMESPACE) for item in used} <= ELEMENTS
    assert {attribute for item in used for attribute in item.attrib} <= ATTRIBUTES
    assert f"What the job {words.showable(name)} sees" in _texts(drawing, "title")
    assert f"Environment {words.showable(name)}" in _texts(drawing, "title")


def test_control_a_name_that_is_not_escaped_is_found() -> None:
    text = svg(fold(small("MARK")), is_alone=False).replace("MARK", "<script/>")

    assert "script" in {item.tag.removeprefix(NAMESPACE) for item in _drawn(text).iter()}


def test_every_row_is_a_link_to_its_query_with_the_ids() -> None:
    studio = Studio()
    secret = studio.put(studio.job, "URL")

    drawing = _drawn(svg(fold(studio.picture()), explorer="../graphiql", is_alone=False))

    (link,) = drawing.iter(f"{NAMESPACE}a")
    address = urlsplit(link.attrib["href"])
    assert address.path == "../graphiql"
    assert parse_qs(address.query) == {
        "serviceId": [studio.job.id],
        "jobId": [studio.job.id],
        "secretId": [secret.id],
        "key": ["URL"],
    }


def test_a_fold_is_a_link_that_opens_it_and_keeps_what_is_open() -> None:
    first, second = (f"{scope}:AWS_" for scope in ("ENVIRONMENT", "JOB"))
    studio = Studio()
    for holder in (studio.environment, studio.job):
        studio.put_all(holder, (f"AWS_{number}" for number in range(20)))

    plan = fold(studio.picture(), unfolded=[first])
    drawing = _drawn(svg(plan, explorer="../graphiql", is_alone=False))

    (link,) = [item for item in drawing.iter(f"{NAMESPACE}a") if item.attrib["class"] == "fold"]
    assert parse_qs(link.attrib["href"].removeprefix("?")) == {"unfold": [first, second]}


def test_without_graphiql_nothing_is_a_link() -> None:
    drawing = _drawn(svg(fold(crowded())))

    assert list(drawing.iter(f"{NAMESPACE}a")) == []


def test_winners_and_hidden_rows_are_reported_in_words() -> None:
    drawing = _drawn(svg(fold(small())))

    answer = _texts(drawing, "title")
    assert "URL: override on job nightly. It replaces the value of URL (PROJECT). " in (
        next(item for item in answer if item.startswith("URL: override")) + " "
    )
    assert "URL: value on project shop. Hidden by the override on job nightly." in answer
    assert (
        "LINK: alias on environment nightly. It is an alias of URL (PROJECT). The service gets it."
        in answer
    )


def test_a_target_not_visible_is_not_named() -> None:
    text = svg(fold(unseen_target()))

    assert "Its target is not visible to you." in text
    assert "URL" not in text


def test_long_keys_are_cut_in_the_middle_and_reported_whole() -> None:
    studio = Studio()
    studio.put(studio.job, "BEGINNING_" + "X" * 200 + "_ENDING")

    drawing = _drawn(svg(fold(studio.picture())))

    shown = next(text for text in _texts(drawing, "text") if "BEGINNING" in text)
    assert len(shown) < 40
    assert shown.endswith("_ENDING")
    assert any("X" * 200 in text for text in _texts(drawing, "title"))


def test_what_is_left_out_is_said() -> None:
    studio = Studio()
    assert words.CUT_OFF in svg(fold(studio.picture(is_cut=True)))
    assert "960 references have no line here." in svg(fold(star(1_000), is_whole=True))


def test_what_stands_alone_has_its_style_with_it_and_what_is_in_a_page_has_none() -> None:
    plan = fold(small())

    assert "prefers-color-scheme: dark" in svg(plan)
    assert "<style" not in svg(plan, is_alone=False)
    assert " style=" not in svg(plan)
