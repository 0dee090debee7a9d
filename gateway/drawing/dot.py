"""A plan in the DOT language, for Graphviz and other tools."""

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.domain.secrets import SecretType
from gateway.drawing import words
from gateway.drawing.plan import Box, Plan

_STYLES: Final = {SecretType.ALIAS: "solid", SecretType.OVERRIDE: "dashed"}


def dot(plan: Plan) -> str:
    """Return the graph. Its arrows go to the left, to what they refer to."""
    return "\n".join((*_lines(plan), ""))


def _lines(plan: Plan) -> Iterator[str]:
    names = {box.id: f"b{number}" for number, box in enumerate((*plan.linked, *plan.loose))}
    yield "digraph map {"
    yield f"  graph [rankdir=RL, newrank=true, label={_quote(words.heading(plan.picture))}];"
    yield '  node [shape=box, fontname="Courier"];'
    for at in range(len(plan.columns)):
        yield from _column(plan, at, names)
    yield f"  {' -> '.join(_ranks(plan))} [style=invis];"
    for line in plan.lines:
        facts = f"style={_STYLES[line.kind]}, tooltip={_quote(words.verb(line.kind))}"
        yield f"  {names[line.source.id]} -> {names[line.target.id]} [{facts}];"
    yield "}"


def _column(plan: Plan, at: int, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a cluster: a row that refers to its own column is drawn beside the others."""
    boxes = [item for item in (*plan.linked, *plan.loose) if item.column == at]
    doubled = plan.doubled
    beside = [names[box.id] for box in boxes if box.id in doubled]
    others = [names[box.id] for box in boxes if box.id not in doubled]
    yield f"  subgraph cluster_{at} {{"
    yield f"    label={_quote(words.column_name(plan.columns[at]))};"
    yield from (f"    {names[box.id]} [{_facts(box)}];" for box in boxes)
    # An empty cluster would not be drawn; the invisible nodes keep the columns in order.
    for mark, own in ((f"c{at}", others), (f"d{at}", beside)):
        yield f'    {mark} [style=invis, label="", height=0];'
        yield f"    {{ rank=same; {'; '.join((mark, *own))} }}"
    yield "  }"


def _ranks(plan: Plan) -> Iterator[str]:
    """Yield the invisible nodes, the narrowest scope first."""
    for at in reversed(range(len(plan.columns))):
        yield from (f"d{at}", f"c{at}")


def _facts(box: Box) -> str:
    aside = words.aside(box)
    label = _quote(f"{box.label} ({aside})" if aside else box.label)
    is_hidden = box.row is not None and not box.row.is_winner
    style = ", style=dashed, fontcolor=gray40" if is_hidden else ""
    return f"label={label}, tooltip={_quote(words.box_story(box))}{style}"


def _quote(text: str) -> str:
    # Inside a label, a backslash begins an escape of DOT, and an ampersand one of HTML.
    escaped = words.showable(text).replace("\\", "\\\\").replace("&", "&amp;")
    return '"' + escaped.replace('"', '\\"') + '"'
