"""What a service gets, and its files in a private folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from gateway.cli.printing import Refused
from gateway.crypto.private_files import create_private


class DeliveredFile(Protocol):
    @property
    def mount_path(self) -> str: ...
    @property
    def content(self) -> str: ...


class DeliveredSecret(Protocol):
    """An environment variable. For a file, its value is the mount path."""

    @property
    def key(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def file(self) -> DeliveredFile | None: ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a holder gets, and the holder's name."""

    name: str
    secrets: Sequence[DeliveredSecret] = field(repr=False)
    # What one should know about it before use.
    note: str = ""

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables; a file's is its mount path."""
        return {secret.key: secret.value for secret in self.secrets}

    @property
    def files(self) -> Mapping[str, DeliveredFile]:
        return {secret.key: secret.file for secret in self.secrets if secret.file}


_PREFIX: Final = "secrets-gateway-"


class CollidingFiles(Refused):
    def __init__(self, mount_path: str) -> None:
        super().__init__(f"several files with different contents have the path {mount_path}.")


@contextmanager
def private_files(
    files: Mapping[str, DeliveredFile], *, within: Path | None
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


def _by_path(files: Mapping[str, DeliveredFile]) -> Mapping[str, str]:
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
