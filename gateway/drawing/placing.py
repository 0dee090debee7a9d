"""Positions of boxes and lines. The layout engine gets sizes and columns, but no names.

The engine orders rows and routes lines: few crossings, no line through a box. It runs in this
process and blocks it, so its input is bounded (`plan.MAX_LINKED`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import graphlay

from gateway.drawing.plan import Box, Line, Plan

BOX_WIDTH: Final = 238.0
BOX_HEIGHT: Final = 30.0
BOX_GAP: Final = 8.0
COLUMN_GAP: Final = 58.0
# Between rows with lines, and those without.
BAND_GAP: Final = 44.0

_OPTIONS: Final[Mapping[str, Any]] = {
    "direction": "leftright",
    "effort": "fast",
    "spacing": {
        "layer_gap": COLUMN_GAP,
        "node_gap": BOX_GAP,
        "dummy_gap": BOX_GAP,
        "isolated_gap": BOX_GAP,
        "isolated_max_columns": 1,
        "port_gap": 5.0,
        "port_stroke_clear": 5.0,
    },
    "routing": {"style": "orthogonal", "lane_gap": 9.0},
    # As often as makes a difference; more takes seconds where many lines end at one box.
    "tuning": {"routing": {"port_relax_rounds": 4, "overlap_repair_rounds": 2}},
}


@dataclass(frozen=True, slots=True)
class Point:
    """A point in the drawing, in its units; y grows downwards."""

    x: float
    y: float

    def relative_to(self, origin: "Point") -> "Point":
        """Return the same point, relative to another one."""
        return Point(self.x - origin.x, self.y - origin.y)


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a column goes, from its leftmost box to the end of its rightmost."""

    left: float
    right: float

    @property
    def is_narrow(self) -> bool:
        """Whether only one box has room in it."""
        return self.right - self.left < 2 * BOX_WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A plan with positions: each box's upper left corner, and each line's bends.

    `band` is where the boxes without lines begin.
    """

    boxes: tuple[tuple[Box, Point], ...]
    lines: tuple[tuple[Line, tuple[Point, ...]], ...]
    columns: tuple[Span, ...]
    band: float
    height: float


def lay_out(plan: Plan) -> Layout:
    """Position every box and line of a plan; the leftmost and uppermost are at 0."""
    layers = _layers(plan)
    laid = _run_layout(plan, layers)
    corners = [_corner(node) for node in laid.nodes]
    flat = corners[len(plan.linked) :]
    ways = [[Point(point["x"], point["y"]) for point in edge["points"]] for edge in laid.edges]
    seen = [*corners[: len(plan.linked)], *chain.from_iterable(ways)]
    origin = Point(flat[0].x, min((item.y for item in seen), default=0.0))
    linked = [corner.relative_to(origin) for corner in corners[: len(plan.linked)]]
    lowest = max((item.y + BOX_HEIGHT for item in linked), default=-BAND_GAP)
    band = (
        max([lowest, *(item.relative_to(origin).y for item in chain.from_iterable(ways))])
        + BAND_GAP
    )
    columns = tuple(_spans([item.x - origin.x for item in flat], layers))
    loose = list(_stack(plan.loose, columns, band))
    return Layout(
        boxes=(*zip(plan.linked, linked, strict=True), *loose),
        lines=tuple(
            (line, tuple(item.relative_to(origin) for item in reversed(way)))
            for line, way in zip(plan.lines, ways, strict=True)
        ),
        columns=columns,
        band=band,
        height=max([band - BAND_GAP, BOX_HEIGHT, *(item.y + BOX_HEIGHT for _, item in loose)]),
    )


def _layers(plan: Plan) -> Mapping[tuple[int, bool], int]:
    """Return the layers by column. A column with aliases of its own rows has a second one."""
    doubled = plan.doubled
    twofold = {item.column for item in plan.linked if item.id in doubled}
    halves = (
        (column, is_second)
        for column in range(len(plan.columns))
        for is_second in (False, True)
        if not is_second or column in twofold
    )
    return {half: layer for layer, half in enumerate(halves)}


def _run_layout(plan: Plan, layers: Mapping[tuple[int, bool], int]) -> graphlay.Layout:
    doubled = plan.doubled
    graph = graphlay.Graph()
    for box in plan.linked:
        layer = layers[box.column, box.id in doubled]
        graph.node(box.id, width=BOX_WIDTH, height=BOX_HEIGHT, rank={"fixed": layer})
    # One flat node a layer tells where a layer without boxes would be.
    for layer in layers.values():
        graph.node(layer, width=BOX_WIDTH, height=1.0, rank={"fixed": layer})
    for line in plan.lines:
        graph.edge(line.target.id, line.source.id)
    return graphlay.layout(graph, options=_OPTIONS)


def _spans(lefts: Sequence[float], layers: Mapping[tuple[int, bool], int]) -> Iterator[Span]:
    of_column: dict[int, list[float]] = defaultdict(list)
    for (column, _), layer in layers.items():
        of_column[column].append(lefts[layer])
    for own in of_column.values():
        yield Span(min(own), max(own) + BOX_WIDTH)


def _stack(
    boxes: Iterable[Box], columns: Sequence[Span], band: float
) -> Iterator[tuple[Box, Point]]:
    """Stack boxes in each column, two side by side if the column has room."""
    of_column: dict[int, list[Box]] = defaultdict(list)
    for box in boxes:
        of_column[box.column].append(box)
    for at, own in of_column.items():
        span = columns[at]
        lefts = [span.left] if span.is_narrow else [span.left, span.right - BOX_WIDTH]
        rows = -(-len(own) // len(lefts))
        for number, box in enumerate(own):
            yield box, Point(lefts[number // rows], band + number % rows * (BOX_HEIGHT + BOX_GAP))


def _corner(node: Mapping[str, Any]) -> Point:
    center, size = node["center"], node["size"]
    return Point(center["x"] - size["width"] / 2, center["y"] - size["height"] / 2)
