"""Which aliases and overrides come back with a deleted secret, and which stay deleted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.drafts import ChangeWarning, WarningCode, warn
from gateway.domain.errors import Argument
from gateway.domain.history import FormerState
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import name_first

# Each one is checked by itself while nobody else can write: this many take less than a second.
MAX_DEPENDENTS: Final = 250


@dataclass(frozen=True, slots=True)
class Dependents:
    """What referred to a deleted secret when it was deleted, each after its target."""

    restorable: list[FormerState] = field(default_factory=list)
    # The last two include what refers to one of them.
    without_value: list[FormerState] = field(default_factory=list)
    beyond_maximum: list[FormerState] = field(default_factory=list)

    @classmethod
    def of(cls, deleted: FormerState, deleted_with_it: Sequence[FormerState]) -> "Dependents":
        """Sort what was deleted with a secret, of which other secrets are left out."""
        found = cls()
        lists = {deleted.secret_id: found.restorable}
        for state in _referring(deleted, deleted_with_it):
            chosen = lists[str(state.target_id)]
            if chosen is found.restorable:
                chosen = found._list_for(state)
            chosen.append(state)
            lists[state.secret_id] = chosen
        return found

    def _list_for(self, state: FormerState) -> list[FormerState]:
        if not state.has_value:
            return self.without_value
        return self.restorable if len(self.restorable) < MAX_DEPENDENTS else self.beyond_maximum

    def warn_of_others(
        self, secret_id: str, holders: Mapping[str, Holder], principal: Principal
    ) -> None:
        """Warn of those that stay deleted; `holders` has the holder of each, by id."""
        by_maximum = (
            f"at most {MAX_DEPENDENTS} aliases and overrides come back at once. Restore each of "
            "the others by its id."
        )
        reasons = (
            (self.without_value, "a value is no longer kept."),
            (self.beyond_maximum, by_maximum),
        )
        for states, reason in reasons:
            if states:
                message = f"Not restored: {_name(states, holders, principal)}, because {reason}"
                warn(ChangeWarning(WarningCode.NOT_RESTORED, message, secret_id, Argument.SECRET))


def _referring(
    deleted: FormerState, deleted_with_it: Sequence[FormerState]
) -> Iterator[FormerState]:
    """Yield what referred to a secret, each after its target, by scope and key."""
    ordered = sorted(deleted_with_it, key=lambda each: (each.columns["list_rank"], each.key))
    level = {deleted.secret_id}
    while level:
        further = [each for each in ordered if each.target_id in level]
        yield from further
        level = {each.secret_id for each in further}


def _name(
    states: Sequence[FormerState], holders: Mapping[str, Holder], principal: Principal
) -> str:
    at = [(state, holders[state.holder_id]) for state in states]
    seen = (
        f"{state.key} ({state.secret_id}) at {holder.kind.label} {holder.id}"
        for state, holder in at
        if principal.may(Permission.SECRET_READ, on=holder)
    )
    return name_first(seen, total=len(states))
