"""The steps that creating any kind of secret shares."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.crypto.envelope import sealed_size
from gateway.domain.content import NeverStored, ValueIdentity
from gateway.domain.delivery_sizes import Growth
from gateway.domain.drafts import Draft
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.principals import Principal
from gateway.domain.refusals import KeyConflict
from gateway.domain.rules import ensure_target_in_reach
from gateway.domain.scopes import Scope
from gateway.domain.secrets import (
    DEFAULT_OWNER,
    Secret,
    SecretFacts,
    SecretType,
    ServiceReference,
    service_at,
)
from gateway.services import access
from gateway.services.context import RequestScope, ServiceContext
from gateway.services.delivery_limits import (
    ensure_deliverable,
    ensure_file_has_room,
    growth_of_edit,
    growth_of_new,
)
from gateway.services.references import Written, store_references
from gateway.storage import secret_batches, secrets, values
from gateway.storage.secret_batches import VersionedSecret
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.values import StoredValue, ValueState

FIRST_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SecretWithValue(NeverStored):
    """A secret to store, and its value; None keeps the stored value."""

    secret: Secret
    value: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """The fields of a new secret that depend on its type."""

    variable_type: SecretType
    key: str
    mount_path: str | None = None
    target: SecretFacts | None = None
    target_holder_id: str | None = None
    target_version: int | None = None
    source: ServiceReference | None = None
    owned_by: str = DEFAULT_OWNER

    @property
    def is_built_in(self) -> bool:
        """Whether the platform creates it."""
        return self.variable_type is SecretType.BUILT_IN


def build_secret(context: ServiceContext, holder: Holder, draft: Draft, spec: SecretSpec) -> Secret:
    """Return a new secret that is not stored yet. Its scope is the holder's, or BUILT_IN.

    Raises:
        DeniedKey: if the operator denies the key there.

    """
    ensure_key_is_allowed(context, holder, spec.key)
    now = context.now()
    return Secret(
        id=context.new_id(),
        key=spec.key,
        mount_path=spec.mount_path,
        scope=Scope.BUILT_IN if spec.is_built_in else holder.kind,
        variable_type=spec.variable_type,
        **draft.description_fields(),
        holder=holder,
        service=spec.source or service_at(holder),
        target=spec.target,
        target_holder_id=spec.target_holder_id,
        target_version=spec.target_version,
        owned_by=spec.owned_by,
        version=FIRST_VERSION,
        created_at=now,
        updated_at=now,
    )


def ensure_key_is_allowed(context: ServiceContext, holder: Holder, key: str) -> None:
    """Refuse a key that the operator denies in the holder's organization.

    Raises:
        DeniedKey: with the key.

    """
    context.denied_keys.ensure_allowed(key, organization_id=holder.organization_id)


async def resolve_target(
    unit: ReadUnit, target_id: str, holder: Holder, *, principal: Principal
) -> Secret:
    """Return the target of a new alias or override at the holder.

    Raises:
        SecretNotFound: if it is not in the holder's chain, or the principal cannot see it.
        ScopeViolation: if it is a secret of a holder below.

    """
    found = await secrets.find(unit, target_id) if is_canonical_id(target_id) else None
    seen = access.seen(principal, found) if found else None
    return ensure_target_in_reach(seen, target_id, holder)


async def ensure_key_is_free(
    unit: ReadUnit, holder: Holder, key: str, *, principal: Principal
) -> None:
    """Refuse a key that is taken in the holder's chain or below it.

    Raises:
        KeyConflict: with the secret that has the key, if the principal can see it.

    """
    # A key that is free needs room next.
    secret_batches.read_counts_ahead(unit, holder.chain_ids)
    if existing := await secrets.find_with_key(unit, holder, key):
        raise KeyConflict(access.seen(principal, existing), key=key, holder=holder)


async def ensure_room(scope: RequestScope, unit: WriteUnit, secret: Secret, growth: Growth) -> None:
    """Refuse a new secret that exceeds its holder's quota or a delivery limit.

    Raises:
        QuotaExceeded: if the holder has its maximum number of secrets.
        DeliveryLimitExceeded: if a delivery would be too large.
        MountPathConflict: if its mount path conflicts with another file.

    """
    counts = await secret_batches.counts_at(unit, secret.holder.chain_ids)
    scope.context.quotas.ensure_room_for_secret(counts[secret.holder.id])
    await ensure_file_has_room(unit, secret, principal=scope.principal)
    await ensure_deliverable(scope, unit, growth, counts=counts)


async def add_with_value(
    scope: RequestScope,
    unit: WriteUnit,
    secret: Secret,
    value: str,
    *,
    value_version: int = FIRST_VERSION,
) -> None:
    """Store a new secret and its value, sealed for this secret; errors as in `ensure_room`."""
    await ensure_room(scope, unit, secret, growth_of_new(secret, value))
    await secrets.add(unit, secret, value_version=value_version)
    sealed = await scope.context.vault.seal(unit, value, identity_of(secret, value_version))
    await values.add_value(unit, secret.id, sealed, value_version=value_version)
    await store_references(scope.context, unit, [Written(secret, value, value_version)])


async def add_all_with_values(
    context: ServiceContext, unit: WriteUnit, added: Collection[SecretWithValue]
) -> None:
    """Store new secrets of one project and their values, as `add_with_value` does one.

    The caller must have checked that there is room.
    """
    sealed = await _seal_all(context, unit, [(each, FIRST_VERSION) for each in added])
    stored = [VersionedSecret(each.secret, FIRST_VERSION) for each in added]
    await secret_batches.add_secrets(unit, stored)
    await secret_batches.add_values(unit, sealed)
    await store_references(
        context, unit, [Written(each.secret, each.value or "", FIRST_VERSION) for each in added]
    )


async def update_all_with_values(
    context: ServiceContext, unit: WriteUnit, edited: Collection[SecretWithValue]
) -> None:
    """Store edited secrets of one project, and their new values if they have one."""
    valued = [each for each in edited if each.value is not None]
    states = await values.find_states(unit, [each.secret.id for each in valued])
    versions = {each.secret.id: _next_version(states.get(each.secret.id)) for each in valued}
    numbered = [(each, versions[each.secret.id]) for each in valued]
    await secret_batches.replace_values(unit, await _seal_all(context, unit, numbered))
    await secret_batches.update_secrets(
        unit, [VersionedSecret(each.secret, versions.get(each.secret.id)) for each in edited]
    )
    written = [
        Written(each.secret, each.value or "", version, states.get(each.secret.id))
        for each, version in numbered
    ]
    await store_references(context, unit, written)


def _next_version(state: ValueState | None) -> int:
    return state.version + 1 if state else FIRST_VERSION


async def _seal_all(
    context: ServiceContext, unit: WriteUnit, numbered: Sequence[tuple[SecretWithValue, int]]
) -> Sequence[StoredValue]:
    if not numbered:
        return []
    identities = [identity_of(each.secret, version) for each, version in numbered]
    plaintexts = [
        (each.value or "", identity)
        for (each, _), identity in zip(numbered, identities, strict=True)
    ]
    sealed = await context.vault.seal_all(unit, identities[0].project_id, plaintexts)
    return list(map(StoredValue, sealed, identities))


async def _ensure_growth_has_room(scope: RequestScope, unit: WriteUnit, growth: Growth) -> None:
    if growth.size > 0:
        counts = await secret_batches.counts_at(unit, growth.holder.chain_ids)
        await ensure_deliverable(scope, unit, growth, counts=counts)


async def update_with_value(
    scope: RequestScope, unit: WriteUnit, secret: Secret, value: str
) -> None:
    """Store an edited secret, and replace its value by the newly sealed one.

    Raises:
        DeliveryLimitExceeded: if a delivery would be too large.

    """
    state = (await values.find_states(unit, [secret.id])).get(secret.id)
    before = sealed_size(state.size) if state else 0
    growth = growth_of_edit(secret, before=before, value=value)
    await _ensure_growth_has_room(scope, unit, growth)
    version = _next_version(state)
    sealed = await scope.context.vault.seal(unit, value, identity_of(secret, version))
    await values.replace_value(unit, secret.id, sealed, value_version=version)
    await secrets.update_facts(unit, secret, value_version=version)
    await store_references(scope.context, unit, [Written(secret, value, version, state)])


def identity_of(secret: Secret, value_version: int) -> ValueIdentity:
    """Return the identity for which the secret's value is sealed."""
    return ValueIdentity(
        organization_id=secret.holder.organization_id,
        project_id=secret.holder.project_id,
        secret_id=secret.id,
        value_version=value_version,
    )
