"""The schema that clients see: as committed, without a value to read, and whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_output_type,
)

from gateway.domain.scopes import HOLDER_SCOPES, SCOPES, SERVICE_SCOPES, Scope, ServiceType
from gateway.domain.secrets import SecretType
from schema.snapshot import SNAPSHOT, printed
from tests.contracts.walking import schema

# The delivery door: it has a permission of its own, and leads nowhere else.
DOOR = frozenset({"runtimeSecrets", "delivery"})
CARRYING = {
    "Delivery": {"serviceName", "fingerprint", "isUnchanged", "secrets"},
    "RuntimeSecret": {"key", "value", "file", "isFile", "fingerprint"},
    "RuntimeFile": {"mountPath", "content"},
}


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    is_same = SNAPSHOT.read_text(encoding="utf-8") == printed()

    assert is_same, "The schema has changed. If that is meant: python -m schema.snapshot"


def _below(kind: GraphQLNamedType) -> Iterator[tuple[str, GraphQLNamedType]]:
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield name, get_named_type(field.type)
    if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
        for possible in schema().get_possible_types(kind):
            yield "", possible


def _reachable(*, without: frozenset[str] = frozenset()) -> dict[str, GraphQLNamedType]:
    found: dict[str, GraphQLNamedType] = {}
    roots = schema().query_type, schema().mutation_type, schema().subscription_type
    ahead: list[GraphQLNamedType] = [root for root in roots if root]
    while ahead:
        kind = ahead.pop()
        found[kind.name] = kind
        ahead += [
            item for name, item in _below(kind) if name not in without and item.name not in found
        ]
    return found


def _fields(kind: GraphQLNamedType) -> set[str]:
    return {name for name, _ in _below(kind)}


@pytest.mark.rule("S18")
def test_no_value_can_be_read_but_through_the_delivery_door() -> None:
    """No path of the schema leads from anything else to a value."""
    carrying = [name for name, kind in _reachable(without=DOOR).items() if "value" in _fields(kind)]

    assert carrying == []


@pytest.mark.rule("S18")
def test_the_search_finds_the_values_behind_the_door() -> None:
    """The control of the test above."""
    carrying = [name for name, kind in _reachable().items() if "value" in _fields(kind)]

    assert carrying == ["RuntimeSecret"]


@pytest.mark.parametrize("name", CARRYING)
def test_what_carries_a_value_leads_nowhere_else(name: str) -> None:
    assert _fields(schema().type_map[name]) == CARRYING[name]
    assert name not in _reachable(without=DOOR)


def test_no_type_is_left_over() -> None:
    answer = {name for name, kind in schema().type_map.items() if is_output_type(kind)}
    leaves = {name for name, kind in schema().type_map.items() if is_leaf_type(kind)}

    assert {name for name in answer - leaves if not name.startswith("__")} <= set(_reachable())


@pytest.mark.parametrize("scope", HOLDER_SCOPES)
def test_every_kind_of_holder_has_a_type_a_query_and_an_argument(scope: Scope) -> None:
    holder = schema().type_map[scope.camel_name]
    query, reference = schema().query_type, schema().type_map["SecretHolderRef"]

    assert isinstance(holder, GraphQLObjectType)
    assert "SecretHolder" in [interface.name for interface in holder.interfaces]
    assert query
    assert str(query.fields[scope.field_name].type) == scope.camel_name
    assert scope.id_argument in reference.fields  # type: ignore[attr-defined] # an input


@pytest.mark.parametrize("scope", SERVICE_SCOPES)
def test_every_kind_of_service_is_a_service(scope: Scope) -> None:
    service = schema().type_map[scope.camel_name]

    assert isinstance(service, GraphQLObjectType)
    assert "Service" in [interface.name for interface in service.interfaces]
    assert scope in ServiceType.__members__


@pytest.mark.parametrize("scope", Scope)
def test_every_scope_has_its_row_in_the_table(scope: Scope) -> None:
    assert scope in SCOPES
    assert scope.parent is None or scope.parent.rank == scope.rank - 1


@pytest.mark.rule("W4")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("APIVariableScopeEnum", Scope),
        ("APIVariableTypeEnum", SecretType),
        ("LinkedServiceTypeEnum", ServiceType),
    ],
)
def test_enumerations_are_those_of_the_domain(name: str, values: type[Scope]) -> None:
    answer = schema().type_map[name]

    assert isinstance(answer, GraphQLEnumType)
    assert list(answer.values) == [value.value for value in values]


def _lists(kind: GraphQLNamedType) -> Iterator[str]:
    if isinstance(kind, GraphQLObjectType):
        for name, field in kind.fields.items():
            if "[" in str(field.type):
                yield f"{kind.name}.{name}"


# Bounded by something else than a page: what was asked for, what one write did, one key's chain,
# what one token can be granted, what one change moves, the first page of dependents, or the
# delivery's own limit.
BOUNDED = {
    "ApiToken.grants",
    "ClaimRule.conditions",
    "Delivery.secrets",
    "EffectiveSecret.shadows",
    "EffectiveSecretsChange.effectiveSecrets",
    "EffectiveSecretsChange.keys",
    "MutationWarning.path",
    "Query.nodes",
    "Query.runtimeSecrets",
    "SecretExplanation.aliasHops",
    "ReferencesNotUpdatedError.secrets",
    "SecretExplanation.elsewhere",
    "SecretExplanation.references",
    "SecretInUseError.dependents",
    "Viewer.claimRules",
    "Viewer.permissions",
}


def test_every_list_is_a_page_or_bounded_otherwise() -> None:
    lists = {name for kind in _reachable().values() for name in _lists(kind)}
    pages = {name for name in lists if name.endswith(("Connection.edges", "Connection.nodes"))}
    outcomes = {name for name in lists if "Payload." in name or name.endswith("Error.path")}

    assert lists - pages - outcomes - BOUNDED == set()


def test_every_description_is_a_sentence() -> None:
    described = [
        kind.description for kind in _reachable().values() if not kind.name.startswith("__")
    ]

    assert [text for text in described if text and not text.rstrip().endswith((".", "…"))] == []


def test_the_snapshot_is_a_file_of_the_schemas_folder() -> None:
    assert Path("schema") / "schema.graphql" == SNAPSHOT.relative_to(SNAPSHOT.parents[1])
