"""Parses, measures and validates documents, and caches each step by the document's text.

A document that is refused for its size is not cached, so a flood of such documents evicts nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.graphql.cost import LIST_ARGUMENTS, PAGE_ARGUMENTS, Cost, Pricing, bounded, read_size
from gateway.graphql.limits import LIMITS, Limit, LimitExceeded, Survey, ensure_within
from gateway.graphql.masking import masked

CACHED_DOCUMENTS: Final = 512
_CACHED_COSTS: Final = 2_048
# Validation stops at this many errors.
_MAX_ERRORS: Final = 20
_RULES: Final = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_SIZES: Final = frozenset({*PAGE_ARGUMENTS, *(name for name, _ in LIST_ARGUMENTS.values())})
# The parser's messages for documents that exceed its limits.
_TOO_MUCH: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        f"Document contains more than {LIMITS[Limit.TOKENS]} tokens. Parsing aborted.": (
            Limit.TOKENS
        ),
        f"Document contains more than {LIMITS[Limit.COMMENTS]} comments. Parsing aborted.": (
            Limit.COMMENTS
        ),
        "Document is nested too deeply. Parsing aborted.": Limit.DEPTH,
    }
)


# The name of all operations that do not have exactly one known field at the root.
OTHER: Final = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A document within the limits."""

    node: DocumentNode
    introspects: bool
    # Names of variables that set the length of a list.
    size_variables: tuple[str, ...]

    @property
    def operations(self) -> list[OperationDefinitionNode]:
        """All operations, in the order written."""
        return [
            definition
            for definition in self.node.definitions
            if isinstance(definition, OperationDefinitionNode)
        ]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation to run; None if the name does not select exactly one."""
        found = [
            operation
            for operation in self.operations
            if name is None or (operation.name is not None and operation.name.value == name)
        ]
        return found[0] if len(found) == 1 else None


@lru_cache(maxsize=CACHED_DOCUMENTS)
def parsed(text: str) -> DocumentNode:
    """Return a document's syntax tree.

    Raises:
        LimitExceeded: if the document has too many parts or is nested too deeply to parse.
        GraphQLError: if the text is not a GraphQL document.

    """
    try:
        return parse(
            text, max_lexical_tokens=LIMITS[Limit.TOKENS], max_comments=LIMITS[Limit.COMMENTS]
        )
    except GraphQLSyntaxError as error:
        if limit := _TOO_MUCH.get(error.description):
            raise LimitExceeded(limit) from None
        raise


@lru_cache(maxsize=CACHED_DOCUMENTS)
def admitted(text: str, depth: int = LIMITS[Limit.DEPTH]) -> Document:
    """Return a document that is within the limits.

    Raises:
        LimitExceeded: naming the limit.
        GraphQLError: if the text is not a GraphQL document.

    """
    try:
        node = parsed(text)
    except LimitExceeded as error:
        raise LimitExceeded(error.limit, depth if error.limit is Limit.DEPTH else None) from None
    measures = list(Survey(node).measures())
    ensure_within(measures, depth=depth)
    introspects = any(measure.introspects for measure in measures)
    return Document(node, introspects, tuple(sorted(set(_size_variables(node)))))


@lru_cache(maxsize=CACHED_DOCUMENTS)
def validated(schema: GraphQLSchema, text: str) -> list[GraphQLError]:
    """Return the validation errors of a document, without suggestions."""
    return validate(schema, parsed(text), _RULES, _MAX_ERRORS, hide_suggestions=True)


def fault_of(schema: GraphQLSchema, text: str, *, depth: int) -> str | None:
    """Return why a stored document can never run; None if it can."""
    try:
        if not admitted(text, depth).operations:
            return "The document has no operation."
        errors = validated(schema, text)
    except LimitExceeded as error:
        return error.message
    except GraphQLError as error:
        errors = [error]
    return _locate(errors[0]) if errors else None


def name_of(schema: GraphQLSchema, operation: OperationDefinitionNode, *, is_trusted: bool) -> str:
    """Return a name of a bounded number: a trusted document's own, or the one field of the root."""
    if is_trusted and operation.name is not None:
        return operation.name.value
    root = schema.get_root_type(operation.operation)
    nodes = operation.selection_set.selections
    names = {node.name.value if isinstance(node, FieldNode) else OTHER for node in nodes}
    known = names & root.fields.keys() if root else ()
    return next(iter(known)) if len(names) == len(known) == 1 else OTHER


def _locate(error: GraphQLError) -> str:
    # Masked as in an answer: a literal in the document can be a secret.
    masked_error = masked(error)
    at = [
        f" (line {item['line']}, column {item['column']})"
        for item in masked_error.get("locations", [])
    ]
    return f"{masked_error['message']}{''.join(at[:1])}"


def cost_of(
    schema: GraphQLSchema,
    text: str,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> Cost:
    """Return what an operation of the document with this text costs with these variables.

    Raises:
        LimitExceeded: if introspection or deliveries exceed their limits.

    """
    sizes = tuple(_sizes(document.size_variables, operation, variables))
    cost = _cost(schema, text, operation.name and operation.name.value, sizes)
    if cost.introspection > LIMITS[Limit.INTROSPECTION_COST]:
        raise LimitExceeded(Limit.INTROSPECTION_COST)
    if cost.deliveries > LIMITS[Limit.DELIVERIES]:
        raise LimitExceeded(Limit.DELIVERIES)
    return cost


@lru_cache(maxsize=_CACHED_COSTS)
def _cost(
    schema: GraphQLSchema, text: str, operation_name: str | None, sizes: tuple[tuple[str, int], ...]
) -> Cost:
    document = parsed(text)
    pricing = Pricing(schema, document, dict(sizes))
    operation = get_operation_ast(document, operation_name)
    return pricing.cost(operation) if operation else Cost()


def _sizes(
    names: Iterable[str], operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Iterator[tuple[str, int]]:
    defaults = {
        item.variable.name.value: item.default_value
        for item in operation.variable_definitions or ()
    }
    for name in names:
        size = _length(variables[name]) if name in variables else _print(defaults.get(name))
        if size is not None:
            yield name, size


def _length(given: object) -> int | None:
    if isinstance(given, list):
        return len(given)
    # JSON can write a whole number as a float (`2.0`); validation refuses any other float later.
    if isinstance(given, float) and not isfinite(given):
        return None
    return bounded(int(given)) if isinstance(given, int | float) else None


def _print(default: ValueNode | None) -> int | None:
    if isinstance(default, IntValueNode):
        return read_size(default)
    return len(default.values) if isinstance(default, ListValueNode) else None


def _size_variables(document: DocumentNode) -> Iterator[str]:
    waiting = [
        definition.selection_set
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                yield from _variables_in(node)
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                waiting.append(node.selection_set)


def _variables_in(node: FieldNode) -> Iterator[str]:
    for argument in node.arguments or ():
        if argument.name.value in _SIZES and isinstance(argument.value, VariableNode):
            yield argument.value.name.value
