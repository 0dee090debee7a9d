"""The change feed: changes of secrets, filtered by what the principal can see at that time.

Each round reads the log from where the last one ended, and waits only if there is nothing new. So
no change is lost between reading and waiting, and none is sent twice.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Hashable,
    Mapping,
    Sequence,
)
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from gateway.domain.change_feed import ChangeKind, CursorExpired, FeedCursor, SecretChange
from gateway.domain.drafts import HolderReference
from gateway.domain.effective import EffectiveSecret
from gateway.domain.holders import Holder
from gateway.domain.pages import MAX_PAGE_SIZE
from gateway.domain.permissions import Permission
from gateway.domain.reference_graph import TooManyReferences
from gateway.domain.refusals import HolderNotFound
from gateway.services import access
from gateway.services.audit.events import Cursors
from gateway.services.change_notifier import ChangeNotifier, ChangeSubscription
from gateway.services.context import RequestScope, ScopedService, ServiceContext
from gateway.services.effective import effective_with_keys
from gateway.services.references import keys_reached
from gateway.services.shared_work import Result
from gateway.storage import change_feed, holders, related_secrets
from gateway.storage.unit_of_work import ReadUnit


@dataclass(slots=True, kw_only=True)
class Watch:
    """One subscriber: what it watches, and its position in the log."""

    holder: Holder
    # The watched holders as they were at the start, since they can be deleted later.
    among: Mapping[str, Holder]
    position: FeedCursor
    subscription: ChangeSubscription
    # The notifier's count of access changes when the principal was last looked up.
    access_changes: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveChange:
    """What one change alters for a service: the keys, and their entries now.

    There are at most as many keys as a page has entries.
    """

    change: SecretChange
    has_more: bool
    service: Holder
    keys: tuple[str, ...]
    entries: tuple[EffectiveSecret, ...]


class ChangeFeed(ScopedService):
    """The use cases of subscribers."""

    def __init__(self, scope: RequestScope, notifier: ChangeNotifier) -> None:
        super().__init__(scope)
        self._notifier = notifier
        self._cursors = Cursors(scope.context.vault)

    async def cursor(self) -> str:
        """Return the cursor of a view; reading from it misses no later change.

        It moves only with events of the principal's organization.
        """
        organization_id = self._scope.principal.organization_id
        # It moves with deliveries, too.
        self._scope.view.forget()
        position = await change_feed.newest_of(self._scope.view, organization_id)
        return self._cursors.of_position(position, organization_id=organization_id)

    async def once(
        self,
        asked: Hashable,
        work: Callable[[], Awaitable[Result]],
        *,
        is_shared: Callable[[Result], bool] = lambda _: True,
    ) -> Result:
        """Do work for all subscribers that are the same principal, and ask for the same."""
        principal = self._scope.principal
        rules = frozenset(rule.id for rule in principal.claim_rules)
        who = principal.kind, principal.id, principal.organization_id, principal.grants, rules
        return await self._notifier.shared.once((who, asked), work, is_shared=is_shared)

    async def changes(
        self,
        *,
        holder_reference: HolderReference,
        with_inherited: bool = False,
        after: str | None = None,
    ) -> AsyncGenerator[SecretChange, None]:
        """Yield the changes to a holder's secrets, optionally with the inherited ones, without end.

        Raises:
            InvalidInput: for a cursor that does not belong to the change feed.
            CursorExpired: if some changes after the cursor are no longer known.
            HolderNotFound: if the holder is not, or no longer, visible to the principal.
            Forbidden: if the principal cannot read secrets there.
            Unauthenticated: when the principal's credential is no longer valid.

        """
        async with (
            self._watch(holder_reference, after, is_wide=with_inherited) as watch,
            aclosing(self._visible_changes(watch)) as changes,
        ):
            async for change in changes:
                yield change

    async def effective_changes(
        self, *, service_id: str, after: str | None = None
    ) -> AsyncGenerator[EffectiveChange, None]:
        """Yield the keys whose content changes for a service, without end; errors as in `changes`.

        They include keys whose values refer to a changed secret.
        """
        async with (
            self._watch(HolderReference(None, service_id), after, is_wide=True) as watch,
            aclosing(self._visible_changes(watch)) as changes,
        ):
            if not watch.holder.kind.is_service:
                raise HolderNotFound(None, service_id)
            async for change in changes:
                found = await self.once(
                    (change.cursor, watch.holder.id), partial(self._effect, change, watch.holder)
                )
                if found:
                    yield found

    async def _effect(self, change: SecretChange, service: Holder) -> EffectiveChange | None:
        return await _effect(self._scope, change, service)

    @asynccontextmanager
    async def _watch(
        self, holder_reference: HolderReference, after: str | None, *, is_wide: bool
    ) -> AsyncIterator[Watch]:
        access_changes, view = self._notifier.access_changes, self._scope.view
        with ExitStack() as subscribed:
            async with self._current_view(refresh=True):
                principal = self._scope.principal
                holder = await access.require_on(
                    view, principal, Permission.SECRET_READ, holder_reference
                )
                # Before the position in the log is read, so that no later change is missed.
                subscription = subscribed.enter_context(self._notifier.subscribe(holder.project_id))
                watch = Watch(
                    holder=holder,
                    among=await holders.by_ids(view, holder.chain_ids if is_wide else (holder.id,)),
                    position=await self._start(holder, after),
                    subscription=subscription,
                    access_changes=access_changes,
                    expires_at=principal.expires_at,
                )
            yield watch

    async def _start(self, holder: Holder, after: str | None) -> FeedCursor:
        if after is None:
            return await change_feed.head(self._scope.view)
        position = self._cursors.position(after, organization_id=holder.organization_id)
        if not await change_feed.is_known(self._scope.view, position):
            raise CursorExpired
        return position

    async def _visible_changes(self, watch: Watch) -> AsyncGenerator[SecretChange, None]:
        """Yield each change while a current view is open, on which the subscriber reads."""
        while True:
            watch.subscription.reset()
            batch = await self._next_batch(watch)
            for change in batch.changes:
                async with self._turn(watch, change):
                    holder = watch.among[change.holder_id]
                    if self._scope.principal.may(Permission.SECRET_READ, on=holder):
                        yield change
            watch.position = batch.position
            if not batch.has_more:
                await self._ensure_still_there(watch)
                await watch.subscription.wait()

    @asynccontextmanager
    async def _turn(self, watch: Watch, change: SecretChange | None) -> AsyncIterator[None]:
        """Open a view, with the principal's grants as of a change, or as of now.

        A lookup costs as much as sending a change. Revoking access writes an event to the log, so
        known grants stay valid for a change if no access change was notified up to its event.
        """
        access_changes = self._notifier.access_changes
        is_known = (
            change is not None
            and watch.access_changes == access_changes
            and self._notifier.has_heard_of(change.seq)
            and (watch.expires_at is None or self._context.now() < watch.expires_at)
        )
        async with self._current_view(refresh=not is_known):
            watch.access_changes = access_changes
            watch.expires_at = self._scope.principal.expires_at
            yield

    @asynccontextmanager
    async def _current_view(self, *, refresh: bool) -> AsyncIterator[None]:
        """Close the view after the block, so that none is open while the subscriber waits."""
        scope = self._scope
        try:
            if refresh and scope.look_up is not None:
                scope.principal = await scope.look_up(scope.view)
            yield
        finally:
            await scope.view.close()

    async def _ensure_still_there(self, watch: Watch) -> None:
        if not watch.subscription.needs_access_check:
            return
        watch.subscription.needs_access_check = False
        named = HolderReference(watch.holder.kind, watch.holder.id)
        async with self._turn(watch, None):
            scope = self._scope
            await access.require_on(scope.view, scope.principal, Permission.SECRET_READ, named)

    async def _next_batch(self, watch: Watch) -> change_feed.Batch:
        """Return the changes that follow, which other subscribers may have read already.

        They have read them after every notification so far, so nothing is missed.
        """
        key = watch.holder.organization_id, watch.position, tuple(watch.among)
        return await self._notifier.shared.once(key, partial(self._read_batch, watch))

    async def _read_batch(self, watch: Watch) -> change_feed.Batch:
        async with self._context.database.read() as unit:
            return await change_feed.changes(
                unit,
                watch.position,
                tuple(watch.among),
                cursor_of=partial(
                    self._cursors.of_position, organization_id=watch.holder.organization_id
                ),
            )


async def _effect(
    scope: RequestScope, change: SecretChange, service: Holder
) -> EffectiveChange | None:
    """Return what a change alters for a service; None if nothing."""
    view, visibility = scope.view, scope.principal.visibility(Permission.SECRET_READ)
    chain, bound = service.chain_ids, MAX_PAGE_SIZE + 1
    renamed = await related_secrets.alias_keys(view, change.secret_id, holder_ids=chain, most=bound)
    own = dict.fromkeys((*change.keys, *renamed))
    referring, is_known = await _referring(scope.context, view, service, change, tuple(own))
    found = await effective_with_keys(view, service, (*own, *referring), visibility)
    affected = [key for key in own if _affects(change, key, found.get(key), service)]
    # A secret that refers to this one may be hidden from the principal even if this one is visible.
    keys = (*affected, *(key for key in referring if key in found))
    if not keys:
        return None
    listed = keys[:MAX_PAGE_SIZE]
    return EffectiveChange(
        change=change,
        has_more=len(keys) > len(listed) or not is_known,
        service=service,
        keys=listed,
        entries=tuple(found[key] for key in listed if key in found),
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
    """Return whether a change alters what a service gets for a key.

    It does if the secret wins there, directly or through an alias. It also does if the secret no
    longer has the key, unless the present winner is nearer and so hid the secret before.
    """
    if entry is None:
        return True
    if change.secret_id in (entry.winner.id, entry.resolves_to.id):
        return True
    is_gone = change.kind is ChangeKind.DELETED or key == change.former_key
    chain = service.chain_ids
    return is_gone and chain.index(entry.winner.holder.id) >= chain.index(change.holder_id)
