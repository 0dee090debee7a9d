"""Fetch a service's values, and write them to private files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from gateway.cli.options import OnUnresolved
from gateway.cli.printing import Refused, complain, counted
from gateway.cli.running import run, service_of
from gateway.crypto.durable_files import create_private
from gateway.domain.drafts import HolderReference
from gateway.domain.holders import Holder
from gateway.domain.interpolation import UnresolvedReference
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import HOLDER_SCOPES
from gateway.runtime import Runtime
from gateway.services.delivery import RuntimeFile, RuntimeSecret, refuse_unresolved


@dataclass(frozen=True, slots=True)
class Delivered:
    holder: Holder
    secrets: Sequence[RuntimeSecret]

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables; a file's is its mount path."""
        return {secret.key: secret.value for secret in self.secrets}

    @property
    def files(self) -> Mapping[str, RuntimeFile]:
        return {secret.key: secret.file for secret in self.secrets if secret.file}


def delivered_to(service_id: str, on_unresolved: OnUnresolved = OnUnresolved.KEEP) -> Delivered:
    """Return what a service gets; complain of references that are unresolved, or fail.

    Raises:
        NotAService: for the id of something else.
        HolderNotFound: for the id of nothing.
        UnresolvedReferences: if there are some, and that is not to be kept.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        service = await service_of(runtime, service_id)
        return await _deliver(runtime, service, on_unresolved)

    return run(deliver)


def delivered_at(at: HolderReference, on_unresolved: OnUnresolved = OnUnresolved.KEEP) -> Delivered:
    """Return what a holder of any kind gets: its own secrets and those that it inherits.

    Raises:
        HolderNotFound: if no holder of that kind has the id.
        UnresolvedReferences: as for a service.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        holder = await runtime.operator.directory.holder(holder_id=at.id)
        if holder.kind is not at.scope:
            raise HolderNotFound(at.scope, at.id)
        return await _deliver(runtime, holder, on_unresolved)

    return run(deliver)


async def _deliver(runtime: Runtime, holder: Holder, on_unresolved: OnUnresolved) -> Delivered:
    check = refuse_unresolved if on_unresolved is OnUnresolved.FAIL else _complain_of
    async with runtime.database.read() as unit:
        delivered = await runtime.services.for_principal(
            Principal.operator(holder.organization_id), unit
        ).delivery.runtime_secrets(service_id=holder.id, kinds=HOLDER_SCOPES, check=check)
    return Delivered(holder, delivered.secrets)


def _complain_of(found: Sequence[UnresolvedReference]) -> None:
    # A name in braces may be part of a value, and this may end up in a log.
    for key, count in sorted(Counter(item.key for item in found).items()):
        verb = "leads" if count == 1 else "lead"
        complain(
            f"{key}: {counted(count, 'reference')} {verb} to no key of the service, or into a "
            "cycle, and stays as it is written; --on-unresolved fail names it."
        )


_PREFIX: Final = "secrets-gateway-"


class CollidingFiles(Refused):
    def __init__(self, mount_path: str) -> None:
        super().__init__(f"several files with different contents have the path {mount_path}.")


@contextmanager
def private_files(
    files: Mapping[str, RuntimeFile], *, within: Path | None
) -> Iterator[Mapping[str, str]]:
    """Write files below a new private folder, give their paths by key, and remove it all again.

    Raises:
        CollidingFiles: if two need the same path.

    """
    if not files:
        yield {}
        return
    contents = _by_path(files)
    # The system's folder for temporary files, if no other is asked for.
    path = within.resolve() if within else None
    with TemporaryDirectory(prefix=_PREFIX, dir=path) as folder:
        for mount_path, content in contents.items():
            _write(Path(f"{folder}{mount_path}"), content)
        yield {key: f"{folder}{file.mount_path}" for key, file in files.items()}


def is_path_of_file(value: str, mount_path: str) -> bool:
    """Return whether a value is only a file's path: mounted, or in a folder that was made here."""
    folder, found, _ = value.rpartition(mount_path)
    is_private = PurePosixPath(folder).name.startswith(_PREFIX)
    return value.endswith(mount_path) and bool(found) and (not folder or is_private)


def _by_path(files: Mapping[str, RuntimeFile]) -> Mapping[str, str]:
    contents: dict[str, str] = {}
    for file in files.values():
        # An alias of a file is the same file once more.
        if contents.setdefault(file.mount_path, file.content) != file.content:
            raise CollidingFiles(file.mount_path)
    for path in contents:
        for folder in map(str, PurePosixPath(path).parents):
            if folder in contents:
                raise CollidingFiles(folder)
    return contents


def _write(path: Path, content: str) -> None:
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    with create_private(path) as file:
        file.write(content.encode())
