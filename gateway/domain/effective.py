"""What a service sees: effective secrets, explanations and pictures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretFacts, SecretType


class Provenance(StrEnum):
    OWN = "OWN"
    INHERITED = "INHERITED"
    OVERRIDE = "OVERRIDE"
    ALIAS = "ALIAS"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSecret:
    """One key as a service sees it: the winner and the secrets it hides, the nearest first."""

    service: Holder
    winner: Secret
    shadows: tuple[Secret, ...]

    @property
    def provenance(self) -> Provenance:
        if self.winner.is_alias:
            return Provenance.ALIAS
        if self.winner.is_override:
            return Provenance.OVERRIDE
        is_own = self.winner.holder.id == self.service.id and not self.winner.is_built_in
        return Provenance.OWN if is_own else Provenance.INHERITED

    @property
    def resolves_to(self) -> SecretFacts:
        """The secret whose value is used: an alias's target by id, otherwise the winner.

        An override of the target's key on a lower holder does not affect the alias.
        """
        target = self.winner.target if self.winner.is_alias else None
        return target or self.winner.facts


class Absence(StrEnum):
    NEVER_DEFINED = "NEVER_DEFINED"
    ON_A_SIBLING = "ON_A_SIBLING"
    IN_ANOTHER_ENVIRONMENT = "IN_ANOTHER_ENVIRONMENT"
    IN_ANOTHER_PROJECT = "IN_ANOTHER_PROJECT"


@dataclass(frozen=True, slots=True)
class ExplainedReference:
    """A reference in a value. The key is None unless a secret visible to the principal has it.

    `target` is the winner for the key at the service; None if there is none or it is not visible.
    """

    key: str | None
    target: SecretFacts | None
    is_resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    service: Holder
    key: str
    effective: EffectiveSecret | None
    elsewhere: tuple[Secret, ...]
    references: tuple[ExplainedReference, ...] = ()

    @property
    def absence(self) -> Absence | None:
        """Why the service does not see the key, by the nearest holder with it; None if it does."""
        if self.effective is not None:
            return None
        return min(
            (_distance(self.service, secret.holder) for secret in self.elsewhere),
            key=list(Absence)[1:].index,
            default=Absence.NEVER_DEFINED,
        )

    @property
    def rule(self) -> str:
        if self.effective is None:
            return _ABSENT[self.absence or Absence.NEVER_DEFINED]
        nearest = (
            "It is the only secret in the chain with this key."
            if not self.effective.shadows
            else "The nearest one wins: service over environment over project over built-in."
        )
        return f"{nearest} {_PRESENT[self.effective.provenance]}"


_PRESENT = {
    Provenance.OWN: "It is defined on the service itself.",
    Provenance.INHERITED: "It is defined on a wider scope, which the service inherits.",
    Provenance.OVERRIDE: (
        "It is an override: it gives its target's key another value on this holder and below."
    ),
    Provenance.ALIAS: (
        "It is an alias: it has its target's value, by id, even if an override has that key."
    ),
}
_ABSENT = {
    Absence.NEVER_DEFINED: "No secret that you can see has this key.",
    Absence.ON_A_SIBLING: (
        "The key is defined on another service of the environment. Services do not see each "
        "other's secrets. Define it on the environment to share it."
    ),
    Absence.IN_ANOTHER_ENVIRONMENT: (
        "The key is defined in another environment of the project. Environments do not see each "
        "other's secrets. Define it on the project to share it."
    ),
    Absence.IN_ANOTHER_PROJECT: (
        "The key is defined in another project. Projects share no secrets."
    ),
}


def _distance(service: Holder, other: Holder) -> Absence:
    if other.environment_id is not None and other.environment_id == service.environment_id:
        return Absence.ON_A_SIBLING
    if other.project_id == service.project_id:
        return Absence.IN_ANOTHER_ENVIRONMENT
    return Absence.IN_ANOTHER_PROJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """One secret in the picture, and the secret that hides it from the service, if any.

    `secret.target` is None if the principal cannot see it.
    """

    secret: Secret
    hidden_by: Secret | None = None

    @property
    def is_winner(self) -> bool:
        return self.hidden_by is None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureColumn:
    """The rows of one scope, by key. Built-in secrets share no holder, so theirs is None."""

    scope: Scope
    holder: Holder | None
    rows: tuple[PictureRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference from an ALIAS or OVERRIDE to its target. Both are in the picture."""

    kind: SecretType
    source_id: str
    target_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a service sees, the widest scope first."""

    service: Holder
    columns: tuple[PictureColumn, ...]
    # True if some secrets do not fit into the picture.
    is_cut: bool = False

    @classmethod
    def of(cls, chain: Iterable[Holder], secrets: Iterable[Secret], *, is_cut: bool) -> Self:
        """Return the picture of a chain, which ends in its service.

        `secrets` are those visible there, sorted by key, for one key the nearest first.
        """
        holders = tuple(chain)
        rows = tuple(_rows(secrets))
        columns = ((Scope.BUILT_IN, None), *((holder.kind, holder) for holder in holders))
        return cls(
            service=holders[-1],
            columns=tuple(
                PictureColumn(
                    scope=scope,
                    holder=holder,
                    rows=tuple(row for row in rows if row.secret.scope is scope),
                )
                for scope, holder in columns
            ),
            is_cut=is_cut,
        )

    @property
    def rows(self) -> tuple[PictureRow, ...]:
        return tuple(row for column in self.columns for row in column.rows)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references whose source and target are in the picture."""
        secrets: Mapping[str, Secret] = {row.secret.id: row.secret for row in self.rows}
        return tuple(
            Reference(kind=secret.variable_type, source_id=secret.id, target_id=secret.target.id)
            for secret in secrets.values()
            if secret.target is not None and secret.target.id in secrets
        )


def _rows(secrets: Iterable[Secret]) -> Iterable[PictureRow]:
    nearest: Secret | None = None
    for secret in secrets:
        if nearest is None or nearest.key != secret.key:
            nearest = secret
            yield PictureRow(secret=secret)
        else:
            yield PictureRow(secret=secret, hidden_by=nearest)


def without_target(secret: Secret) -> Secret:
    """Return the secret without its target, for a principal who cannot see the target."""
    return replace(secret, target=None, target_holder_id=None)
