"""A hierarchy as a file describes it, and the steps to reach it. Names only, no secrets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.domain import content
from gateway.domain.errors import Argument, Conflict, ErrorCode, InvalidInput
from gateway.domain.holders import Holder, Organization, below
from gateway.domain.rules import ensure_can_be_below
from gateway.domain.scopes import Scope

HolderPath = tuple[tuple[Scope, str], ...]
"""The path of a holder: kinds and names, from its project down to itself."""


class DeletionsNotEmpty(Conflict):
    code = ErrorCode.NOT_EMPTY

    def __init__(self, *, holders: int, secrets: int) -> None:
        super().__init__(
            f"The plan would also delete {secrets} secrets of {holders} holders. Confirm that "
            "explicitly.",
            Argument.HOLDER,
        )
        self.holders = holders
        self.secrets = secrets


class PlanOutdated(Conflict):
    def __init__(self) -> None:
        super().__init__("The hierarchy has changed since the plan was made. Make a new plan.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The wanted hierarchy of an organization: the paths of its holders, wider ones first."""

    organization: str
    paths: tuple[HolderPath, ...]

    def ensure_valid(self) -> None:
        """Refuse names against the rules, paths without a parent, and repeated paths.

        Raises:
            InvalidInput: naming the rule.

        """
        content.ensure_name(self.organization)
        above: set[HolderPath] = {()}
        for path in self.paths:
            _ensure_path(path, above)
            above.add(path)


def _ensure_path(path: HolderPath, above: set[HolderPath]) -> None:
    kind, name = path[-1]
    content.ensure_name(name)
    ensure_can_be_below(kind, path[-2][0] if len(path) > 1 else None)
    if path in above or path[:-1] not in above:
        raise InvalidInput(
            Argument.HOLDER, "Each holder must be listed once, and after its parent."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderWithCount:
    holder: Holder
    secrets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    path: HolderPath
    holder: Holder
    secrets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps from the existing hierarchy to the wanted one. New holders already have their ids.

    Creations begin with the widest holder, extraneous holders with the narrowest.
    """

    wanted: Topology
    organization: Organization
    is_new_organization: bool
    creations: tuple[Step, ...]
    extraneous: tuple[Step, ...]
    prunes: bool

    @property
    def deletions(self) -> tuple[Step, ...]:
        """The extraneous holders if the plan prunes."""
        return self.extraneous if self.prunes else ()

    @property
    def is_empty(self) -> bool:
        """Whether the existing hierarchy is the wanted one."""
        return not (self.is_new_organization or self.creations or self.deletions)

    def ensure_deletions_allowed(self, *, with_content: bool) -> None:
        """Refuse to delete secrets without a confirmation.

        Raises:
            DeletionsNotEmpty: with the number of secrets and holders.

        """
        counts = [step.secrets for step in self.deletions if step.secrets]
        if counts and not with_content:
            raise DeletionsNotEmpty(holders=len(counts), secrets=sum(counts))

    def ensure_same_steps(self, other: "Plan") -> None:
        """Refuse this plan if another one for the same topology differs from it.

        Raises:
            PlanOutdated: if it does.

        """
        if self.fingerprint != other.fingerprint:
            raise PlanOutdated

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """A value that is equal for plans with the same steps."""
        # The ids of new objects differ from plan to plan.
        known_id = None if self.is_new_organization else self.organization.id
        return known_id, tuple(step.path for step in self.creations), self.deletions


def make_plan(
    wanted: Topology,
    *,
    organization: Organization | None,
    existing: Sequence[HolderWithCount],
    prunes: bool,
    new_id: Callable[[], str],
) -> Plan:
    """Return the steps that give an organization the wanted hierarchy; None means a new one."""
    tenant = organization or Organization(id=new_id(), name=wanted.organization)
    there = by_path(existing)
    known: dict[HolderPath, Holder] = {path: found.holder for path, found in there.items()}
    creations: list[Step] = []
    for path in wanted.paths:
        if path not in known:
            known[path] = _new_holder(path, known, tenant, new_id)
            creations.append(Step(path=path, holder=known[path]))
    return Plan(
        wanted=wanted,
        organization=tenant,
        is_new_organization=organization is None,
        creations=tuple(creations),
        extraneous=_extraneous(there, wanted.paths),
        prunes=prunes,
    )


def _new_holder(
    path: HolderPath,
    known: Mapping[HolderPath, Holder],
    tenant: Organization,
    new_id: Callable[[], str],
) -> Holder:
    kind, name = path[-1]
    return below(
        known.get(path[:-1]), kind=kind, name=name, holder_id=new_id(), organization_id=tenant.id
    )


def _extraneous(
    there: Mapping[HolderPath, HolderWithCount], wanted: Iterable[HolderPath]
) -> tuple[Step, ...]:
    kept = set(wanted)
    extra = sorted(
        (path for path in there if path not in kept), key=lambda path: (-len(path), path)
    )
    return tuple(
        Step(path=path, holder=there[path].holder, secrets=there[path].secrets) for path in extra
    )


def by_path(existing: Sequence[HolderWithCount]) -> dict[HolderPath, HolderWithCount]:
    holders = {found.holder.id: found.holder for found in existing}
    return {
        tuple(
            (holders[holder_id].kind, holders[holder_id].name)
            for holder_id in reversed(found.holder.chain_ids)
        ): found
        for found in existing
    }
