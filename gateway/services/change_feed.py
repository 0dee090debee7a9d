"""News of secrets, for those who watch: what has changed, each time as they may see it then.

Reading on from a cursor and waiting for what comes are one thing: each round looks into the log
from where the last one ended, and waits only where there is nothing. So nothing is left out between
the two, and nothing is told twice.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from gateway.domain.change_feed import ChangeKind, CursorExpired, FeedCursor, SecretChange
from gateway.domain.drafts import HolderReference
from gateway.domain.effective import EffectiveSecret
from gateway.domain.holders import Holder
from gateway.domain.pages import MAX_PAGE_SIZE
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.reference_graph import TooManyReferences
from gateway.domain.refusals import HolderNotFound
from gateway.services import access
from gateway.services.change_notifier import ChangeNotifier, ChangeSubscription
from gateway.services.context import ServiceContext
from gateway.services.cursors import Cursors
from gateway.services.effective import effective_with_keys
from gateway.services.references import keys_reached
from gateway.storage import change_feed, holders, secrets
from gateway.storage.unit_of_work import ReadUnit


class Turns(Protocol):
    """How a listener comes to look: at a view of now, and as who the caller is now."""

    async def begin(self, *, refresh: bool) -> tuple[ReadUnit, Principal]:
        """Open a new view, and return it with the caller; `refresh`: all grants as they are now.

        Raises:
            Unauthenticated: if the caller's credential is good no more.

        """

    async def end(self) -> None:
        """Close the view: nobody holds one while waiting."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """One listener: what it hears of, and how far it has heard."""

    holder: Holder
    # The holders whose secrets are told of, as they were when it began: they may go.
    among: Mapping[str, Holder]
    position: FeedCursor
    subscription: ChangeSubscription
    turns: Turns
    # How many changes of access had been heard of when the caller was looked up last.
    access_changes: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveChange:
    """What a service gets otherwise since one change: at which keys, and what is there now.

    There are at most as many keys as a page has entries.
    """

    change: SecretChange
    has_more: bool
    service: Holder
    keys: tuple[str, ...]
    entries: tuple[EffectiveSecret, ...]


@dataclass(frozen=True, slots=True)
class _Turn:
    unit: ReadUnit
    principal: Principal
    change: SecretChange


class ChangeFeed:
    """The use cases of those who watch."""

    def __init__(self, context: ServiceContext, notifier: ChangeNotifier) -> None:
        self._context = context
        self._subscriptions = notifier
        self._cursors = Cursors(context.vault)

    async def cursor(self, unit: ReadUnit, *, principal: Principal) -> str:
        """Return the cursor of what a view shows: reading on from it leaves nothing out.

        It moves with what happens in the viewer's organization only.
        """
        organization_id = principal.organization_id
        position = await change_feed.newest_of(unit, organization_id)
        return self._cursors.of_position(position, organization_id=organization_id)

    async def changes(
        self,
        turns: Turns,
        *,
        at: HolderReference,
        with_inherited: bool = False,
        after: str | None = None,
    ) -> AsyncGenerator[SecretChange, None]:
        """Tell what becomes of the secrets of a holder, and of those that it inherits, for ever.

        Raises:
            InvalidInput: for a cursor that is none of news.
            CursorExpired: if not all that came after the cursor is known.
            HolderNotFound: if the holder is not there for the viewer, or not any more.
            Forbidden: if the viewer may not read secrets there.
            Unauthenticated: when the caller's credential is good no more.

        """
        async with (
            self._watch(turns, at, after, is_wide=with_inherited) as watch,
            aclosing(self._turns(watch)) as rounds,
        ):
            async for turn in rounds:
                yield turn.change

    async def effective_changes(
        self, turns: Turns, *, service_id: str, after: str | None = None
    ) -> AsyncGenerator[EffectiveChange, None]:
        """Tell at which keys a service gets something else, for ever; errors as in `changes`.

        Keys whose values refer to what changed are among them.
        """
        at = HolderReference(None, service_id)
        async with (
            self._watch(turns, at, after, is_wide=True) as watch,
            aclosing(self._turns(watch)) as rounds,
        ):
            if not watch.holder.kind.is_service:
                raise HolderNotFound(None, service_id)
            async for turn in rounds:
                if found := await _effect(self._context, turn, watch.holder):
                    yield found

    @asynccontextmanager
    async def _watch(
        self, turns: Turns, at: HolderReference, after: str | None, *, is_wide: bool
    ) -> AsyncIterator[Watch]:
        access_changes = self._subscriptions.access_changes
        unit, principal = await turns.begin(refresh=True)
        holder = await access.require_on(unit, principal, Permission.SECRET_READ, at)
        # From before the place in the log is read: what comes after that rings.
        with self._subscriptions.subscribe(holder.project_id) as subscription:
            position = (
                await change_feed.head(unit)
                if after is None
                else self._cursors.position(after, organization_id=holder.organization_id)
            )
            if after is not None and not await change_feed.is_known(unit, position):
                raise CursorExpired
            ids = holder.chain_ids if is_wide else (holder.id,)
            among = await holders.by_ids(unit, ids)
            await turns.end()
            yield Watch(
                holder=holder,
                among=among,
                position=position,
                subscription=subscription,
                turns=turns,
                access_changes=access_changes,
                expires_at=principal.expires_at,
            )

    async def _turns(self, watch: Watch) -> AsyncGenerator[_Turn, None]:
        while True:
            watch.subscription.reset()
            batch = await self._next_batch(watch)
            for change in batch.changes:
                unit, principal = await self._begun(watch, change)
                if principal.may(Permission.SECRET_READ, on=watch.among[change.holder_id]):
                    yield _Turn(unit, principal, change)
                # What was looked at may not have been told, and then nobody else closes the view.
                await watch.turns.end()
            watch.position = batch.position
            if not batch.has_more:
                await self._ensure_still_there(watch)
                await watch.subscription.wait()

    async def _begun(self, watch: Watch, change: SecretChange | None) -> tuple[ReadUnit, Principal]:
        """Begin a turn as who the caller is since a change, or by now.

        Looking up costs as much as telling. Whoever takes access away says so in the log, so what
        is known of a caller holds up to the event up to which nothing of the kind was heard.
        """
        access_changes = self._subscriptions.access_changes
        is_known = (
            change is not None
            and watch.access_changes == access_changes
            and self._subscriptions.has_heard_of(change.seq)
            and (watch.expires_at is None or self._context.now() < watch.expires_at)
        )
        unit, principal = await watch.turns.begin(refresh=not is_known)
        watch.access_changes, watch.expires_at = access_changes, principal.expires_at
        return unit, principal

    async def _ensure_still_there(self, watch: Watch) -> None:
        if not watch.subscription.needs_access_check:
            return
        watch.subscription.needs_access_check = False
        unit, principal = await self._begun(watch, None)
        named = HolderReference(watch.holder.kind, watch.holder.id)
        await access.require_on(unit, principal, Permission.SECRET_READ, named)
        await watch.turns.end()

    async def _next_batch(self, watch: Watch) -> change_feed.Batch:
        async with self._context.database.read() as unit:
            return await change_feed.changes(
                unit,
                watch.position,
                tuple(watch.among),
                cursor_of=partial(
                    self._cursors.of_position, organization_id=watch.holder.organization_id
                ),
            )


async def _effect(context: ServiceContext, turn: _Turn, service: Holder) -> EffectiveChange | None:
    """Return what a service gets otherwise since a change; None if nothing."""
    change, visibility = turn.change, turn.principal.visibility(Permission.SECRET_READ)
    chain, bound = service.chain_ids, MAX_PAGE_SIZE + 1
    renamed = await secrets.alias_keys(turn.unit, change.secret_id, holder_ids=chain, most=bound)
    own = dict.fromkeys((*change.keys, *renamed))
    referring, is_known = await _referring(context, turn.unit, service, change, tuple(own))
    found = await effective_with_keys(turn.unit, service, (*own, *referring), visibility)
    affected = [key for key in own if _affects(change, key, found.get(key), service)]
    # What refers to the secret may be out of sight where the secret is not.
    keys = (*affected, *(key for key in referring if key in found))
    if not keys:
        return None
    rounds = keys[:MAX_PAGE_SIZE]
    return EffectiveChange(
        change=change,
        has_more=len(keys) > len(rounds) or not is_known,
        service=service,
        keys=rounds,
        entries=tuple(found[key] for key in rounds if key in found),
    )


async def _referring(
    context: ServiceContext,
    unit: ReadUnit,
    service: Holder,
    change: SecretChange,
    own: Sequence[str],
) -> tuple[Sequence[str], bool]:
    """Return the keys that changed through references, and whether these are all."""
    try:
        return await keys_reached(context, unit, service, change, own), True
    except TooManyReferences:
        return (), False


def _affects(
    change: SecretChange, key: str, entry: EffectiveSecret | None, service: Holder
) -> bool:
    """Tell whether a service has something else at a key since a change.

    It has where the secret wins there, by itself or through an alias; and where it is gone from the
    key, unless what wins now is nearer and so hid it before.
    """
    if entry is None:
        return True
    if change.secret_id in (entry.winner.id, entry.resolves_to.id):
        return True
    is_gone = change.kind is ChangeKind.DELETED or key == change.former_key
    chain = service.chain_ids
    return is_gone and chain.index(entry.winner.holder.id) >= chain.index(change.holder_id)
