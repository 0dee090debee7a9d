"""A plan as text: in the DOT language, for Graphviz and other tools, and as a Mermaid flowchart."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gateway.domain.secrets import SecretType
from gateway.drawing import words
from gateway.drawing.plan import Box, Plan

_DOT_STYLES: Final = {SecretType.ALIAS: "solid", SecretType.OVERRIDE: "dashed"}
# ASCII characters with a meaning in Mermaid, Markdown or HTML anywhere in a label.
_MEANINGFUL: Final = re.compile(r"[!-'*-,/:-@\[-^`{-~]")
_MERMAID_ARROWS: Final = {SecretType.ALIAS: "-->", SecretType.OVERRIDE: "-.->"}


def dot(plan: Plan) -> str:
    """Return the graph. Its arrows go to the left, to what they refer to."""
    return "\n".join((*_dot_lines(plan), ""))


def _dot_lines(plan: Plan) -> Iterator[str]:
    names = {box.id: f"b{number}" for number, box in enumerate((*plan.linked, *plan.loose))}
    yield "digraph map {"
    heading = _quote_for_dot(words.heading(plan.picture))
    yield f"  graph [rankdir=RL, newrank=true, label={heading}];"
    yield '  node [shape=box, fontname="Courier"];'
    for at in range(len(plan.columns)):
        yield from _dot_column(plan, at, names)
    yield f"  {' -> '.join(_dot_ranks(plan))} [style=invis];"
    for line in plan.lines:
        facts = f"style={_DOT_STYLES[line.kind]}, tooltip={_quote_for_dot(words.verb(line.kind))}"
        yield f"  {names[line.source.id]} -> {names[line.target.id]} [{facts}];"
    yield "}"


def _dot_column(plan: Plan, at: int, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a cluster: a row that refers to its own column is drawn beside the others."""
    boxes = [item for item in (*plan.linked, *plan.loose) if item.column == at]
    doubled = plan.doubled
    beside = [names[box.id] for box in boxes if box.id in doubled]
    others = [names[box.id] for box in boxes if box.id not in doubled]
    yield f"  subgraph cluster_{at} {{"
    yield f"    label={_quote_for_dot(words.column_name(plan.columns[at]))};"
    yield from (f"    {names[box.id]} [{_dot_facts(box)}];" for box in boxes)
    # An empty cluster would not be drawn; the invisible nodes keep the columns in order.
    for mark, own in ((f"c{at}", others), (f"d{at}", beside)):
        yield f'    {mark} [style=invis, label="", height=0];'
        yield f"    {{ rank=same; {'; '.join((mark, *own))} }}"
    yield "  }"


def _dot_ranks(plan: Plan) -> Iterator[str]:
    """Yield the invisible nodes, the narrowest scope first."""
    for at in reversed(range(len(plan.columns))):
        yield from (f"d{at}", f"c{at}")


def _dot_facts(box: Box) -> str:
    type_label = words.type_label(box)
    label = _quote_for_dot(f"{box.label} ({type_label})" if type_label else box.label)
    is_hidden = box.row is not None and not box.row.is_winner
    style = ", style=dashed, fontcolor=gray40" if is_hidden else ""
    return f"label={label}, tooltip={_quote_for_dot(words.describe_box(box))}{style}"


def _quote_for_dot(text: str) -> str:
    # Inside a label, a backslash begins an escape of DOT, and an ampersand one of HTML.
    escaped = words.showable(text).replace("\\", "\\\\").replace("&", "&amp;")
    return '"' + escaped.replace('"', '\\"') + '"'


def mermaid(plan: Plan) -> str:
    """Return the flowchart, for documents and pull requests that render it.

    Its arrows go to the left, to what they refer to.
    """
    return "\n".join((*_mermaid_lines(plan), ""))


def _mermaid_lines(plan: Plan) -> Iterator[str]:
    boxes = (*plan.linked, *plan.loose)
    names = {box.id: f"b{number}" for number, box in enumerate(boxes)}
    yield "flowchart RL"
    # The first subgraph is drawn rightmost.
    for at, column in reversed(list(enumerate(plan.columns))):
        yield f"  subgraph c{at}[{_quote_for_mermaid(words.column_name(column))}]"
        column_boxes = (box for box in boxes if box.column == at)
        yield from (f"    {names[box.id]}[{_mermaid_label(box)}]" for box in column_boxes)
        yield "  end"
    for line in plan.lines:
        arrow = f"{_MERMAID_ARROWS[line.kind]}|{_quote_for_mermaid(words.verb(line.kind))}|"
        yield f"  {names[line.source.id]} {arrow} {names[line.target.id]}"
    hidden = [names[box.id] for box in boxes if box.row and not box.row.is_winner]
    if hidden:
        yield "  classDef hidden stroke-dasharray:4 3,opacity:0.6"
        yield f"  class {','.join(hidden)} hidden"


def _mermaid_label(box: Box) -> str:
    type_label = words.type_label(box)
    return _quote_for_mermaid(f"{box.label} ({type_label})" if type_label else box.label)


def _quote_for_mermaid(text: str) -> str:
    escaped = _MEANINGFUL.sub(lambda found: f"#{ord(found[0])};", words.showable(text))
    return f'"{escaped}"'
