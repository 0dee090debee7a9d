"""The cost of a document: how many fields its answer can have at most.

A list counts as many entries as `first` or `last` say, or a default page without them. The cost is
known before anything runs; an answer reports it in `extensions.cost`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from gateway.domain.delivery_requests import MAX_REQUESTED_KEYS
from gateway.domain.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from gateway.services.imports import MAX_ROWS

# Arguments that set a list's length: of a page, by a number; of other lists, by their own length.
PAGE_ARGUMENTS: Final = ("first", "last")
LIST_ARGUMENTS: Final[Mapping[tuple[str, str], tuple[str, int]]] = MappingProxyType(
    {
        ("Query", "nodes"): ("ids", MAX_PAGE_SIZE),
        ("Query", "runtimeSecrets"): ("keys", MAX_REQUESTED_KEYS),
        ("Mutation", "importSecrets"): ("secrets", MAX_ROWS),
    }
)
# Lists whose length no argument sets: the usual maximum.
LENGTHS: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        ("ApiToken", "grants"): 10,
        ("ClaimRule", "conditions"): 10,
        ("Viewer", "claimRules"): 10,
        ("ApiTokenPayload", "alsoRevoked"): 100,
        ("EndApiTokenPayload", "alsoEnded"): 100,
        ("UserPayload", "revokedTokens"): 100,
        ("EffectiveSecret", "shadows"): 4,
        ("EffectiveSecretsChange", "effectiveSecrets"): 3,
        ("SecretExplanation", "aliasHops"): 1,
        ("SecretExplanation", "elsewhere"): 20,
        ("SecretExplanation", "references"): 10,
        ("ReferencesNotUpdatedError", "secrets"): 20,
        ("SecretInUseError", "dependents"): 100,
        ("SecretPayload", "warnings"): 3,
        ("DeleteSecretPayload", "warnings"): 3,
        ("RestoreSecretPayload", "warnings"): 3,
        ("RestoreSecretPayload", "alsoRestored"): 100,
        ("ImportSecretsPayload", "warnings"): 100,
        ("Query", "runtimeSecrets"): 500,
        ("Delivery", "secrets"): 500,
        ("__Schema", "types"): 80,
        ("__Schema", "directives"): 5,
        ("__Type", "fields"): 8,
        ("__Type", "interfaces"): 1,
        ("__Type", "possibleTypes"): 2,
        ("__Type", "enumValues"): 4,
        ("__Type", "inputFields"): 3,
        ("__Field", "args"): 2,
        ("__Directive", "args"): 2,
    }
)
# A search can compare all secrets of an organization, for as long as so many fields take.
SEARCHES: Final[Mapping[tuple[str, str], tuple[str, int]]] = MappingProxyType(
    {("Query", "secrets"): ("filter", 2_000)}
)
# An operation can select one of these, under one name only.
_DELIVERY: Final = ("Query", "runtimeSecrets")
_DELIVERIES: Final = (_DELIVERY, ("Query", "delivery"))
_DELIVERED_TYPES: Final = frozenset({"Delivery", "RuntimeSecret", "RuntimeFile"})
# A delivery of more than this many keys or bytes costs more than its document.
_DELIVERED_KEYS: Final = LENGTHS[_DELIVERY]
_FIELDS_OF_A_KEY: Final = 5
_BYTES_OF_A_FIELD: Final = 256
_DELIVERED_BYTES: Final = _DELIVERED_KEYS * _BYTES_OF_A_FIELD
_DIGITS: Final = 10
# A type that is requested by name, and the type with all mutations, are larger than most types.
_LARGE: Final[Mapping[str, int]] = MappingProxyType({"__type": 20, "mutationType": 20})
_WRAPPED: Final = ("__Type", "ofType")
_META: Final[Mapping[str, str]] = MappingProxyType({"__schema": "__Schema", "__type": "__Type"})


@dataclass(frozen=True, slots=True)
class Cost:
    """How many fields an answer can have: of the schema, and of introspection."""

    fields: int = 0
    introspection: int = 0
    # The most names under which a delivery, or a field of one, is selected.
    deliveries: int = 0


@dataclass(slots=True)
class _Price:
    # The cost of a selection: once, and for each entry of the page that contains it.
    fixed: int = 0
    per_entry: int = 0
    introspection: int = 0

    def add(self, other: "_Price") -> None:
        self.fixed += other.fixed
        self.per_entry += other.per_entry
        self.introspection += other.introspection


class Pricing:
    """Computes the cost of an operation of one document; `visited` counts the steps."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, sizes: Mapping[str, int]
    ) -> None:
        self._schema = schema
        self._sizes = sizes
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._priced: dict[str, _Price] = {}
        self._delivered: dict[tuple[str, str], set[str]] = {}
        self.visited = 0

    def cost(self, operation: OperationDefinitionNode) -> Cost:
        root = self._schema.get_root_type(operation.operation)
        price = self._selection(operation.selection_set, root)
        deliveries = max(map(len, self._delivered.values()), default=0)
        return Cost(price.fixed + price.per_entry, price.introspection, deliveries)

    def _selection(self, selected: SelectionSetNode, on: GraphQLNamedType | None) -> _Price:
        price = _Price()
        for node in selected.selections:
            self.visited += 1
            if isinstance(node, FieldNode):
                self._add_field(price, node, on)
            elif isinstance(node, InlineFragmentNode):
                narrowed = node.type_condition
                at = self._schema.get_type(narrowed.name.value) if narrowed else on
                price.add(self._selection(node.selection_set, at))
            elif isinstance(node, FragmentSpreadNode):
                price.add(self._fragment(node.name.value))
        return price

    def _fragment(self, name: str) -> _Price:
        if name not in self._priced:
            # A cycle or an unknown name costs nothing: validation refuses both.
            self._priced[name] = _Price()
            if definition := self._fragments.get(name):
                on = self._schema.get_type(definition.type_condition.name.value)
                self._priced[name] = self._selection(definition.selection_set, on)
        return self._priced[name]

    def _add_field(self, price: _Price, node: FieldNode, on: GraphQLNamedType | None) -> None:
        price.fixed += 1
        name = node.name.value
        coordinate = (on.name if on else "", name)
        if coordinate in _DELIVERIES or coordinate[0] in _DELIVERED_TYPES:
            counted = _DELIVERY if coordinate in _DELIVERIES else coordinate
            self._delivered.setdefault(counted, set()).add((node.alias or node.name).value)
        price.fixed += _surcharge(coordinate, node)
        if node.selection_set is None:
            return
        definition = _field_of(on, name)
        within = self._selection(node.selection_set, self._type_of(definition, name))
        if name in _META:
            price.introspection += _whole(within, 1) * _LARGE.get(name, 1)
            return
        inner = _whole(within, self._page(coordinate, definition, node))
        price.introspection += within.introspection
        inner *= _LARGE.get(name, 1) if on is not None and on.name == "__Schema" else 1
        if coordinate == _WRAPPED:
            # Most types wrap no other type, and few wrap more than one.
            price.fixed += inner // 2
        elif not _is_list(definition):
            price.fixed += inner
        elif length := self._length(coordinate, node):
            price.fixed += inner * length
        else:
            price.per_entry += inner

    def _type_of(self, definition: GraphQLField | None, name: str) -> GraphQLNamedType | None:
        if name in _META:
            return self._schema.get_type(_META[name])
        return get_named_type(definition.type) if definition else None

    def _page(
        self, coordinate: tuple[str, str], definition: GraphQLField | None, node: FieldNode
    ) -> int:
        if coordinate in LIST_ARGUMENTS:
            return self._length(coordinate, node) or 0
        if definition is None or PAGE_ARGUMENTS[0] not in definition.args:
            return 1
        given = [item.value for item in node.arguments or () if item.name.value in PAGE_ARGUMENTS]
        sizes = [self._size(value) for value in given]
        return max((size for size in sizes if size is not None), default=DEFAULT_PAGE_SIZE)

    def _length(self, coordinate: tuple[str, str], node: FieldNode) -> int | None:
        if coordinate not in LIST_ARGUMENTS:
            return LENGTHS.get(coordinate)
        name, most = LIST_ARGUMENTS[coordinate]
        given = [item.value for item in node.arguments or () if item.name.value == name]
        # Without the argument, a list that does not need it is as long as it usually is.
        usual = LENGTHS.get(coordinate, 1)
        sizes = (self._size(value) for value in given)
        return max((min(size, most) if size else usual for size in sizes), default=usual)

    def _size(self, value: ValueNode) -> int | None:
        if isinstance(value, VariableNode):
            return self._sizes.get(value.name.value)
        if isinstance(value, IntValueNode):
            return read_size(value)
        return len(value.values) if isinstance(value, ListValueNode) else None


def _surcharge(coordinate: tuple[str, str], node: FieldNode) -> int:
    name, surcharge = SEARCHES.get(coordinate, ("", 0))
    return surcharge if any(each.name.value == name for each in node.arguments or ()) else 0


def delivery_surcharge(keys: int, size: int) -> int:
    """Return what a delivery of `keys` keys and `size` bytes costs beyond its document."""
    more_keys, more_bytes = max(keys - _DELIVERED_KEYS, 0), max(size - _DELIVERED_BYTES, 0)
    return more_keys * _FIELDS_OF_A_KEY + more_bytes // _BYTES_OF_A_FIELD


def bounded(size: int) -> int:
    """Clamp a page size to the maximum; the resolver refuses a larger one."""
    return min(max(size, 0), MAX_PAGE_SIZE)


def read_size(number: IntValueNode) -> int:
    """Return the page size that a literal can mean at most."""
    # Validation refuses so many digits later; here they count as a full page.
    return bounded(int(number.value)) if len(number.value) <= _DIGITS else MAX_PAGE_SIZE


def _whole(price: _Price, entries: int) -> int:
    return price.fixed + price.per_entry * entries


def _field_of(on: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(on, GraphQLObjectType | GraphQLInterfaceType):
        field: GraphQLField | None = on.fields.get(name)
        return field
    return None


def _is_list(definition: GraphQLField | None) -> bool:
    if definition is None:
        return False
    return isinstance(get_nullable_type(definition.type), GraphQLList)
