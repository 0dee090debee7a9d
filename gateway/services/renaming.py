"""Warn of references that a change breaks, and update references after a rename."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.domain.content import MAX_VALUE_BYTES
from gateway.domain.drafts import ChangeWarning, WarningCode, are_warnings_wanted, warn
from gateway.domain.errors import Argument
from gateway.domain.holders import Holder
from gateway.domain.interpolation import utf8_size, with_renamed
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.reference_graph import Chain, Graph, Name
from gateway.domain.refusals import ReferencesNotUpdated, named_secrets
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import RequestScope, ServiceContext
from gateway.services.references import graph_of
from gateway.services.writing import identity_of, update_with_value
from gateway.storage import holders, references, related_secrets, secrets, values
from gateway.storage.unit_of_work import ReadUnit, WriteUnit


@dataclass(frozen=True, slots=True)
class Mentions:
    """The secrets whose values refer to one key, and the graph that resolves it."""

    key: str
    name: Name = field(repr=False)
    referrers: Mapping[str, Secret]
    graph: Graph

    def broken_by(self, gone: Collection[str], chains: Iterable[Chain]) -> Sequence[Secret]:
        """Return the referrers whose reference no longer resolves once some secrets are gone."""
        after = self.graph.without(gone)
        found: set[str] = set()
        for chain in chains:
            view, left = self.graph.view(chain), after.view(chain)
            if self.name in view.winners and self.name not in left.winners:
                found |= {source.id for source in left.sources.values()}
        return [referrer for referrer in self.referrers.values() if referrer.id in found]

    def resolutions(self, referrer: Secret, chains: Iterable[Chain]) -> set[str | None]:
        """Return the ids that a secret's reference resolves to where the secret is delivered."""
        found: set[str | None] = set()
        for chain in chains:
            view = self.graph.view(chain)
            if any(source.id == referrer.id for source in view.sources.values()):
                winner = view.winners.get(self.name)
                found.add(winner.id if winner else None)
        return found


async def mentions_of(
    context: ServiceContext, unit: ReadUnit, holder: Holder, key: str
) -> Mentions | None:
    """Return the references to a key in a holder's chain and below it; None if there are none."""
    name = context.vault.name_hashes([key], project_id=holder.project_id)[key]
    found = await references.mentioning(unit, holder, name)
    if not found:
        return None
    referrers = await secrets.by_ids(unit, [item.secret_id for item in found])
    aliases = await related_secrets.alias_keys_of(unit, referrers)
    keys = {key, *aliases, *(referrer.key for referrer in referrers.values())}
    around = await related_secrets.with_keys(unit, holder, keys)
    names = {item.secret_id: item.names for item in found}
    graph = await graph_of(context, unit, holder, around, names)
    return Mentions(key, name, referrers, graph)


async def warn_of_broken(
    scope: RequestScope,
    unit: WriteUnit,
    secret: Secret,
    gone: Mapping[str, str],
    *,
    argument: Argument,
) -> None:
    """Warn of the references that a change leaves unresolved, before the change is written.

    `gone` maps the ids of secrets to the keys that they lose.
    """
    if not are_warnings_wanted():
        return
    for key in sorted(set(gone.values())):
        mentions = await mentions_of(scope.context, unit, secret.holder, key)
        if mentions is None:
            continue
        chains = [chain for _, chain in await holders.chains_below(unit, secret.holder)]
        broken = mentions.broken_by(gone, chains)
        if left := [referrer for referrer in broken if referrer.id not in gone]:
            message = f"{_name(left, scope.principal)} {{{{{key}}}}}, which no longer resolves."
            warn(ChangeWarning(WarningCode.REFERENCE_BROKEN, message, secret.id, argument))


def _name(referrers: Sequence[Secret], principal: Principal) -> str:
    seen = [referrer for referrer in referrers if access.can_see(principal, referrer)]
    verb = "refers to" if len(referrers) == 1 else "refer to"
    return f"{named_secrets(seen, total=len(referrers))} {verb}"


@dataclass(frozen=True, slots=True)
class ReferenceUpdate:
    former: str
    referrers: Sequence[Secret]

    async def write(self, scope: RequestScope, unit: WriteUnit, renamed: Secret) -> None:
        """Rewrite the values after the secret has its new key.

        Raises:
            ReferencesNotUpdated: if a value would be too long.

        """
        # The rename itself can have changed some of them: the overrides of the secret.
        current = await secrets.by_ids(unit, [referrer.id for referrer in self.referrers])
        too_long = [
            secret
            for secret in current.values()
            if not await _rewrite(scope, unit, secret, self.former, renamed)
        ]
        if too_long:
            raise ReferencesNotUpdated(too_long, 0)


async def plan_update(scope: RequestScope, unit: ReadUnit, secret: Secret) -> ReferenceUpdate:
    """Find the values that refer to a secret and must be updated after its rename.

    Raises:
        ReferencesNotUpdated: if the principal cannot write one of them, or one of them refers to
            another secret for some service.

    """
    project = (await holders.by_ids(unit, [secret.holder.project_id]))[secret.holder.project_id]
    mentions = await mentions_of(scope.context, unit, project, secret.key)
    if mentions is None:
        return ReferenceUpdate(secret.key, ())
    family = {secret.id, *await related_secrets.override_ids(unit, secret.id)}
    following, refused = list[Secret](), list[Secret]()
    for referrer in mentions.referrers.values():
        if referrer.id == secret.id:
            continue
        resolved = mentions.resolutions(referrer, await _chains(unit, referrer.holder))
        if not resolved & family:
            continue
        can_follow = resolved <= family and _can_write(scope.principal, referrer)
        (following if can_follow else refused).append(referrer)
    if refused:
        seen = [secret for secret in refused if access.can_see(scope.principal, secret)]
        raise ReferencesNotUpdated(seen, len(refused) - len(seen))
    return ReferenceUpdate(secret.key, following)


async def _chains(unit: ReadUnit, holder: Holder) -> Sequence[Chain]:
    below = await holders.chains_below(unit, holder)
    services = [chain for kind, chain in below if kind.is_service]
    return services or [chain for _, chain in below]


def _can_write(principal: Principal, secret: Secret) -> bool:
    return not secret.is_provided and principal.may(Permission.SECRET_WRITE, on=secret.holder)


async def _rewrite(
    scope: RequestScope, unit: WriteUnit, secret: Secret, former: str, target: Secret
) -> bool:
    stored = await values.find_value(unit, secret.id)
    if stored is None:
        return True
    text = await scope.context.vault.open(unit, stored[0], identity_of(secret, stored[1]))
    renamed = with_renamed(text, former, target.key)
    if utf8_size(renamed) > MAX_VALUE_BYTES:
        return False
    # The rename is one change, so all its secrets change at one time.
    at = secret.next_time(target.updated_at)
    edited = replace(secret, version=secret.version + 1, updated_at=at)
    await update_with_value(scope, unit, edited, renamed)
    return True
