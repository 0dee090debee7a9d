"""A picture of what a service sees: a column for each scope, a row for each secret, references."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretType


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
