"""YAML as a tree of texts, each taken as it is written.

PyYAML's own loaders would make `no` a boolean and `0123` a number, keep the last of two equal keys,
and quote the file in their messages.
"""

from collections.abc import Iterator
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.cli.refusals import Misread

_PREFIX: Final = "tag:yaml.org,2002:"
_NULL: Final = f"{_PREFIX}null"
# What PyYAML takes plain text for; any other tag was written by hand and means something else.
_TEXT_TAGS: Final = frozenset(
    _PREFIX + name for name in ("str", "int", "float", "bool", "timestamp", "value")
)


def composed(text: str) -> Node | None:
    """Return the root of the one document in a text; None if there is none.

    Raises:
        Misread: if it is no YAML, or more than a tree.

    """
    try:
        return _Loader(text).get_single_node()
    except RecursionError:
        rule = "this is nested too deeply."
        raise Misread(rule) from None
    except yaml.MarkedYAMLError as error:
        rule = "this is not one YAML document."
        mark = error.problem_mark or error.context_mark
        raise Misread(rule, position=f"line {mark.line + 1}" if mark else "") from None
    except yaml.YAMLError:
        rule = "there are characters that YAML does not have."
        raise Misread(rule) from None


def entries(node: Node | None, *, rule: str) -> Iterator[tuple[ScalarNode, Node]]:
    """Give the entries of a mapping; nothing at all is an empty one.

    Raises:
        Misread: with the rule if it is no mapping, and for a key that is no text or stands twice.

    """
    if is_empty(node):
        return
    if not isinstance(node, MappingNode):
        raise Misread(rule, position=line(node))
    seen: set[str] = set()
    for key, under in node.value:
        name = text_of(key, rule="a key is a text.")
        if name in seen:
            twice = "this key stands here for the second time."
            raise Misread(twice, position=line(key))
        seen.add(name)
        yield key, under


def items(node: Node | None, *, rule: str) -> Iterator[Node]:
    """Give the items of a sequence; nothing at all is an empty one.

    Raises:
        Misread: if it is not; the message is the rule.

    """
    if is_empty(node):
        return
    if not isinstance(node, SequenceNode):
        raise Misread(rule, position=line(node))
    yield from node.value


def text_of(node: Node, *, rule: str) -> str:
    """Return a text as it is written.

    Raises:
        Misread: if it is not; the message is the rule.

    """
    if not isinstance(node, ScalarNode) or node.tag not in _TEXT_TAGS:
        raise Misread(rule, position=line(node))
    return str(node.value)


def is_empty(node: Node | None) -> bool:
    return node is None or node.tag == _NULL


def line(node: Node | None) -> str:
    return f"line {node.start_mark.line + 1}" if node else "line 1"


class _Loader(yaml.SafeLoader):
    """Builds the tree, without anchors, aliases and merge keys."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """Refuse what would make a tree of a few lines as large as memory."""
        if self.check_event(yaml.AliasEvent):
            rule = "anchors, aliases and merge keys cannot be used: write the text out."
            event = self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave it out
            raise Misread(rule, position=f"line {event.start_mark.line + 1}")
        return super().compose_node(parent, index)
