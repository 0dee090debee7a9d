"""Keep what one service gets within the limits of a delivery.

Few secrets always fit, so most writes cost no statement besides the count that the quota needs.
Otherwise the largest delivery at or below a holder is remembered with the number of the newest
event: each later change adds at most one secret to it. Holders are counted again only if that bound
exceeds a limit, and only those whose count does not decide are measured.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.crypto.envelope import sealed_size
from gateway.domain import delivery_sizes as limits
from gateway.domain.delivery_sizes import DeliveryLoads, Growth, HolderLoad, OverrideSize
from gateway.domain.file_paths import FilePaths
from gateway.domain.holders import Holder
from gateway.domain.interpolation import utf8_size
from gateway.domain.principals import Principal
from gateway.domain.refusals import DeliveryLimitExceeded, MountPathConflict
from gateway.domain.secrets import Secret, SecretType
from gateway.services import access
from gateway.services.context import CachedLoad, RequestScope
from gateway.storage import delivery_sizes, holders, related_secrets, secrets, values
from gateway.storage.unit_of_work import WriteUnit

# Beyond this many events, counting them costs more than counting secrets.
_MAX_EVENTS: Final = 20_000
_MAX_NAMED: Final = 20
# The bytes that sealing adds to a value.
_OVERHEAD: Final = 1_024 - sealed_size(1_024)


def growth_of_new(secret: Secret, value: str) -> Growth:
    """Return what a new secret with its own value adds."""
    size = utf8_size(value) + path_size(secret)
    if not secret.is_override or secret.target is None:
        return Growth(holder=secret.holder, keys=1, size=size, secret_id=secret.id)
    return Growth(
        holder=secret.holder,
        size=size,
        target_id=secret.target.id,
        is_override=True,
        secret_id=secret.id,
        path_size=path_size(secret),
    )


def growth_of_alias(alias: Secret, target: Secret) -> Growth:
    """Return what a new alias adds: the maximum until its target is measured."""
    return Growth(
        holder=alias.holder,
        keys=1,
        size=limits.MAX_SECRET_BYTES,
        source_id=target.id,
        path_size=path_size(target),
    )


def growth_of_edit(secret: Secret, *, before: int, value: str) -> Growth:
    """Return what a secret's next value adds; `before` is the bytes of its present value."""
    hidden_by = secret.target.id if secret.is_override and secret.target else secret.id
    size = utf8_size(value) - before
    return Growth(holder=secret.holder, size=size, target_id=hidden_by, secret_id=secret.id)


def path_size(secret: Secret) -> int:
    """Return the bytes of a secret's mount path; 0 if the secret is not a file."""
    return utf8_size(secret.mount_path_of_file or "")


def always_fit(secrets: int) -> bool:
    """Return whether this many secrets can be delivered, whatever their values."""
    fitting = limits.MAX_BYTES // limits.MAX_SECRET_BYTES
    return secrets <= min(fitting, limits.MAX_KEYS)


async def ensure_deliverable(
    scope: RequestScope,
    unit: WriteUnit,
    growth: Growth,
    *,
    counts: Mapping[str, int],
) -> None:
    """Refuse a write that would make some service's delivery exceed a limit.

    `counts` are the numbers of secrets in the holder's chain. A delivery that is already too large
    can shrink.

    Raises:
        DeliveryLimitExceeded: with the service, if the principal can see it.

    """
    holder = growth.holder
    if not growth.keys and growth.size <= 0:
        return
    if holder.kind.is_service and always_fit(sum(counts.values()) + 1):
        return
    growth = await _with_stored_sizes(unit, growth)
    known = scope.context.load_cache.find(holder.id)
    since = known.seq if known else None
    seq, changes = await delivery_sizes.changes_since(unit, holder.project_id, since)
    if known and 0 <= seq - known.seq <= _MAX_EVENTS and _has_room(known, changes, growth):
        return
    # With a margin, so that the result holds for some more writes.
    loads = await measure_loads(unit, holder, max(growth.most, limits.MAX_BYTES // 2))
    keep = partial(scope.context.load_cache.keep, holder.id, _largest(loads, holder, seq))
    if unit.reads_uncommitted:
        unit.committed.append(keep)
    else:
        keep()
    found = {*loads.with_too_many_keys(growth), *loads.with_too_many_bytes(growth)}
    named = await holders.by_ids(unit, sorted(found)[:_MAX_NAMED]) if found else {}
    seen = [holder for holder in named.values() if access.can_see(scope.principal, holder)]
    refuse(loads, growth, seen)


def refuse(loads: DeliveryLoads, growth: Growth, seen: Collection[Holder]) -> None:
    """Refuse a growth that is too large for a service. `seen` are the holders to name.

    Raises:
        DeliveryLimitExceeded: with the service, if it is one of `seen`.

    """
    if found := loads.with_too_many_keys(growth):
        raise DeliveryLimitExceeded.of_keys(limits.MAX_KEYS, _narrowest(found, seen))
    if growth.most > 0 and (found := loads.with_too_many_bytes(growth)):
        raise DeliveryLimitExceeded.of_bytes(limits.MAX_BYTES, _narrowest(found, seen))


def fit(loads: DeliveryLoads, holder: Holder, *, keys: int, size: int) -> bool:
    """Return whether every delivery at or below a holder has room for this many keys and bytes."""
    largest = _largest(loads, holder, 0)
    return largest.keys + keys <= limits.MAX_KEYS and largest.size + size <= limits.MAX_BYTES


async def measure_loads(unit: WriteUnit, holder: Holder, more: int) -> DeliveryLoads:
    """Return the loads around a holder, measured where `more` bytes could exceed the limit."""
    counted = await delivery_sizes.count(unit, holder)
    loads = DeliveryLoads(holder.project_id, {load.holder_id: load for load in counted})
    # First what many services share: if that is small, their own counts decide.
    shared = {
        holder_id
        for load in _loads_to_measure(loads, holder, more)
        for holder_id in (load.environment_id, holder.project_id)
        if holder_id
    }
    await _measure(unit, loads, shared)
    await _measure(unit, loads, {load.holder_id for load in _loads_to_measure(loads, holder, more)})
    return loads


def _loads_to_measure(loads: DeliveryLoads, holder: Holder, more: int) -> list[HolderLoad]:
    return [
        load for load in loads.at_or_below(holder) if loads.most_at(load) + more > limits.MAX_BYTES
    ]


async def _measure(unit: WriteUnit, loads: DeliveryLoads, holder_ids: Collection[str]) -> None:
    unmeasured = [
        holder_id for holder_id in sorted(holder_ids) if loads.loads[holder_id].size is None
    ]
    if not unmeasured:
        return
    sizes = dict.fromkeys(unmeasured, 0)
    for own in await delivery_sizes.own_sizes(unit, unmeasured):
        sizes[own.holder_id] = own.sealed_bytes - own.ciphertexts * _OVERHEAD + own.path_bytes
    overrides: dict[str, dict[str, OverrideSize]] = {holder_id: {} for holder_id in unmeasured}
    for each in await delivery_sizes.referrers(unit, unmeasured):
        target = sealed_size(each.target_sealed_bytes) + each.path_bytes
        if each.is_override:
            own_size = sealed_size(each.sealed_bytes) + each.path_bytes
            overrides[each.holder_id][each.target_id] = OverrideSize(own_size, target)
            sizes[each.holder_id] += each.path_bytes
        else:
            sizes[each.holder_id] += target
    for holder_id in unmeasured:
        loads.loads[holder_id] = replace(
            loads.loads[holder_id], size=sizes[holder_id], overrides=overrides[holder_id]
        )


async def _with_stored_sizes(unit: WriteUnit, growth: Growth) -> Growth:
    """Return the growth with the sizes that only the database has."""
    if growth.source_id is not None:
        return replace(growth, size=await _value_size(unit, growth.source_id) + growth.path_size)
    if growth.is_override and growth.target_id is not None:
        target_size = await _value_size(unit, growth.target_id) + growth.path_size
        return replace(growth, target_size=target_size)
    if growth.secret_id is not None and not growth.keys:
        counted = await delivery_sizes.alias_counts(unit, [growth.secret_id])
        return replace(growth, aliases=counted.get(growth.secret_id, {}))
    return growth


async def _value_size(unit: WriteUnit, secret_id: str) -> int:
    sizes = await values.find_sizes(unit, [secret_id])
    return sealed_size(sizes.get(secret_id, 0))


def _has_room(known: CachedLoad, changes: int, growth: Growth) -> bool:
    keys = known.keys + changes + growth.keys
    size = known.size + changes * limits.MAX_SECRET_BYTES + growth.most
    return keys <= limits.MAX_KEYS and size <= limits.MAX_BYTES


def _largest(loads: DeliveryLoads, holder: Holder, seq: int) -> CachedLoad:
    around = list(loads.at_or_below(holder))
    return CachedLoad(
        seq,
        keys=max(map(loads.keys_at, around)),
        size=max(map(loads.most_at, around)),
    )


def _narrowest(holder_ids: Collection[str], seen: Collection[Holder]) -> Holder | None:
    found = [holder for holder in seen if holder.id in holder_ids]
    return max(found, key=lambda holder: (holder.kind.rank, holder.name), default=None)


async def ensure_file_has_room(unit: WriteUnit, new: Secret, *, principal: Principal) -> None:
    """Refuse a new secret whose file conflicts with another file of some service.

    Raises:
        MountPathConflict: with the other file's secret, if the principal can see it.

    """
    ensure_no_conflict(await _around(unit, new), new, principal=principal)


def ensure_no_conflict(paths: FilePaths, new: Secret, *, principal: Principal) -> None:
    """Refuse a new secret as `ensure_file_has_room` does, given the files that can conflict.

    Raises:
        MountPathConflict: with the other file's secret, if the principal can see it.

    """
    if (existing := paths.conflict(new)) is not None:
        raise MountPathConflict(access.seen(principal, existing))


async def all_paths(
    unit: WriteUnit, project_id: str, new_paths: Collection[str], existing: Collection[Secret]
) -> FilePaths:
    """Return the files that can conflict with an import's rows; `existing` have the rows' keys."""
    found = await related_secrets.files_of_project(unit, project_id) if new_paths else []
    file_ids = [secret.id for secret in existing if secret.variable_type is SecretType.FILE]
    referring = await related_secrets.referring_to_files(unit, file_ids) if file_ids else []
    return FilePaths(found, referring)


async def _around(unit: WriteUnit, new: Secret) -> FilePaths:
    if new.mount_path is not None:
        return FilePaths(
            await related_secrets.files_colliding_with(unit, new.holder.project_id, new.mount_path)
        )
    if new.target is None:
        return FilePaths()
    if new.target.variable_type is SecretType.FILE:
        return FilePaths(referring=await related_secrets.referring_to_files(unit, [new.target.id]))
    # An alias of an override, which can be the override of a file.
    target = await secrets.find(unit, new.target.id) if new.target.is_override else None
    if target is None or target.target is None or target.target.mount_path is None:
        return FilePaths()
    return FilePaths(referring=await related_secrets.referring_to_files(unit, [target.target.id]))
