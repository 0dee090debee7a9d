"""A plan drawn as SVG. An XML library writes every character; there is no style in an element."""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, tostring

from gateway.domain.pictures import PictureColumn
from gateway.domain.secrets import Secret, SecretType
from gateway.drawing import words
from gateway.drawing.elements import number, path, text, text_in, translation, within
from gateway.drawing.placing import BOX_HEIGHT, BOX_WIDTH, Layout, Point, Span, lay_out
from gateway.drawing.plan import Box, Line, Plan
from gateway.drawing.style import STYLE

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
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "width": number(width),
            "height": number(height),
            "role": "group",
            "aria-labelledby": "picture-title",
        },
    )
    title = text_in(root, "title", words.heading(plan.picture))
    title.set("id", "picture-title")
    if is_alone:
        text_in(root, "style", STYLE)
    _Drawing(plan, layout, explorer).draw(root, width)
    return tostring(root, encoding="unicode") + "\n"


class _Drawing:
    """One plan on its way into an SVG element."""

    def __init__(self, plan: Plan, layout: Layout, explorer: str | None) -> None:
        self._plan = plan
        self._layout = layout
        self._explorer = explorer

    def draw(self, root: Element, width: float) -> None:
        within(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
        _arrow_heads(root)
        self._title(root)
        main = within(
            root, "g", {"transform": translation(Point(_MARGIN + _PADDING, _TITLE_HEIGHT))}
        )
        for column, span in zip(self._plan.columns, self._layout.columns, strict=True):
            self._panel(main, column, span)
        main = within(main, "g", {"transform": translation(Point(0, _HEAD_HEIGHT))})
        if self._plan.linked and self._plan.loose:
            self._rule(main, width)
        for line, way in self._layout.lines:
            self._line(main, line, way)
        for box, corner in sorted(self._layout.boxes, key=lambda item: (item[0].column, item[1].y)):
            self._box(main, box, corner)

    def _title(self, root: Element) -> None:
        text(
            root,
            "heading",
            Point(_MARGIN, 30),
            words.shorten(words.heading(self._plan.picture), 90),
        )
        left = _MARGIN
        for kind, meaning, room in _LEGEND:
            _legend(root, kind, meaning, left)
            left += room
        text(root, "quiet", Point(left, 52), " ".join(_draw_omission(self._plan)))

    def _panel(self, main: Element, column: PictureColumn, span: Span) -> None:
        size = {
            "x": number(span.left - _PADDING),
            "width": number(span.right - span.left + 2 * _PADDING),
            "height": number(_HEAD_HEIGHT + self._layout.height + _PADDING),
            "rx": "10",
        }
        within(main, "rect", {"class": "panel", **size})
        text(main, "scope", Point(span.left, 22), words.scope_name(column))
        shown = words.showable(column.holder.name if column.holder else "of the platform")
        most = int((span.right - span.left) / _NAME_CHARACTER)
        named = text(main, "holder", Point(span.left, 41), words.shorten(shown, most))
        text_in(named, "title", words.column_name(column))

    def _rule(self, main: Element, width: float) -> None:
        height = number(self._layout.band - 30)
        ends = {"x1": number(-_PADDING), "x2": number(width - 2 * _MARGIN - _PADDING)}
        within(main, "line", {"class": "rule", **ends, "y1": height, "y2": height})
        for column in sorted({box.column for box in self._plan.loose}):
            left = self._layout.columns[column].left
            text(main, "quiet", Point(left, self._layout.band - 10), "without references")

    def _line(self, main: Element, line: Line, way: Sequence[Point]) -> None:
        name = line.kind.lower()
        drawn = {"class": f"line {name}", "d": path(way), "marker-end": f"url(#head-{name})"}
        meaning = f"{line.source.label} {words.verb(line.kind)} {line.target.label}"
        text_in(within(main, "path", drawn), "title", meaning)

    def _box(self, main: Element, box: Box, corner: Point) -> None:
        row = box.row
        state = "fold" if row is None else "wins" if row.is_winner else "hidden"
        place = {"class": state, "transform": translation(corner)}
        href = self._address(box)
        group = within(main, "a", {**place, **href}) if href else within(main, "g", place)
        text_in(group, "title", words.box_story(box))
        size = {"width": number(BOX_WIDTH), "height": number(BOX_HEIGHT), "rx": "6"}
        within(group, "rect", {"class": "box", **size})
        aside = words.aside(box)
        if row:
            within(group, "circle", {"class": "mark", "cx": "14", "cy": "15", "r": "4"})
        else:
            within(group, "path", {"class": "plus", "d": "M9 15H19M14 10V20"})
        room = BOX_WIDTH - _KEY_LEFT - 14 - len(aside) * _TYPE_CHARACTER
        label = words.shorten(box.label, int(room / _KEY_CHARACTER))
        text(group, "key", Point(_KEY_LEFT, 19), label)
        if aside:
            text(group, "type", Point(BOX_WIDTH - 10, 18.5), aside)

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
    group = within(root, "g", {"class": kind.lower(), "transform": translation(Point(left, 38))})
    if isinstance(kind, SecretType):
        drawn = {"class": f"line {kind.lower()}", "d": "M0 10H30"}
        within(group, "path", {**drawn, "marker-end": f"url(#head-{kind.lower()})"})
    else:
        within(group, "rect", {"class": "box", "width": "30", "height": "20", "rx": "5"})
        within(group, "circle", {"class": "mark", "cx": "15", "cy": "10", "r": "4"})
    text(group, "quiet", Point(40, 14), meaning)


def _arrow_heads(root: Element) -> None:
    defs = within(root, "defs")
    for kind in (SecretType.ALIAS, SecretType.OVERRIDE):
        name = kind.lower()
        size = {"markerWidth": "9", "markerHeight": "8", "refX": "8", "refY": "4"}
        units = {"markerUnits": "userSpaceOnUse", "orient": "auto"}
        marker = within(defs, "marker", {"id": f"head-{name}", **size, **units})
        within(marker, "path", {"class": f"head {name}", "d": "M0 0L9 4L0 8z"})
