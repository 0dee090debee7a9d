"""Checks the limits of a document before it is validated or run.

Each field, spread and inline fragment is visited once. A fragment is measured at its first use, and
its measure is added wherever it is spread. Counts are those of the document with its fragments
written out, however large that would be.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.domain.errors import ErrorCode, GatewayError

INTROSPECTION: Final = frozenset({"__schema", "__type"})


class Limit(StrEnum):
    """The documented names of the limits."""

    TOKENS = "tokens"
    COMMENTS = "comments"
    DEPTH = "depth"
    INTROSPECTION_DEPTH = "introspection depth"
    ROOT_FIELDS = "root fields"
    ALIASES = "aliases"
    DIRECTIVES = "directives"
    OVERLAPS = "overlaps"
    COST = "cost"
    INTROSPECTION_COST = "introspection cost"
    LIST_ENTRIES = "list entries"
    DELIVERIES = "deliveries"


LIMITS: Final[Mapping[Limit, int]] = MappingProxyType(
    {
        Limit.TOKENS: 1_000,
        Limit.COMMENTS: 1_000,
        # The default of a setting.
        Limit.DEPTH: 15,
        Limit.INTROSPECTION_DEPTH: 20,
        Limit.ROOT_FIELDS: 10,
        Limit.ALIASES: 20,
        Limit.DIRECTIVES: 20,
        # Validation compares fields with the same name pair by pair.
        Limit.OVERLAPS: 5_000,
        # The default of a setting.
        Limit.COST: 50_000,
        # One introspection by GraphiQL or a code generator, with some reserve.
        Limit.INTROSPECTION_COST: 36_000,
        Limit.LIST_ENTRIES: 2_000,
        # Each delivery can be of the full size, and a field under two names appears twice.
        Limit.DELIVERIES: 1,
    }
)
# The message for each limit; `{}` is the bound.
WORDS: Final[Mapping[Limit, str]] = MappingProxyType(
    {
        Limit.TOKENS: "A document must have at most {} tokens.",
        Limit.COMMENTS: "A document must have at most {} comments.",
        Limit.DEPTH: "Fields must be nested at most {} deep.",
        Limit.INTROSPECTION_DEPTH: "Introspection fields must be nested at most {} deep.",
        Limit.ROOT_FIELDS: "An operation must have at most {} root fields.",
        Limit.ALIASES: "An operation must have at most {} aliases, with fragments written out.",
        Limit.DIRECTIVES: (
            "An operation must have at most {} directives, with fragments written out."
        ),
        Limit.OVERLAPS: (
            "A document must have at most {} pairs of fields with the same name at the same depth."
        ),
        Limit.COST: "A document must cost at most {}. Select fewer fields or shorter pages.",
        Limit.INTROSPECTION_COST: "Introspection must cost at most {}.",
        Limit.LIST_ENTRIES: "A list in the variables must have at most {} entries.",
        Limit.DELIVERIES: (
            "An operation must select `runtimeSecrets` or `delivery`, and each of their fields, "
            "under at most {} name."
        ),
    }
)


class LimitExceeded(GatewayError):
    """A document exceeds a limit."""

    code = ErrorCode.LIMIT_EXCEEDED

    def __init__(self, limit: Limit, most: int | None = None) -> None:
        """Take the limit, and its bound if that is a setting."""
        self.limit = limit
        super().__init__(WORDS[limit].format(f"{most or LIMITS[limit]:,}"))


@dataclass(slots=True)
class Measure:
    """The counts of a definition, with its fragments written out."""

    is_operation: bool
    depth: int = 0
    introspection_depth: int = 0
    root_fields: int = 0
    aliases: int = 0
    directives: int = 0
    introspects: bool = False
    # Counted by depth: only fields at the same depth can overlap.
    names: Counter[tuple[int, str]] = field(default_factory=Counter)

    def counted(self) -> Iterator[tuple[Limit, int]]:
        """Yield the counts with a limit per operation. Unspread fragments are invalid anyway."""
        if self.is_operation:
            yield Limit.DEPTH, self.depth
            yield Limit.INTROSPECTION_DEPTH, self.introspection_depth
            yield Limit.ROOT_FIELDS, self.root_fields
            yield Limit.ALIASES, self.aliases
            yield Limit.DIRECTIVES, self.directives

    @property
    def overlaps(self) -> int:
        """How many pairs of fields have the same name at the same depth."""
        return sum(count * (count - 1) // 2 for count in self.names.values())


@dataclass(frozen=True, slots=True)
class _Position:
    # `depth` restarts at 0 inside introspection; `levels` does not.
    depth: int = 0
    levels: int = 0
    is_introspection: bool = False


class Survey:
    """Measures a document; `visited` counts the steps."""

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._fragments = {fragment.name.value: fragment for fragment in _fragments(document)}
        self._measured: dict[str, Measure] = {}
        self.visited = 0

    def measures(self) -> Iterator[Measure]:
        """Yield the measure of each operation and of each fragment, used or not."""
        for definition in self._document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                yield self._measure(definition)
        for name in self._fragments:
            yield self._fragment(name)

    def _measure(self, definition: OperationDefinitionNode | FragmentDefinitionNode) -> Measure:
        is_operation = isinstance(definition, OperationDefinitionNode)
        measure = Measure(is_operation, directives=len(definition.directives or ()))
        self._walk(definition.selection_set, _Position(), measure)
        return measure

    def _fragment(self, name: str) -> Measure:
        if name not in self._measured:
            # A cycle or an unknown name measures nothing: validation refuses both.
            self._measured[name] = Measure(is_operation=False)
            if name in self._fragments:
                self._measured[name] = self._measure(self._fragments[name])
        return self._measured[name]

    def _walk(self, selected: SelectionSetNode, position: _Position, measure: Measure) -> None:
        for node in selected.selections:
            self.visited += 1
            measure.directives += len(node.directives or ())
            self._visit(node, position, measure)

    def _visit(self, node: SelectionNode, position: _Position, measure: Measure) -> None:
        if isinstance(node, FieldNode):
            self._count(node, position, measure)
        elif isinstance(node, InlineFragmentNode):
            self._walk(node.selection_set, position, measure)
        elif isinstance(node, FragmentSpreadNode):
            _add(measure, self._fragment(node.name.value), position)

    def _count(self, node: FieldNode, position: _Position, measure: Measure) -> None:
        measure.aliases += node.alias is not None
        measure.root_fields += position.levels == 0
        measure.names[position.levels, (node.alias or node.name).value] += 1
        _deepen(measure, position, 1)
        opens = node.name.value in INTROSPECTION
        measure.introspects |= opens
        if node.selection_set is not None:
            depth = 0 if opens else position.depth + 1
            within = _Position(depth, position.levels + 1, position.is_introspection or opens)
            self._walk(node.selection_set, within, measure)


def _deepen(measure: Measure, position: _Position, levels: int) -> None:
    depth = position.depth + levels
    if position.is_introspection:
        measure.introspection_depth = max(measure.introspection_depth, depth)
    else:
        measure.depth = max(measure.depth, depth)


def _add(measure: Measure, spread: Measure, position: _Position) -> None:
    _deepen(measure, position, spread.depth)
    measure.introspection_depth = max(measure.introspection_depth, spread.introspection_depth)
    measure.root_fields += spread.root_fields if position.levels == 0 else 0
    measure.aliases += spread.aliases
    measure.directives += spread.directives
    measure.introspects |= spread.introspects
    for (depth, name), count in spread.names.items():
        measure.names[position.levels + depth, name] += count


def _fragments(document: DocumentNode) -> Iterator[FragmentDefinitionNode]:
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            yield definition


def ensure_within(measures: Iterable[Measure], *, depth: int) -> None:
    """Refuse a document that exceeds a limit, of which the depth is a setting.

    Raises:
        LimitExceeded: naming the first exceeded limit.

    """
    overlaps = 0
    for measure in measures:
        for limit, count in measure.counted():
            most = depth if limit is Limit.DEPTH else LIMITS[limit]
            if count > most:
                raise LimitExceeded(limit, most)
        overlaps += measure.overlaps
    if overlaps > LIMITS[Limit.OVERLAPS]:
        raise LimitExceeded(Limit.OVERLAPS)


def ensure_short(variables: Mapping[str, object]) -> None:
    """Refuse variables with lists that are longer than any argument accepts.

    Raises:
        LimitExceeded: naming the bound.

    """
    waiting: list[object] = [variables]
    while waiting:
        given = waiting.pop()
        if isinstance(given, list):
            if len(given) > LIMITS[Limit.LIST_ENTRIES]:
                raise LimitExceeded(Limit.LIST_ENTRIES)
            waiting.extend(given)
        elif isinstance(given, dict):
            waiting.extend(given.values())
