"""What a service gets, and why. Still without a value."""

from typing import Self

import strawberry

from gateway.domain.effective import EffectiveSecret as DomainEffective
from gateway.domain.effective import ExplainedReference, Explanation
from schema.context import Info
from schema.cycles import LazyHolder, wrapped_holder
from schema.enums import SecretAbsence, SecretProvenance
from schema.pages import Connection
from schema.secrets import Secret, SecretAlias, seen_target


@strawberry.type(
    description="One key as a service sees it. Unique by `key` within a service; not a node."
)
class EffectiveSecret:
    key: str
    provenance: SecretProvenance
    secret: Secret = strawberry.field(description="The secret which wins for the key.")
    shadows: list[Secret] = strawberry.field(
        description="What the winning secret hides, the nearest first; at most one a scope."
    )

    @strawberry.field(
        description=(
            "The secret whose value is used: `secret` itself, or what it is an alias of. Null "
            "where the viewer may not read that."
        )
    )
    def resolves_to(self, info: Info) -> SecretAlias | None:
        """Tell the secret whose value is used."""
        winner = self.secret.source
        used = seen_target(info, winner) if winner.is_alias else winner.facts
        return SecretAlias.of(used) if used else None

    @strawberry.field(description="Where the winning secret is defined.")
    def defined_at(self) -> LazyHolder:
        """Wrap the holder, which came with the secret."""
        return wrapped_holder(self.secret.source.holder)

    @classmethod
    def of(cls, effective: DomainEffective) -> Self:
        """Tell one entry."""
        winner = Secret.of(effective.winner)
        return cls(
            key=effective.winner.key,
            provenance=effective.provenance,
            secret=winner,
            shadows=[Secret.of(shadow) for shadow in effective.shadows],
        )


@strawberry.type(description="A page of what a service gets.")
class EffectiveSecretConnection(Connection[EffectiveSecret]):
    """A page of a list."""


@strawberry.type(description="A reference in a value, as a service resolves it.")
class SecretReference:
    key: str | None = strawberry.field(
        description=(
            "The name in the braces. Null unless it is the key of a secret that the viewer may "
            "read: it may be part of the value."
        )
    )
    is_resolved: bool = strawberry.field(
        description="Whether the service has that key. If not, the reference stays text."
    )
    resolves_to: SecretAlias | None = strawberry.field(
        description="The secret that wins for the key; null if none does, or it is out of sight."
    )

    @classmethod
    def of(cls, reference: ExplainedReference) -> Self:
        """Show one reference."""
        target = reference.target
        return cls(
            key=reference.key,
            is_resolved=reference.is_resolved,
            resolves_to=SecretAlias.of(target) if target else None,
        )


@strawberry.type(description="Why a service sees what it sees under a key, or why nothing.")
class SecretExplanation:
    key: str
    effective: EffectiveSecret | None = strawberry.field(
        description="The winner and the losers; null where the service does not see the key."
    )
    absence: SecretAbsence | None = strawberry.field(
        description="Why the service does not see the key; null where it does."
    )
    rule: str = strawberry.field(description="The rule that decided, in words.")
    elsewhere: list[Secret] = strawberry.field(
        description="Secrets with the key which the service cannot see; at most 20."
    )
    references: list[SecretReference] = strawberry.field(
        description=(
            "What the value refers to in double braces, resolved for the service. References into "
            "a cycle stay text."
        )
    )

    @strawberry.field(
        description=(
            "What the key leads to, one hop after the other; empty if it is no alias, or of what "
            "the viewer may not read."
        )
    )
    def alias_hops(self, info: Info) -> list[SecretAlias]:
        """Tell the hops: an alias cannot be aliased, so one is all there can be."""
        winner = self.effective.secret.source if self.effective else None
        hop = seen_target(info, winner) if winner and winner.is_alias else None
        return [SecretAlias.of(hop)] if hop else []

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """Tell an explanation."""
        effective = explanation.effective
        return cls(
            key=explanation.key,
            effective=EffectiveSecret.of(effective) if effective else None,
            absence=explanation.absence,
            rule=explanation.rule,
            elsewhere=[Secret.of(secret) for secret in explanation.elsewhere],
            references=[SecretReference.of(reference) for reference in explanation.references],
        )
