"""What a service gets and why, without values."""

from typing import Self

import strawberry
from strawberry import field

from gateway.domain.effective import EffectiveSecret as DomainEffective
from gateway.domain.effective import ExplainedReference, Explanation
from schema.context import Info
from schema.enums import SecretAbsence, SecretProvenance
from schema.fields import Key, pure_field
from schema.pages import Connection
from schema.secrets import LazyHolder, Secret, wrap_holder
from schema.targets import SecretAlias, visible_target


@strawberry.type(
    description=(
        "One key as a service sees it. It is unique by `key` within a service, and is not a node."
    )
)
class EffectiveSecret:
    key: Key
    provenance: SecretProvenance = field(description="How the service gets the key.")
    secret: Secret = field(description="The secret that wins for the key.")
    shadows: list[Secret] = field(
        description=(
            "The secrets that the winning secret hides, the nearest first; at most one per scope."
        )
    )

    @pure_field(
        description=(
            "The secret whose value is used: `secret` itself, or the target if it is an alias. "
            "Null if you cannot read that secret."
        )
    )
    def resolves_to(self, info: Info) -> SecretAlias | None:
        winner = self.secret.source
        used = visible_target(info, winner) if winner.is_alias else winner.facts
        return SecretAlias.of(used) if used else None

    @pure_field(description="The holder that the winning secret is defined at.")
    def defined_at(self) -> LazyHolder:
        return wrap_holder(self.secret.source.holder)

    @classmethod
    def of(cls, effective: DomainEffective) -> Self:
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
    key: str | None = field(
        description=(
            "The name in the braces. Null unless it is the key of a secret that you can read, "
            "because the name could be part of the value."
        )
    )
    is_resolved: bool = field(
        description="Whether the service has that key. If it does not, the reference stays as text."
    )
    resolves_to: SecretAlias | None = field(
        description=(
            "The secret that wins for the key; null if there is none, or if you cannot read it."
        )
    )

    @classmethod
    def of(cls, reference: ExplainedReference) -> Self:
        target = reference.target
        return cls(
            key=reference.key,
            is_resolved=reference.is_resolved,
            resolves_to=SecretAlias.of(target) if target else None,
        )


@strawberry.type(description="Why a service sees what it sees under a key, or why it sees nothing.")
class SecretExplanation:
    key: str = field(description="The requested key.")
    effective: EffectiveSecret | None = field(
        description=(
            "The winning secret and the ones it hides; null if the service does not see the key."
        )
    )
    absence: SecretAbsence | None = field(
        description="Why the service does not see the key; null if it does."
    )
    rule: str = field(description="The rule that decided, in words.")
    elsewhere: list[Secret] = field(
        description="Secrets with the key that the service cannot see; at most 20."
    )
    references: list[SecretReference] = field(
        description=(
            "The references in double braces in the value, resolved for the service. References "
            "into a cycle stay as text."
        )
    )

    @pure_field(
        description=(
            "The targets that the key leads to, one hop after the other. Empty if the secret is "
            "not an alias, or if you cannot read it."
        )
    )
    def alias_hops(self, info: Info) -> list[SecretAlias]:
        """Return the hops. An alias cannot be aliased, so there is at most one."""
        winner = self.effective.secret.source if self.effective else None
        hop = visible_target(info, winner) if winner and winner.is_alias else None
        return [SecretAlias.of(hop)] if hop else []

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        effective = explanation.effective
        return cls(
            key=explanation.key,
            effective=EffectiveSecret.of(effective) if effective else None,
            absence=explanation.absence,
            rule=explanation.rule,
            elsewhere=[Secret.of(secret) for secret in explanation.elsewhere],
            references=[SecretReference.of(reference) for reference in explanation.references],
        )
