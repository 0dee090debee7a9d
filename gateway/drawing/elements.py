"""The pieces of an SVG drawing. The XML library writes and escapes them."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from gateway.drawing.placing import Point

_CORNER: Final = 6.0


def path(way: Sequence[Point]) -> str:
    """Return the path data through the points, with round corners."""
    parts = [f"M{_pair(way[0])}"]
    for before, bend, after in zip(way, way[1:], way[2:], strict=False):
        begun, ended = _towards(bend, before), _towards(bend, after)
        parts.append(f"L{_pair(begun)}Q{_pair(bend)} {_pair(ended)}")
    return "".join((*parts, f"L{_pair(way[-1])}"))


def _towards(bend: Point, other: Point) -> Point:
    """Return the point one corner radius away, or halfway if that is nearer."""
    length = abs(other.x - bend.x) + abs(other.y - bend.y)
    part = min(_CORNER, length / 2) / length if length else 0.0
    return Point(bend.x + (other.x - bend.x) * part, bend.y + (other.y - bend.y) * part)


def within(parent: Element, name: str, attributes: dict[str, str] | None = None) -> Element:
    """Add an element and return it."""
    return SubElement(parent, name, attributes or {})


def text_in(parent: Element, name: str, words: str) -> Element:
    """Add an element with a text and return it."""
    element = within(parent, name)
    element.text = words
    return element


def text(parent: Element, kind: str, at: Point, words: str) -> Element:
    """Add a line of text that begins at a point, and return it; `kind` is its class."""
    element = text_in(parent, "text", words)
    element.attrib.update({"class": kind, "x": number(at.x), "y": number(at.y)})
    return element


def translation(by: Point) -> str:
    """Return the transformation that moves the origin to a point."""
    return f"translate({_pair(by)})"


def _pair(point: Point) -> str:
    return f"{number(point.x)} {number(point.y)}"


def number(length: float) -> str:
    """Return a length as text, to a tenth."""
    return f"{round(length, 1):g}"
