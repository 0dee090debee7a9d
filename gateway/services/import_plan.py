"""Plan an import: what each row does, and whether there is room for it.

Each row is decided as if the rows before it were applied. Each secret is written once, as its last
row defines it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.crypto.envelope import sealed_size
from gateway.domain.delivery_sizes import DeliveryLoads, Growth
from gateway.domain.drafts import EditDraft, OverrideDraft, SecretDraft
from gateway.domain.errors import BusinessError
from gateway.domain.file_paths import FilePaths
from gateway.domain.holders import Holder, Relation
from gateway.domain.interpolation import utf8_size
from gateway.domain.principals import Principal
from gateway.domain.refusals import ImportScopeViolation, KeyConflict
from gateway.domain.rules import (
    ensure_can_be_changed,
    ensure_can_be_overridden,
    ensure_is_content,
)
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, list_rank
from gateway.services import access
from gateway.services.aliases import new_override
from gateway.services.changes import edited_secret
from gateway.services.context import ServiceContext
from gateway.services.delivery_limits import (
    all_paths,
    always_fit,
    ensure_no_conflict,
    fit,
    growth_of_edit,
    growth_of_new,
    measure_loads,
    path_size,
    refuse,
)
from gateway.services.secrets import new_secret
from gateway.services.writing import SecretWithValue
from gateway.storage import delivery_sizes, holders, secret_batches, values
from gateway.storage.unit_of_work import WriteUnit

Aliases = Mapping[str, Mapping[str, int]]


@dataclass(slots=True)
class ImportBudget:
    """The delivery loads before the import, plus those of the rows so far.

    `loads` is None if all rows together fit every delivery.
    """

    principal: Principal
    paths: FilePaths
    aliases: Aliases
    loads: DeliveryLoads | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    named: Mapping[str, Holder] = field(default_factory=dict)

    def take_new(self, secret: Secret, value: str) -> None:
        """Take room for a new secret.

        Raises:
            DeliveryLimitExceeded: if a delivery would be too large.
            MountPathConflict: if its mount path conflicts with another file.

        """
        ensure_no_conflict(self.paths, secret, principal=self.principal)
        growth = growth_of_new(secret, value)
        if growth.is_override and growth.target_id is not None:
            target_size = self.sizes.get(growth.target_id, 0) + path_size(secret)
            growth = replace(growth, target_size=target_size)
        self._take(growth)
        self.paths.add(secret)
        self.sizes[secret.id] = utf8_size(value)

    def take_edit(self, secret: Secret, value: str) -> None:
        """Take room for a secret's next value.

        Raises:
            DeliveryLimitExceeded: if a delivery would be too large.

        """
        growth = growth_of_edit(secret, before=self.sizes.get(secret.id, 0), value=value)
        self._take(replace(growth, aliases=self.aliases.get(secret.id, {})))
        self.sizes[secret.id] = utf8_size(value)

    def _take(self, growth: Growth) -> None:
        if self.loads is not None:
            refuse(self.loads, growth, self.named.values())
            self.loads.apply(growth)


async def budget_for(
    unit: WriteUnit,
    *,
    principal: Principal,
    targets: Collection[Holder],
    existing: Collection[Secret],
    drafts: Sequence[SecretDraft],
) -> ImportBudget:
    """Return the room for valid rows at holders of one chain.

    `existing` are the secrets that have the rows' keys.
    """
    widest = min(targets, key=lambda target: target.kind.rank)
    mount_paths = {draft.mount_path for draft in drafts if draft.mount_path}
    paths = await all_paths(unit, widest.project_id, mount_paths, existing)
    counts = await secret_batches.counts_at(unit, widest.chain_ids)
    if widest.kind.is_service and always_fit(sum(counts.values()) + len(drafts)):
        return ImportBudget(principal, paths, {})
    ids = [secret.id for secret in existing]
    aliases = await delivery_sizes.alias_counts(unit, ids)
    more = _most_bytes(drafts, existing, aliases)
    loads = await measure_loads(unit, widest, more)
    if fit(loads, widest, keys=len(drafts), size=more):
        return ImportBudget(principal, paths, aliases)
    ciphertexts = await values.find_sizes(unit, ids)
    sizes = {secret_id: sealed_size(ciphertext) for secret_id, ciphertext in ciphertexts.items()}
    found = await holders.by_ids(unit, loads.loads)
    named = {name: holder for name, holder in found.items() if access.can_see(principal, holder)}
    return ImportBudget(principal, paths, aliases, loads, sizes, named)


def _most_bytes(
    drafts: Sequence[SecretDraft], existing: Collection[Secret], aliases: Aliases
) -> int:
    """Return the maximum number of bytes that the rows add to one delivery."""
    aliased: dict[str, int] = {}
    for secret in existing:
        shown = sum(aliases.get(secret.id, {}).values())
        aliased[secret.key] = max(shown, aliased.get(secret.key, 0))
    paths = {secret.key: path_size(secret) for secret in existing}
    return sum(
        (utf8_size(draft.value or "") + utf8_size(draft.mount_path or "") + paths.get(draft.key, 0))
        * (1 + aliased.get(draft.key, 0))
        for draft in drafts
    )


class ImportAction(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    OVERRIDDEN = "OVERRIDDEN"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One secret to import. Without a scope, it is imported at the holder itself."""

    draft: SecretDraft
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class ImportedRow:
    action: ImportAction
    secret: Secret | None = None
    error: BusinessError | None = None


@dataclass(slots=True)
class ImportPlan:
    """The secrets that the rows so far create and edit.

    `counts` are the numbers of secrets at the holders that the rows are for; `budget` has the other
    limits.
    """

    context: ServiceContext
    principal: Principal
    overwrite: bool
    counts: dict[str, int]
    budget: ImportBudget
    created: dict[str, SecretWithValue] = field(default_factory=dict, repr=False)
    edited: dict[str, SecretWithValue] = field(default_factory=dict, repr=False)
    _by_key: dict[str, dict[str, Secret]] = field(default_factory=dict, repr=False)

    def index(self, existing: Iterable[Secret]) -> None:
        """Add secrets whose keys rows can have."""
        for secret in existing:
            self._by_key.setdefault(secret.key, {})[secret.id] = secret

    def add(
        self, holder: Holder | None, row: ImportRow, fault: BusinessError | None
    ) -> ImportedRow:
        """Decide on the next row; `fault` is the error of the row itself, if it has one."""
        try:
            if holder is None:
                raise ImportScopeViolation(row.scope)
            if fault is not None:
                raise fault
            return self._decide(holder, row.draft)
        except BusinessError as error:
            return ImportedRow(ImportAction.FAILED, error=error)

    def _decide(self, holder: Holder, draft: SecretDraft) -> ImportedRow:
        related = _related_secrets(holder, self._by_key.get(draft.key, {}).values())
        if own := next((secret for secret in related if secret.holder.id == holder.id), None):
            return self._update(self._with_current_target(own), draft)
        if not related:
            created = self._create(new_secret(self.context, holder, draft), draft)
            return ImportedRow(ImportAction.CREATED, created)
        # The widest one with the key; an override further down refers to the same target.
        widest = self._with_current_target(min(related, key=_width))
        is_above = holder.relation_of(widest.holder) is Relation.IN_CHAIN
        if not is_above or not access.can_see(self.principal, widest):
            seen = access.seen(self.principal, widest)
            raise KeyConflict(seen, key=draft.key, holder=holder)
        ensure_is_content(widest, draft.value)
        ensure_can_be_overridden(widest, holder)
        override = new_override(self.context, holder, widest, OverrideDraft.of(draft))
        return ImportedRow(ImportAction.OVERRIDDEN, self._create(override, draft))

    def _create(self, secret: Secret, draft: SecretDraft) -> Secret:
        count = self.counts[secret.holder.id]
        self.context.quotas.ensure_room_for_secret(count)
        self.budget.take_new(secret, draft.value or "")
        self.counts[secret.holder.id] = count + 1
        self.created[secret.id] = SecretWithValue(secret, draft.value or "")
        self.index([secret])
        return secret

    def _update(self, own: Secret, draft: SecretDraft) -> ImportedRow:
        if not self.overwrite:
            return ImportedRow(ImportAction.SKIPPED, own)
        ensure_can_be_changed(own)
        ensure_is_content(own, draft.value)
        value = draft.value or ""
        edited = edited_secret(self.context, own, EditDraft.of(draft, value))
        if not own.is_alias:
            self.budget.take_edit(own, value)
        if own.id in self.created:
            self.created[own.id] = SecretWithValue(edited, value)
        else:
            # An alias has only its target's value.
            self.edited[own.id] = SecretWithValue(edited, None if own.is_alias else value)
        self.index([edited])
        return ImportedRow(ImportAction.UPDATED, edited)

    def _with_current_target(self, secret: Secret) -> Secret:
        """Return the secret with its target as changed by the rows so far."""
        target = secret.target and self._planned(secret.target.id)
        if not isinstance(target, Secret):
            return secret
        return replace(secret, target=target.facts, target_version=target.version)

    def _planned(self, secret_id: str) -> Secret | None:
        found = self.created.get(secret_id) or self.edited.get(secret_id)
        return found.secret if found else None


def _related_secrets(holder: Holder, secrets: Collection[Secret]) -> list[Secret]:
    return [secret for secret in secrets if holder.relation_of(secret.holder) is not Relation.APART]


def _width(secret: Secret) -> tuple[int, str]:
    return list_rank(secret.scope, secret.variable_type), secret.id
