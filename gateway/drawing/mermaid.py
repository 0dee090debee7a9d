"""A plan as a Mermaid flowchart, for documents and pull requests that render it."""

import re
from collections.abc import Iterator
from typing import Final

from gateway.domain.secrets import SecretType
from gateway.drawing import words
from gateway.drawing.plan import Box, Plan

# ASCII characters with a meaning in Mermaid, Markdown or HTML anywhere in a label.
_MEANINGFUL: Final = re.compile(r"[!-'*-,/:-@\[-^`{-~]")
_ARROWS: Final = {SecretType.ALIAS: "-->", SecretType.OVERRIDE: "-.->"}


def mermaid(plan: Plan) -> str:
    """Return the flowchart. Its arrows go to the left, to what they refer to."""
    return "\n".join((*_lines(plan), ""))


def _lines(plan: Plan) -> Iterator[str]:
    boxes = (*plan.linked, *plan.loose)
    names = {box.id: f"b{number}" for number, box in enumerate(boxes)}
    yield "flowchart RL"
    # The first subgraph is drawn rightmost.
    for at, column in reversed(list(enumerate(plan.columns))):
        yield f"  subgraph c{at}[{_quote(words.column_name(column))}]"
        yield from (f"    {names[box.id]}[{_label(box)}]" for box in boxes if box.column == at)
        yield "  end"
    for line in plan.lines:
        arrow = f"{_ARROWS[line.kind]}|{_quote(words.verb(line.kind))}|"
        yield f"  {names[line.source.id]} {arrow} {names[line.target.id]}"
    hidden = [names[box.id] for box in boxes if box.row and not box.row.is_winner]
    if hidden:
        yield "  classDef hidden stroke-dasharray:4 3,opacity:0.6"
        yield f"  class {','.join(hidden)} hidden"


def _label(box: Box) -> str:
    aside = words.aside(box)
    return _quote(f"{box.label} ({aside})" if aside else box.label)


def _quote(text: str) -> str:
    escaped = _MEANINGFUL.sub(lambda found: f"#{ord(found[0])};", words.showable(text))
    return f'"{escaped}"'
