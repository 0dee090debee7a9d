"""Check row by row that what an import adds stays within the delivery limits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.crypto.envelope import sealed_size
from gateway.domain.delivery_loads import DeliveryLoads, Growth
from gateway.domain.drafts import SecretDraft
from gateway.domain.files import FilePaths
from gateway.domain.holders import Holder
from gateway.domain.interpolation import utf8_size
from gateway.domain.principals import Principal
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.delivery_limits import (
    always_fit,
    fit,
    growth_of_edit,
    growth_of_new,
    measure_loads,
    path_size,
    refuse,
)
from gateway.services.file_limits import all_paths, ensure_no_conflict
from gateway.storage import delivery_loads, holders, secret_batches, values
from gateway.storage.unit_of_work import WriteUnit

Aliases = Mapping[str, Mapping[str, int]]


@dataclass(slots=True)
class ImportRoom:
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


async def room_for(
    unit: WriteUnit,
    *,
    principal: Principal,
    targets: Collection[Holder],
    met: Collection[Secret],
    drafts: Sequence[SecretDraft],
) -> ImportRoom:
    """Return the room for valid rows at holders of one chain.

    `met` are the existing secrets that have the rows' keys.
    """
    widest = min(targets, key=lambda target: target.kind.rank)
    mount_paths = {draft.mount_path for draft in drafts if draft.mount_path}
    paths = await all_paths(unit, widest.project_id, mount_paths, met)
    counts = await secret_batches.counts_at(unit, widest.chain_ids)
    if widest.kind.is_service and always_fit(sum(counts.values()) + len(drafts)):
        return ImportRoom(principal, paths, {})
    ids = [secret.id for secret in met]
    aliases = await delivery_loads.alias_counts(unit, ids)
    more = _most_bytes(drafts, met, aliases)
    loads = await measure_loads(unit, widest, more)
    if fit(loads, widest, keys=len(drafts), size=more):
        return ImportRoom(principal, paths, aliases)
    boxes = await values.find_sizes(unit, ids)
    sizes = {secret_id: sealed_size(box) for secret_id, box in boxes.items()}
    found = await holders.by_ids(unit, loads.loads)
    named = {name: holder for name, holder in found.items() if access.can_see(principal, holder)}
    return ImportRoom(principal, paths, aliases, loads, sizes, named)


def _most_bytes(drafts: Sequence[SecretDraft], met: Collection[Secret], aliases: Aliases) -> int:
    """Return the maximum number of bytes that the rows add to one delivery."""
    aliased: dict[str, int] = {}
    for secret in met:
        shown = sum(aliases.get(secret.id, {}).values())
        aliased[secret.key] = max(shown, aliased.get(secret.key, 0))
    paths = {secret.key: path_size(secret) for secret in met}
    return sum(
        (utf8_size(draft.value or "") + utf8_size(draft.mount_path or "") + paths.get(draft.key, 0))
        * (1 + aliased.get(draft.key, 0))
        for draft in drafts
    )
