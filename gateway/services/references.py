"""Store the references in values, and follow them when a secret changes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from gateway.crypto.envelope import sealed_size
from gateway.domain.change_feed import SecretChange
from gateway.domain.content import NeverStored
from gateway.domain.drafts import ChangeWarning, WarningCode, are_warnings_wanted, warn
from gateway.domain.errors import Argument
from gateway.domain.holders import Holder
from gateway.domain.interpolation import read_references
from gateway.domain.reference_graph import Graph, Name, graphs_before, node_of
from gateway.domain.secrets import Secret
from gateway.services.context import ServiceContext
from gateway.storage import holders, references, related_secrets, secrets
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.values import ValueState


@dataclass(frozen=True, slots=True)
class Written(NeverStored):
    """A value in plaintext as it is written; `former` is the state of the value before."""

    secret: Secret
    value: str = field(repr=False)
    version: int
    former: ValueState | None = None


async def store_references(
    context: ServiceContext, unit: WriteUnit, written: Sequence[Written]
) -> None:
    """Store the references in values, in the transaction that writes the values.

    Once the rest of the change is written, warn of a reference to a name that no secret in the
    holder's chain or below it has. Also warn of a value that became empty.
    """
    stale = [each.secret.id for each in written if each.former and each.former.has_references]
    if stale:
        await references.remove(unit, stale)
    added = list[references.ValueReferences]()
    for each in written:
        if not each.value and each.former and sealed_size(each.former.size):
            _warn_of_emptied(each.secret)
        if names := read_references(each.value).names:
            project_id = each.secret.holder.project_id
            hashes = context.vault.hash_names(names, project_id=project_id)
            added.append(
                references.ValueReferences(each.secret.id, project_id, each.version, hashes)
            )
            if are_warnings_wanted():
                unit.at_end.append(partial(_warn_of_unknown, unit, each.secret, tuple(names)))
    await references.add(unit, added)


def _warn_of_emptied(secret: Secret) -> None:
    warn(
        ChangeWarning(
            WarningCode.VALUE_EMPTIED,
            "The value was not empty before and is empty now. Leave `value` out to keep a value.",
            secret.id,
            Argument.VALUE,
        )
    )


async def _warn_of_unknown(unit: ReadUnit, secret: Secret, names: Collection[str]) -> None:
    unknown = len(names) - len(await related_secrets.known_keys(unit, secret.holder, names))
    if unknown:
        # A name in braces can be part of a secret value, so it is counted and never shown.
        what = "1 name" if unknown == 1 else f"{unknown} names"
        warn(
            ChangeWarning(
                WarningCode.REFERENCE_UNKNOWN,
                f"The value refers to {what} that no secret in the holder's chain or below it "
                "has. Such a reference is delivered unchanged.",
                secret.id,
                Argument.VALUE,
            )
        )


@dataclass(frozen=True, slots=True)
class ReferenceImpact:
    """The references around one secret; `graph` is None if no value refers to it."""

    secret: Secret
    dependent_ids: Sequence[str]
    graph: Graph | None

    def service_ids(self, chains: Iterable[tuple[str, ...]], *, of_deletion: bool) -> set[str]:
        """Return the ids of the services whose delivery changes, given their chains."""
        if self.graph is None:
            return set()
        after = self._delete(self.graph) if of_deletion else self._edit(self.graph)
        return {chain[0] for chain in chains if self.graph.changed_names(after, chain)}

    def secret_ids(self, chains: Iterable[tuple[str, ...]]) -> set[str]:
        """Return the ids of the other secrets whose delivered value an edit or deletion changes."""
        found: set[str] = set()
        if self.graph is None:
            return found
        edited, deleted = self._edit(self.graph), self._delete(self.graph)
        for chain in chains:
            changed = self.graph.changed_names(edited, chain) | self.graph.changed_names(
                deleted, chain
            )
            winners = self.graph.view(chain).winners
            found |= {winners[name].id for name in changed if name in winners}
        return found - {self.secret.id}

    def _delete(self, graph: Graph) -> Graph:
        return graph.without([self.secret.id, *self.dependent_ids])

    def _edit(self, graph: Graph) -> Graph:
        node = graph.nodes[self.secret.id]
        source = graph.nodes.get(node.target_id or node.id, node)
        # After an edit, an alias has its own value. It is still a file if its target is one.
        return graph.with_nodes(replace(node, target_id=None, path=source.path).with_new_text())


async def find_impact(context: ServiceContext, unit: ReadUnit, secret: Secret) -> ReferenceImpact:
    if not await references.has_any(unit, secret.holder.project_id):
        return ReferenceImpact(secret, (), None)
    dependents = await related_secrets.dependent_keys(unit, secret.id)
    keys = {secret.key, *dependents.values()}
    graph = await load_graph(context, unit, secret.holder, keys)
    return ReferenceImpact(secret, tuple(dependents), graph)


async def services_reached(
    context: ServiceContext, unit: ReadUnit, secret: Secret, *, of_deletion: bool
) -> set[str]:
    """Return the ids of services whose delivery changes; empty if no value refers to the secret."""
    found = await find_impact(context, unit, secret)
    if found.graph is None:
        return set()
    below = await holders.chains_below(unit, secret.holder)
    chains = [chain for kind, chain in below if kind.is_service]
    return found.service_ids(chains, of_deletion=of_deletion)


async def secrets_reached(context: ServiceContext, unit: ReadUnit, secret: Secret) -> set[str]:
    """Return the ids of the secrets whose delivered value depends on a secret through references.

    Holders without a service below them count too: a secret depends on another one before the
    first service is created.
    """
    found = await find_impact(context, unit, secret)
    if found.graph is None:
        return set()
    return found.secret_ids(chain for _, chain in await holders.chains_below(unit, secret.holder))


async def keys_reached(
    context: ServiceContext,
    unit: ReadUnit,
    service: Holder,
    change: SecretChange,
    own: Collection[str],
) -> Sequence[str]:
    """Return the keys whose delivered value a change alters for a service, without those in `own`.

    The references in the secret's former value are no longer known. If they decide, both
    possibilities count: see `graphs_before`.
    """
    if not change.affects_references:
        return ()
    now = await load_graph(context, unit, service, own)
    if now is None:
        return ()
    hashes = context.vault.name_hashes(own, project_id=service.project_id)
    changed: set[Name] = set()
    for before in graphs_before(now, change, hashes, service.chain_ids):
        changed |= before.changed_names(now, service.chain_ids)
    keys = {node.key for node in now.nodes.values() if node.name in changed}
    return sorted(keys - set(own))


async def load_graph(
    context: ServiceContext, unit: ReadUnit, holder: Holder, keys: Collection[str]
) -> Graph | None:
    """Return the graph of what changed keys affect in a holder's chain and below it.

    None if no value refers to one of them.

    Raises:
        TooManyReferences: if there are more references than can be followed.

    """
    referring = await _referring_keys(unit, holder)
    if not referring:
        return None
    named = {*keys, *(key for _, key in referring)}
    hashes = context.vault.name_hashes(named, project_id=holder.project_id)
    known = set(hashes.values())
    around = await references.around(unit, holder, known)
    names = {value.secret_id: value.names for value in around}
    edges: dict[Name, set[Name]] = {}
    for secret_id, key in referring:
        edges.setdefault(hashes[key], set()).update(names.get(secret_id, ()))
    changed = {hashes[key] for key in keys}
    reached = _closure(changed, _reverse(edges))
    if reached == changed and not any(edges.get(name, set()) & changed for name in changed):
        return None
    relevant = _closure(reached, edges)
    relevant_keys = {key for key, name in hashes.items() if name in relevant}
    found = await related_secrets.with_keys(unit, holder, relevant_keys)
    return await graph_of(context, unit, holder, found, names)


async def graph_of(
    context: ServiceContext,
    unit: ReadUnit,
    holder: Holder,
    found: Sequence[Secret],
    names: Mapping[str, frozenset[Name]],
) -> Graph:
    """Return the graph of secrets and of aliases' targets, linked by the names in their values."""
    nodes = [*found, *await _missing_targets(unit, found)]
    keys = {secret.key for secret in nodes}
    hashes = context.vault.name_hashes(keys, project_id=holder.project_id)
    return Graph.of(
        node_of(secret, hashes[secret.key], names.get(secret.id, frozenset())) for secret in nodes
    )


async def _referring_keys(unit: ReadUnit, holder: Holder) -> Sequence[tuple[str, str]]:
    # The entries of one list need the same keys. A transaction's writes change them.
    if isinstance(unit, WriteUnit):
        return await references.referring_keys(unit, holder)
    known = ("referring keys", holder.id)
    if known not in unit.derived:
        unit.derived[known] = await references.referring_keys(unit, holder)
    found: Sequence[tuple[str, str]] = unit.derived[known]
    return found


async def _missing_targets(unit: ReadUnit, found: Iterable[Secret]) -> Sequence[Secret]:
    there = {secret.id for secret in found}
    targets = {secret.target.id for secret in found if secret.is_alias and secret.target}
    missing = targets - there
    return list((await secrets.by_ids(unit, missing)).values()) if missing else []


def _closure(start: Collection[Name], edges: Mapping[Name, Collection[Name]]) -> set[Name]:
    found, left = set(start), list(start)
    while left:
        further = set(edges.get(left.pop(), ())) - found
        found |= further
        left += further
    return found


def _reverse(edges: Mapping[Name, Collection[Name]]) -> Mapping[Name, Collection[Name]]:
    turned: dict[Name, set[Name]] = {}
    for name, referred in edges.items():
        for other in referred:
            turned.setdefault(other, set()).add(name)
    return turned
