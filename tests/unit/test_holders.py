"""Chains: who sees whom, and what can hang on what."""

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.holders import Holder, Relation, below
from gateway.domain.rules import ensure_can_be_below
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope


def _holder(kind: Scope, name: str, parent: Holder | None = None) -> Holder:
    return below(parent, kind=kind, name=name, holder_id=name, organization_id="organization")


SHOP = _holder(Scope.PROJECT, "shop")
LIVE = _holder(Scope.ENVIRONMENT, "live", SHOP)
JOB = _holder(Scope.JOB, "job", LIVE)
HELM = _holder(Scope.HELM, "helm", LIVE)
STAGING = _holder(Scope.ENVIRONMENT, "staging", SHOP)
STAGING_JOB = _holder(Scope.JOB, "staging job", STAGING)
OTHER = _holder(Scope.PROJECT, "other")
OTHER_LIVE = _holder(Scope.ENVIRONMENT, "other live", OTHER)


@pytest.mark.parametrize(
    ("holder", "chain"),
    [(SHOP, ("shop",)), (LIVE, ("live", "shop")), (JOB, ("job", "live", "shop"))],
    ids=["project", "environment", "service"],
)
def test_a_chain_leads_from_the_narrowest_to_the_project(
    holder: Holder, chain: tuple[str, ...]
) -> None:
    assert holder.chain_ids == chain
    assert holder.parent_id == next(iter(chain[1:]), None)


@pytest.mark.rule("A3")
@pytest.mark.parametrize(
    ("here", "other", "relation"),
    [
        (JOB, JOB, Relation.IN_CHAIN),
        (JOB, LIVE, Relation.IN_CHAIN),
        (JOB, SHOP, Relation.IN_CHAIN),
        (LIVE, SHOP, Relation.IN_CHAIN),
        (LIVE, JOB, Relation.BELOW),
        (SHOP, JOB, Relation.BELOW),
        (SHOP, LIVE, Relation.BELOW),
        (JOB, HELM, Relation.APART),
        (JOB, STAGING, Relation.APART),
        (JOB, STAGING_JOB, Relation.APART),
        (LIVE, STAGING, Relation.APART),
        (LIVE, STAGING_JOB, Relation.APART),
        (SHOP, OTHER, Relation.APART),
        (JOB, OTHER, Relation.APART),
        (SHOP, OTHER_LIVE, Relation.APART),
    ],
    ids=lambda item: item.name,
)
def test_holders_know_where_others_stand(here: Holder, other: Holder, relation: Relation) -> None:
    assert here.relation_of(other) is relation


PLACES = [(Scope.PROJECT, None), (Scope.ENVIRONMENT, Scope.PROJECT)] + [
    (service, Scope.ENVIRONMENT) for service in SERVICE_SCOPES
]
ALL_PLACES = [(kind, parent) for kind in Scope for parent in (None, *Scope)]


@pytest.mark.parametrize(("kind", "parent"), PLACES)
def test_every_kind_of_holder_has_its_place(kind: Scope, parent: Scope | None) -> None:
    ensure_can_be_below(kind, parent)

    assert {kind for kind, _ in PLACES} == set(HOLDER_SCOPES)


@pytest.mark.parametrize(("kind", "parent"), [place for place in ALL_PLACES if place not in PLACES])
def test_no_holder_can_be_anywhere_else(kind: Scope, parent: Scope | None) -> None:
    with pytest.raises(InvalidInput):
        ensure_can_be_below(kind, parent)
