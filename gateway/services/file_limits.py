"""Check that a new file's mount path does not conflict with another file of a service."""

from collections.abc import Collection

from gateway.domain.files import FilePaths
from gateway.domain.principals import Principal
from gateway.domain.refusals import MountPathConflict
from gateway.domain.secrets import Secret, SecretType
from gateway.services import access
from gateway.storage import files, secrets
from gateway.storage.unit_of_work import WriteUnit


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
    unit: WriteUnit, project_id: str, new_paths: Collection[str], met: Collection[Secret]
) -> FilePaths:
    """Return the files that can conflict with an import's rows; `met` have the rows' keys."""
    found = await files.of_project(unit, project_id) if new_paths else []
    file_ids = [secret.id for secret in met if secret.variable_type is SecretType.FILE]
    referring = await files.referring_to(unit, file_ids) if file_ids else []
    return FilePaths(found, referring)


async def _around(unit: WriteUnit, new: Secret) -> FilePaths:
    if new.mount_path is not None:
        return FilePaths(await files.colliding(unit, new.holder.project_id, new.mount_path))
    if new.target is None:
        return FilePaths()
    if new.target.variable_type is SecretType.FILE:
        return FilePaths(referring=await files.referring_to(unit, [new.target.id]))
    # An alias of an override, which can be the override of a file.
    target = await secrets.find(unit, new.target.id) if new.target.is_override else None
    if target is None or target.target is None or target.target.mount_path is None:
        return FilePaths()
    return FilePaths(referring=await files.referring_to(unit, [target.target.id]))
