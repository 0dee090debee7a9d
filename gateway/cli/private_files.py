"""Private files that exist for as long as one process runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from gateway.cli.refusals import Refused
from gateway.durable_files import create_private
from gateway.services.delivery import RuntimeFile

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
