"""A plan drawn as SVG. An XML library writes every character; there is no style in an element."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement, tostring

from gateway.domain.effective import PictureColumn
from gateway.domain.secrets import Secret, SecretType
from gateway.drawing import words
from gateway.drawing.placing import BOX_HEIGHT, BOX_WIDTH, Layout, Point, Span, lay_out
from gateway.drawing.plan import Box, Line, Plan

STYLE: Final = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")

_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_MARGIN: Final = 20.0
# Around the boxes of a column.
_PADDING: Final = 12.0
# Above the boxes: the heading and the legend, then the head of each column.
_TITLE_HEIGHT: Final = 64.0
_HEAD_HEIGHT: Final = 58.0
# By how wide characters are in the fonts that the style names.
_KEY_CHARACTER: Final = 7.3
_TYPE_CHARACTER: Final = 6.0
_NAME_CHARACTER: Final = 7.8
_KEY_LEFT: Final = 26.0
# The radius of the bends of lines.
_CORNER: Final = 6.0
# What is explained above the columns, how, and how much room that takes.
_LEGEND: Final = (
    ("wins", "the service gets it", 170.0),
    ("hidden", "hidden by a nearer one", 195.0),
    (SecretType.ALIAS, "alias of", 105.0),
    (SecretType.OVERRIDE, "overrides", 125.0),
)


def svg(plan: Plan, *, explorer: str | None = None, is_alone: bool = True) -> str:
    """Return the drawing. Only a standalone drawing includes its style; a page has its own.

    With the address of `explorer`, which is GraphiQL, rows and folds are links.
    """
    layout = lay_out(plan)
    width = layout.columns[-1].right + 2 * (_MARGIN + _PADDING)
    height = _TITLE_HEIGHT + _HEAD_HEIGHT + layout.height + _PADDING + _MARGIN
    root = Element(
        "svg",
        {
            "xmlns": _NAMESPACE,
            "class": "picture",
            "viewBox": f"0 0 {_number(width)} {_number(height)}",
            "width": _number(width),
            "height": _number(height),
            "role": "group",
            "aria-labelledby": "picture-title",
        },
    )
    title = _text_in(root, "title", words.heading(plan.picture))
    title.set("id", "picture-title")
    if is_alone:
        _text_in(root, "style", STYLE)
    _Drawing(plan, layout, explorer).draw(root, width)
    return tostring(root, encoding="unicode") + "\n"


class _Drawing:
    """One plan on its way into an SVG element."""

    def __init__(self, plan: Plan, layout: Layout, explorer: str | None) -> None:
        self._plan = plan
        self._layout = layout
        self._explorer = explorer

    def draw(self, root: Element, width: float) -> None:
        _within(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
        _arrow_heads(root)
        self._title(root)
        main = _within(
            root, "g", {"transform": _translation(Point(_MARGIN + _PADDING, _TITLE_HEIGHT))}
        )
        for column, span in zip(self._plan.columns, self._layout.columns, strict=True):
            self._panel(main, column, span)
        main = _within(main, "g", {"transform": _translation(Point(0, _HEAD_HEIGHT))})
        if self._plan.linked and self._plan.loose:
            self._rule(main, width)
        for line, way in self._layout.lines:
            self._line(main, line, way)
        for box, corner in sorted(self._layout.boxes, key=lambda item: (item[0].column, item[1].y)):
            self._box(main, box, corner)

    def _title(self, root: Element) -> None:
        _text(
            root,
            "heading",
            Point(_MARGIN, 30),
            words.shorten(words.heading(self._plan.picture), 90),
        )
        left = _MARGIN
        for kind, meaning, room in _LEGEND:
            _legend(root, kind, meaning, left)
            left += room
        _text(root, "quiet", Point(left, 52), " ".join(_draw_omission(self._plan)))

    def _panel(self, main: Element, column: PictureColumn, span: Span) -> None:
        size = {
            "x": _number(span.left - _PADDING),
            "width": _number(span.right - span.left + 2 * _PADDING),
            "height": _number(_HEAD_HEIGHT + self._layout.height + _PADDING),
            "rx": "10",
        }
        _within(main, "rect", {"class": "panel", **size})
        _text(main, "scope", Point(span.left, 22), words.scope_name(column))
        shown = words.showable(column.holder.name if column.holder else "of the platform")
        most = int((span.right - span.left) / _NAME_CHARACTER)
        named = _text(main, "holder", Point(span.left, 41), words.shorten(shown, most))
        _text_in(named, "title", words.column_name(column))

    def _rule(self, main: Element, width: float) -> None:
        height = _number(self._layout.band - 30)
        ends = {"x1": _number(-_PADDING), "x2": _number(width - 2 * _MARGIN - _PADDING)}
        _within(main, "line", {"class": "rule", **ends, "y1": height, "y2": height})
        for column in sorted({box.column for box in self._plan.loose}):
            left = self._layout.columns[column].left
            _text(main, "quiet", Point(left, self._layout.band - 10), "without references")

    def _line(self, main: Element, line: Line, way: Sequence[Point]) -> None:
        name = line.kind.lower()
        drawn = {"class": f"line {name}", "d": _path(way), "marker-end": f"url(#head-{name})"}
        meaning = f"{line.source.label} {words.verb(line.kind)} {line.target.label}"
        _text_in(_within(main, "path", drawn), "title", meaning)

    def _box(self, main: Element, box: Box, corner: Point) -> None:
        row = box.row
        state = "fold" if row is None else "wins" if row.is_winner else "hidden"
        attributes = {"class": state, "transform": _translation(corner)}
        href = self._address(box)
        group = _within(main, "a" if href else "g", {**attributes, **href})
        _text_in(group, "title", words.describe_box(box))
        size = {"width": _number(BOX_WIDTH), "height": _number(BOX_HEIGHT), "rx": "6"}
        _within(group, "rect", {"class": "box", **size})
        type_label = words.type_label(box)
        if row:
            _within(group, "circle", {"class": "mark", "cx": "14", "cy": "15", "r": "4"})
        else:
            _within(group, "path", {"class": "plus", "d": "M9 15H19M14 10V20"})
        room = BOX_WIDTH - _KEY_LEFT - 14 - len(type_label) * _TYPE_CHARACTER
        label = words.shorten(box.label, int(room / _KEY_CHARACTER))
        _text(group, "key", Point(_KEY_LEFT, 19), label)
        if type_label:
            _text(group, "type", Point(BOX_WIDTH - 10, 18.5), type_label)

    def _address(self, box: Box) -> dict[str, str]:
        if self._explorer is None:
            return {}
        if box.row is None:
            names = sorted({*self._plan.unfolded, box.id})
            return {"href": "?" + urlencode([("unfold", name) for name in names])}
        return {"href": f"{self._explorer}?{urlencode(self._ids(box.row.secret))}"}

    def _ids(self, secret: Secret) -> dict[str, str]:
        service = self._plan.picture.service
        return {
            "serviceId": service.id,
            service.kind.id_argument: service.id,
            "secretId": secret.id,
            "key": secret.key,
        }


def _draw_omission(plan: Plan) -> Iterator[str]:
    if plan.undrawn:
        yield f"{plan.undrawn} references have no line here."
    if plan.picture.is_cut:
        yield words.CUT_OFF


def _legend(root: Element, kind: str, meaning: str, left: float) -> None:
    group = _within(root, "g", {"class": kind.lower(), "transform": _translation(Point(left, 38))})
    if isinstance(kind, SecretType):
        drawn = {"class": f"line {kind.lower()}", "d": "M0 10H30"}
        _within(group, "path", {**drawn, "marker-end": f"url(#head-{kind.lower()})"})
    else:
        _within(group, "rect", {"class": "box", "width": "30", "height": "20", "rx": "5"})
        _within(group, "circle", {"class": "mark", "cx": "15", "cy": "10", "r": "4"})
    _text(group, "quiet", Point(40, 14), meaning)


def _arrow_heads(root: Element) -> None:
    defs = _within(root, "defs")
    for kind in (SecretType.ALIAS, SecretType.OVERRIDE):
        name = kind.lower()
        size = {"markerWidth": "9", "markerHeight": "8", "refX": "8", "refY": "4"}
        units = {"markerUnits": "userSpaceOnUse", "orient": "auto"}
        marker = _within(defs, "marker", {"id": f"head-{name}", **size, **units})
        _within(marker, "path", {"class": f"head {name}", "d": "M0 0L9 4L0 8z"})


# ------------------------------------------------------------------------ elements and attributes


def _path(way: Sequence[Point]) -> str:
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


def _within(parent: Element, name: str, attributes: dict[str, str] | None = None) -> Element:
    """Add an element and return it."""
    return SubElement(parent, name, attributes or {})


def _text_in(parent: Element, name: str, words: str) -> Element:
    """Add an element with a text and return it."""
    element = _within(parent, name)
    element.text = words
    return element


def _text(parent: Element, kind: str, at: Point, words: str) -> Element:
    """Add a line of text that begins at a point, and return it; `kind` is its class."""
    element = _text_in(parent, "text", words)
    element.attrib.update({"class": kind, "x": _number(at.x), "y": _number(at.y)})
    return element


def _translation(by: Point) -> str:
    """Return the transformation that moves the origin to a point."""
    return f"translate({_pair(by)})"


def _pair(point: Point) -> str:
    return f"{_number(point.x)} {_number(point.y)}"


def _number(length: float) -> str:
    """Return a length as text, to a tenth."""
    return f"{round(length, 1):g}"
