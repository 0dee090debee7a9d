"""Deny by default: what can be read has a declared policy, or the schema is not built."""

import pytest
import strawberry
from graphql import GraphQLSchema, build_schema, extend_schema, parse

from gateway.app import gateway_schema
from gateway.graphql.schema import UndeclaredPolicy, ensure_declared
from schema import root
from schema.policies import CARRIES, FIELDS, TYPES
from schema.snapshot import printed
from tests.contracts.walking import schema


def _extended(text: str) -> GraphQLSchema:
    return extend_schema(schema(), parse(text))


@pytest.mark.rule("S12")
def test_all_that_is_there_is_declared() -> None:
    ensure_declared(schema(), FIELDS, TYPES)


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("added", "named"),
    [
        ("extend type Query { more: String }", "Query.more"),
        ("type More { a: String } extend type Secret { more: More }", "More"),
        ("extend type Subscription { more: String }", "Subscription.more"),
    ],
)
def test_what_is_added_without_a_policy_is_refused(added: str, named: str) -> None:
    """The control."""
    with pytest.raises(UndeclaredPolicy, match=f"^{named}$"):
        ensure_declared(_extended(added), FIELDS, TYPES)


@pytest.mark.rule("S12")
def test_a_schema_with_something_undeclared_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk is part of the build."""

    @strawberry.type
    class Careless:
        more: str

    monkeypatch.setattr(root, "Query", Careless)

    with pytest.raises(UndeclaredPolicy):
        gateway_schema.__wrapped__()


def test_no_line_is_left_over() -> None:
    answer = build_schema(printed())
    readable = (answer.query_type, answer.subscription_type)

    assert set(FIELDS) == {f"{root}.{name}" for root in readable if root for name in root.fields}
    assert set(TYPES) <= set(answer.type_map)
    assert not {
        name
        for name, policy in TYPES.items()
        if policy == CARRIES and not name.endswith(("Connection", "Edge", "Payload", "Error"))
    } - {"PageInfo", "ImportedSecret", "MutationWarning"}
