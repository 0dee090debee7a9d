"""The delivery door: the only way on which values leave, and the only use case that opens them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.domain.drafts import AT_ONCE, HolderReference
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.holders import Holder
from gateway.domain.interpolation import Interpolator
from gateway.domain.pages import MAX_PAGE_SIZE, Window
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.sealed import NeverStored
from gateway.domain.secrets import Secret
from gateway.domain.visibility import Visibility
from gateway.services import access
from gateway.services.foundation import Foundation
from gateway.services.writing import identity_of
from gateway.storage import effective, secrets, values
from gateway.storage.unit_of_work import ReadUnit

MAX_DELIVERED: Final = 5_000


@dataclass(frozen=True, slots=True)
class RuntimeFile(NeverStored):
    """A file that a service gets, and where it is to be."""

    mount_path: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RuntimeSecret(NeverStored):
    """One environment variable as a service gets it. For a file, the value is where it is."""

    key: str
    value: str = field(repr=False)
    file: RuntimeFile | None = None


class Delivery:
    """The use case of services that start."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation

    async def runtime_secrets(
        self, unit: ReadUnit, *, viewer: Principal, service_id: str
    ) -> Sequence[RuntimeSecret]:
        """Return all that a service gets, with values, by key.

        Raises:
            HolderNotFound: if the service is not there for the viewer.
            Forbidden: if the viewer may not have values.
            InvalidInput: if the service sees more keys than can be delivered at once.
            ExpansionTooLong: if references between values multiply beyond all use.

        """
        named = HolderReference(None, service_id)
        service = await access.require_on(unit, viewer, Permission.SECRET_DELIVER, named)
        if not service.kind.is_service:
            raise HolderNotFound(None, service_id)
        winners = await _winners(unit, service)
        sources = await _sources(unit, service, winners)
        contents = await self._opened(unit, sources)
        delivered = _interpolated(sources, contents)
        # Nobody waits for the writer with a view that others wait for.
        await unit.close()
        # Before the values leave: without this entry they do not.
        async with self._foundation.writing(AT_ONCE, viewer=viewer) as record:
            record.told.append(_told(service, sources))
        return delivered

    async def _opened(self, unit: ReadUnit, sources: Mapping[str, Secret]) -> Mapping[str, str]:
        by_id = {source.id: source for source in sources.values()}
        opened: dict[str, str] = {}
        for source_id, (sealed, version) in (await values.find_values(unit, by_id)).items():
            identity = identity_of(by_id[source_id], version)
            opened[source_id] = await self._foundation.vault.open(unit, sealed, identity)
        return {key: opened.get(source.id, "") for key, source in sources.items()}


async def _winners(unit: ReadUnit, service: Holder) -> Sequence[Secret]:
    found: list[Secret] = []
    # Who may have a service's values may have all that it sees, wherever in its chain that hangs.
    sight = Visibility.everywhere(service.organization_id)
    window, has_more = Window(size=MAX_PAGE_SIZE), True
    while has_more:
        page = await effective.winners(unit, service, window, sight=sight)
        found += [entry.item for entry in page.entries]
        if len(found) > MAX_DELIVERED:
            raise InvalidInput(Argument.HOLDER, f"The service sees more than {MAX_DELIVERED} keys.")
        has_more = page.has_next
        window = Window(size=MAX_PAGE_SIZE, after=page.entries[-1].cursor if has_more else None)
    return found


async def _sources(
    unit: ReadUnit, service: Holder, winners: Sequence[Secret]
) -> Mapping[str, Secret]:
    """Return the secret whose value is used for each key: an alias's target, or the winner.

    What an alias stands for is looked at each time: a target that the service does not see itself
    is not delivered, whatever the alias says.
    """
    aliased = [winner.target.id for winner in winners if winner.is_alias and winner.target]
    targets = await secrets.by_ids(unit, aliased)
    used = {
        winner.key: targets[winner.target.id] if winner.is_alias and winner.target else winner
        for winner in winners
    }
    return {key: it for key, it in used.items() if it.holder.id in service.chain_ids}


def _told(service: Holder, sources: Mapping[str, Secret]) -> AuditDraft:
    versions = {source.id: source.version for source in sources.values()}
    return AuditDraft(
        action=AuditAction.VALUES_DELIVERED,
        subject=AuditSubject.HOLDER,
        subject_id=service.id,
        organization_id=service.organization_id,
        project_id=service.project_id,
        holder_id=service.id,
        details={"secrets": versions, "keys": len(sources)},
        secret_ids=tuple(versions),
    )


def _interpolated(
    sources: Mapping[str, Secret], contents: Mapping[str, str]
) -> Sequence[RuntimeSecret]:
    paths = {key: _mount_path(source) for key, source in sources.items()}
    interpolator = Interpolator(
        {key: text for key, text in contents.items() if paths[key] is None},
        paths={key: path for key, path in paths.items() if path is not None},
    )
    return [
        RuntimeSecret(
            key,
            interpolator.value(key),
            _file(key, path, contents[key], interpolator if _expands(sources[key]) else None),
        )
        for key, path in paths.items()
    ]


def _mount_path(source: Secret) -> str | None:
    # An override of a file is a file at the same place, which only its target tells.
    return source.mount_path or (source.target.mount_path if source.target else None)


def _expands(source: Secret) -> bool:
    own, target = source.enable_interpolation_in_file, source.target
    return bool(target and target.enable_interpolation_in_file if own is None else own)


def _file(
    key: str, path: str | None, content: str, interpolator: Interpolator | None
) -> RuntimeFile | None:
    if path is None:
        return None
    return RuntimeFile(path, interpolator.text(content, of=key) if interpolator else content)
