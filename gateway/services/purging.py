"""Destroy former values of secrets."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference, WriteOptions
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import SecretNotFound
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.history import find_deleted
from gateway.services.idempotency import codec_of, run_once
from gateway.storage import secrets, version_removal
from gateway.storage.unit_of_work import WriteUnit


@dataclass(frozen=True, slots=True)
class Purge:
    """How many former values were destroyed, and where."""

    count: int
    holder: Holder


_PURGE_CODEC: Final = codec_of(Purge)


class Purging(ScopedService):
    """The use cases that destroy former values. Versions stay listed without them."""

    async def purge_secret(
        self, *, secret_id: str, options: WriteOptions = DEFAULT_WRITE_OPTIONS
    ) -> Purge:
        """Destroy all former values of a secret, deleted or not. Its versions stay listed.

        Raises:
            SecretNotFound: if it is not visible to the principal.
            Forbidden: if the principal cannot destroy former values there.

        """
        principal = self._scope.principal
        async with self._scope.writing(options, is_bulk=True) as unit:
            access.require_somewhere(principal, Permission.SECRET_PURGE)

            async def purge() -> Purge:
                key, holder = await _find_ever(unit, secret_id, principal)
                access.require(principal, Permission.SECRET_PURGE, on=holder)
                count = await version_removal.purge_secret(unit, secret_id)
                self._record(unit, count, AuditSubject.SECRET, secret_id, holder, key=key)
                return Purge(count, holder)

            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("purgeSecret", secret_id),
                codec=_PURGE_CODEC,
                work=purge,
                before_repeat=partial(_require_purge_on, principal),
            )

    async def purge_holder(
        self, *, holder_reference: HolderReference, options: WriteOptions = DEFAULT_WRITE_OPTIONS
    ) -> Purge:
        """Destroy all former values of the secrets at a holder and below it, deleted or not.

        Raises:
            HolderNotFound: if the holder is not visible to the principal.
            Forbidden: if the principal cannot destroy former values there.

        """
        principal = self._scope.principal
        async with self._scope.writing(options, is_bulk=True) as unit:
            holder = await access.require_on(
                unit, principal, Permission.SECRET_PURGE, holder_reference
            )

            async def purge() -> Purge:
                count = await version_removal.purge_holder(unit, holder.id)
                self._record(unit, count, AuditSubject.HOLDER, holder.id, holder)
                return Purge(count, holder)

            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("purgeHolder", holder_reference),
                codec=_PURGE_CODEC,
                work=purge,
                before_repeat=partial(_require_purge_on, principal),
            )

    def _record(
        self,
        unit: WriteUnit,
        count: int,
        subject: AuditSubject,
        subject_id: str,
        holder: Holder,
        *,
        key: str | None = None,
    ) -> None:
        draft = AuditDraft(
            action=AuditAction.VERSIONS_PURGED,
            subject=subject,
            subject_id=subject_id,
            organization_id=holder.organization_id,
            project_id=holder.project_id,
            holder_id=holder.id,
            key=key,
            details={"count": count},
        )
        unit.drafts.append(draft)
        # The write-ahead log has the pages from before.
        unit.committed.append(self._context.database.wal.empty_soon)


async def _find_ever(unit: WriteUnit, secret_id: str, principal: Principal) -> tuple[str, Holder]:
    """Return the key and the holder of a secret, deleted or not."""
    living = await secrets.find(unit, secret_id) if is_canonical_id(secret_id) else None
    if living is not None and access.can_see(principal, living):
        return living.key, living.holder
    deleted = await find_deleted(unit, secret_id, principal=principal)
    if deleted is None:
        raise SecretNotFound(secret_id)
    return deleted.last.key, deleted.holder


def _require_purge_on(principal: Principal, purged: Purge) -> None:
    access.require(principal, Permission.SECRET_PURGE, on=purged.holder)
