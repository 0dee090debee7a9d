"""What secrets were: their versions, and the deleted secrets of a holder. Never a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.domain.history import (
    FIRST_VERSION,
    Author,
    DeletedSecret,
    Ending,
    FormerState,
    SecretVersion,
)
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.pages import Entry, Page, Window
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.secrets import Secret, SecretType
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.storage import holders, secrets, versions
from gateway.storage.unit_of_work import ReadUnit


class History(ScopedService):
    """The use cases of looking at what was."""

    async def versions_of(self, *, secret: Secret, window: Window) -> Page[SecretVersion]:
        """Return a page of a secret's versions, the present one first.

        Raises:
            Forbidden: if the principal cannot read secrets there.
            InvalidInput: for a cursor of another list.

        """
        return await self._page(secret.id, secret.holder, window, present=secret)

    async def versions_of_deleted(
        self, *, deleted: DeletedSecret, window: Window
    ) -> Page[SecretVersion]:
        """Return a page of the versions that a deleted secret had; errors as in `versions_of`."""
        return await self._page(deleted.last.secret_id, deleted.holder, window, present=None)

    async def versions_by_id(self, *, secret_id: str, window: Window) -> Page[SecretVersion] | None:
        """Return a page of the versions of a secret, deleted or not; None if it is not visible.

        Raises:
            Forbidden: if the principal cannot read secrets.
            InvalidInput: for a cursor of another list.

        """
        principal = self._scope.principal
        access.require_somewhere(principal, Permission.SECRET_READ)
        found = await secrets.by_ids(self._scope.view, filter(is_canonical_id, [secret_id]))
        living = found.get(secret_id)
        if living is not None and access.can_see(principal, living):
            return await self.versions_of(secret=living, window=window)
        deleted = await self.find_deleted(secret_id=secret_id)
        return await self.versions_of_deleted(deleted=deleted, window=window) if deleted else None

    async def deleted_at(self, *, holder: Holder, window: Window) -> Page[DeletedSecret]:
        """Return a page of a holder's own deleted secrets, the last deleted first.

        Raises:
            Forbidden: if the principal cannot read secrets.
            InvalidInput: for a cursor of another list.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.SECRET_READ)
        if not visibility.covers(holder):
            return Page(entries=(), has_next=False, has_previous=False, count=_count_nothing)
        view = self._scope.view
        view.forget()
        found = await versions.deleted_page(view, holder.id, window)
        return Page(
            entries=tuple(
                Entry(DeletedSecret(last=entry.item, holder=holder), entry.make_cursor)
                for entry in found.entries
            ),
            has_next=found.has_next,
            has_previous=found.has_previous,
            count=found.count,
        )

    async def find_deleted(self, *, secret_id: str) -> DeletedSecret | None:
        """Return a deleted secret; None if there is none that the principal can see.

        Raises:
            Forbidden: if the principal cannot read secrets.

        """
        principal = self._scope.principal
        access.require_somewhere(principal, Permission.SECRET_READ)
        return await find_deleted(self._scope.view, secret_id, principal=principal)

    def author_of_deletion(self, deleted: DeletedSecret) -> Author | None:
        """Return who deleted a secret; None if the principal cannot read the audit log there."""
        return deleted.last.ended_by if self._can_see_authors(deleted.holder) else None

    def _can_see_authors(self, holder: Holder) -> bool:
        return self._scope.principal.may(Permission.AUDIT_READ, on=holder)

    async def _page(
        self, secret_id: str, holder: Holder, window: Window, *, present: Secret | None
    ) -> Page[SecretVersion]:
        access.require(self._scope.principal, Permission.SECRET_READ, on=holder)
        view, between = self._scope.view, versions.bounds(window)
        # No event says what the retention removes.
        view.forget()
        # A version can have two rows, and one more version shows whether there are others.
        size = 2 * (window.size + 1) + 1
        ended = await versions.between(
            view, secret_id, between, size=size, is_backward=window.is_backward
        )
        has_newest = not window.is_backward or len(ended) < size
        oldest = ended[-1] if ended else present
        if oldest is not None and (window.is_backward or window.before is not None):
            # What ended before the page says who made its oldest version.
            older = versions.Bounds(below=oldest.version)
            ended = [*ended, *await versions.between(view, secret_id, older, size=1)]
        seen = _Seen(secret_id, holder, shows_authors=self._can_see_authors(holder))
        found = [version for version in seen.versions(ended) if between.has(version.version)]
        if present is not None and between.has(present.version) and has_newest:
            value_version = await versions.present_value_version(view, secret_id)
            found = [seen.present(present, value_version, ended), *found]
        has_more = len(found) > window.size
        shown = found[-window.size or len(found) :] if window.is_backward else found[: window.size]
        return Page(
            entries=tuple(
                Entry(version, partial(versions.cursor_at, version.version)) for version in shown
            ),
            has_next=window.before is not None if window.is_backward else has_more,
            has_previous=has_more if window.is_backward else window.after is not None,
            count=partial(_count, view, secret_id, 0 if present is None else 1),
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Makes versions of one secret as a principal sees them."""

    secret_id: str
    holder: Holder
    shows_authors: bool

    def versions(self, ended: Sequence[FormerState]) -> list[SecretVersion]:
        """Return the versions in a list of what ended, the newest first."""
        return [
            self._former(state, ended[at + 1 :])
            for at, state in enumerate(ended)
            if state.ending is not Ending.RESTORED
        ]

    def present(
        self, secret: Secret, value_version: int | None, older: Sequence[FormerState]
    ) -> SecretVersion:
        return SecretVersion(
            secret_id=self.secret_id,
            holder=self.holder,
            version=secret.version,
            key=secret.key,
            variable_type=secret.variable_type,
            mount_path=secret.mount_path,
            description=secret.description,
            enable_interpolation_in_file=secret.enable_interpolation_in_file,
            is_new_value=_is_new_value(secret.version, value_version, older),
            is_value_kept=True,
            began_at=secret.updated_at,
            ended_at=None,
            ending=None,
            author=self._author(older),
        )

    def _former(self, state: FormerState, older: Sequence[FormerState]) -> SecretVersion:
        columns = state.columns
        return SecretVersion(
            secret_id=self.secret_id,
            holder=self.holder,
            version=state.version,
            key=state.key,
            variable_type=SecretType(columns["variable_type"]),
            mount_path=columns["mount_path"],
            description=columns["description"],
            enable_interpolation_in_file=columns["enable_interpolation_in_file"],
            is_new_value=_is_new_value(state.version, state.value_version, older),
            is_value_kept=state.has_value,
            began_at=state.began_at,
            ended_at=state.ended_at,
            ending=state.ending,
            author=self._author(older),
        )

    def _author(self, older: Sequence[FormerState]) -> Author | None:
        """Return who made a version: who ended what was before it."""
        return older[0].ended_by if older and self.shows_authors else None


def _is_new_value(
    version: int, value_version: int | None, older: Sequence[FormerState]
) -> bool | None:
    """Return whether a version has another value than the one before it; None if unknown."""
    if value_version is None:
        return False
    if version == FIRST_VERSION:
        return True
    if not older:
        return None
    # A restored secret has the value that it had when it was deleted, sealed again.
    return older[0].ending is not Ending.RESTORED and older[0].value_version != value_version


async def _count(unit: ReadUnit, secret_id: str, present: int) -> int:
    return present + await versions.count(unit, secret_id)


async def _count_nothing() -> int:
    return 0


async def find_deleted(
    unit: ReadUnit, secret_id: str, *, principal: Principal
) -> DeletedSecret | None:
    """Return a deleted secret; None if there is none that the principal can see.

    Raises:
        IntegrityFault: if its row is not what the gateway wrote.

    """
    last = await versions.newest(unit, secret_id) if is_canonical_id(secret_id) else None
    if last is None or last.ending is not Ending.DELETED:
        return None
    # Somebody can have removed the row that says that it was restored.
    if await secrets.find(unit, secret_id) is not None:
        return None
    holder = await holders.find(unit, last.holder_id)
    if holder is None or not principal.may(Permission.SECRET_READ, on=holder):
        return None
    return DeletedSecret(last=last, holder=holder)
