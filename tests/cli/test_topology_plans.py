"""Plans: the steps from what is there to what is wanted. Plain values, no database."""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import InvalidInput
from gateway.domain.holders import Organization
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.domain.topology import (
    DeletionsNotEmpty,
    HolderPath,
    HolderWithCount,
    Plan,
    PlanOutdated,
    Topology,
    make_plan,
)
from tests.cli.texts import SEARCHED

SHOP: HolderPath = ((Scope.PROJECT, "shop"),)
LIVE: HolderPath = (*SHOP, (Scope.ENVIRONMENT, "live"))
JOB: HolderPath = (*LIVE, (Scope.JOB, "nightly"))
HELM: HolderPath = (*LIVE, (Scope.HELM, "nightly"))
OTHER: HolderPath = ((Scope.PROJECT, "other"),)
TENANT = Organization(id="tenant", name="Demo")
NAMES = st.sampled_from(["a", "b"])


def _wanted(*paths: HolderPath) -> Topology:
    return Topology(organization="Demo", paths=paths)


def _planned(
    wanted: Topology,
    existing: Sequence[HolderWithCount] = (),
    *,
    organization: Organization | None = TENANT,
    prunes: bool = True,
    first_id: int = 1,
) -> Plan:
    numbers = count(first_id)
    return make_plan(
        wanted,
        organization=organization,
        existing=existing,
        prunes=prunes,
        new_id=lambda: f"id-{next(numbers)}",
    )


def _existing(*paths: HolderPath, secrets: int = 0) -> list[HolderWithCount]:
    made = _planned(_wanted(*paths), first_id=100)
    return [HolderWithCount(holder=step.holder, secrets=secrets) for step in made.creations]


def test_everything_is_created_the_widest_first() -> None:
    plan = _planned(_wanted(SHOP, LIVE, JOB, HELM))

    assert [step.path for step in plan.creations] == [SHOP, LIVE, JOB, HELM]
    project, environment, job, _ = [step.holder for step in plan.creations]
    assert job.chain_ids == (job.id, environment.id, project.id)
    assert {step.holder.organization_id for step in plan.creations} == {"tenant"}


def test_what_is_there_stays() -> None:
    existing = _existing(SHOP, LIVE)

    plan = _planned(_wanted(SHOP, LIVE, JOB), existing)

    (step,) = plan.creations
    assert step.path == JOB
    assert step.holder.parent_id == existing[1].holder.id
    assert plan.deletions == ()


def test_services_of_two_kinds_may_have_one_name() -> None:
    plan = _planned(_wanted(SHOP, LIVE, HELM), _existing(SHOP, LIVE, JOB))

    assert [step.path for step in plan.creations] == [HELM]
    assert [step.path for step in plan.deletions] == [JOB]


def test_extraneous_holders_are_deleted_the_narrowest_first() -> None:
    plan = _planned(_wanted(OTHER), _existing(SHOP, LIVE, JOB))

    assert [step.path for step in plan.deletions] == [JOB, LIVE, SHOP]


def test_extraneous_holders_stay_unless_that_is_asked_for() -> None:
    plan = _planned(_wanted(SHOP), _existing(SHOP, LIVE), prunes=False)

    assert plan.deletions == ()
    assert [step.path for step in plan.extraneous] == [LIVE]
    assert plan.is_empty


def test_organization_that_is_not_there_is_new() -> None:
    plan = _planned(_wanted(SHOP), organization=None)

    assert plan.is_new_organization
    assert plan.organization == Organization(id="id-1", name="Demo")
    assert plan.creations[0].holder.organization_id == "id-1"


def test_secrets_are_deleted_only_if_that_is_asked_for() -> None:
    plan = _planned(_wanted(SHOP), _existing(SHOP, LIVE, JOB, secrets=3))

    with pytest.raises(DeletionsNotEmpty, match="6 secrets of 2 holders"):
        plan.ensure_deletions_allowed(with_content=False)
    plan.ensure_deletions_allowed(with_content=True)


def test_holders_without_secrets_are_deleted_without_being_asked() -> None:
    plan = _planned(_wanted(SHOP), _existing(SHOP, LIVE))

    plan.ensure_deletions_allowed(with_content=False)


def test_plan_is_the_same_though_new_ids_are_others() -> None:
    wanted = _wanted(SHOP, LIVE)

    _planned(wanted).ensure_same_steps(_planned(wanted, first_id=50))


@pytest.mark.parametrize(
    "meanwhile", [_existing(SHOP), _existing(OTHER), _existing(OTHER, secrets=1)]
)
def test_plan_for_another_hierarchy_is_outdated(meanwhile: list[HolderWithCount]) -> None:
    wanted = _wanted(SHOP)

    with pytest.raises(PlanOutdated):
        _planned(wanted).ensure_same_steps(_planned(wanted, meanwhile))


def test_plan_for_an_organization_that_came_meanwhile_is_outdated() -> None:
    wanted = _wanted(SHOP)

    with pytest.raises(PlanOutdated):
        _planned(wanted, organization=None).ensure_same_steps(_planned(wanted))


@pytest.mark.parametrize(
    "paths",
    [
        (LIVE,),
        (SHOP, SHOP),
        (LIVE, SHOP),
        (((Scope.ENVIRONMENT, "live"),),),
        (SHOP, (*SHOP, (Scope.JOB, "nightly"))),
        (SHOP, (*SHOP, (Scope.PROJECT, "other"))),
        (((Scope.BUILT_IN, "shop"),),),
        (((Scope.PROJECT, " shop"),),),
        (((Scope.PROJECT, ""),),),
    ],
    ids=[
        "nothing above",
        "twice",
        "too early",
        "environment at the top",
        "service in a project",
        "project in a project",
        "built-in",
        "name with a space",
        "no name",
    ],
)
def test_topology_that_cannot_be_is_refused(paths: tuple[HolderPath, ...]) -> None:
    with pytest.raises(InvalidInput):
        _wanted(*paths).ensure_valid()


def test_topology_that_can_be_is_not_refused() -> None:
    """The control of the test above."""
    _wanted(SHOP, LIVE, JOB, HELM, OTHER).ensure_valid()


def _closed(services: set[tuple[str, str, Scope, str]]) -> tuple[HolderPath, ...]:
    paths: dict[HolderPath, None] = {}
    for project, environment, kind, name in sorted(services):
        path: HolderPath = (
            (Scope.PROJECT, project),
            (Scope.ENVIRONMENT, environment),
            (kind, name),
        )
        paths |= dict.fromkeys(path[:depth] for depth in (1, 2, 3))
    return tuple(paths)


TOPOLOGIES = st.sets(st.tuples(NAMES, NAMES, st.sampled_from(SERVICE_SCOPES), NAMES)).map(_closed)


@pytest.mark.unmeasured
@SEARCHED
@given(TOPOLOGIES, TOPOLOGIES)
def test_plan_leads_from_anything_to_anything(
    there: tuple[HolderPath, ...], wanted: tuple[HolderPath, ...]
) -> None:
    existing = _existing(*there)

    plan = _planned(_wanted(*wanted), existing)

    created = {step.path for step in plan.creations}
    deleted = {step.path for step in plan.deletions}
    assert (set(there) | created) - deleted == set(wanted)
    assert created.isdisjoint(there)
    assert deleted <= set(there)


@pytest.mark.unmeasured
@SEARCHED
@given(TOPOLOGIES)
def test_plan_for_what_is_there_is_empty(there: tuple[HolderPath, ...]) -> None:
    assert _planned(_wanted(*there), _existing(*there)).is_empty
