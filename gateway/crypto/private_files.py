"""Files that nobody else can read or change, complete on the disk or absent."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

from gateway.domain.errors import RefusedStart

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0


def create_private(path: Path) -> BinaryIO:
    """Open a new file for writing.

    Raises:
        FileExistsError: if there is something at the path, also a link.

    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "wb")


def sync_file(file: BinaryIO) -> None:
    """Return when all that was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return when the folder's names are on the disk: a power cut removes none of them."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def draft_beside(target: Path, content: bytes = b"") -> Iterator[Path]:
    """Give a new private file, to be linked or moved to the target; remove what is left of it.

    A link never replaces an existing file, a move is atomic: others see a complete file or none.
    """
    draft = target.with_name(f".{target.name}.{token_hex(8)}")
    try:
        with create_private(draft) as file:
            file.write(content)
            sync_file(file)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(target.parent)


class UnsafeFile(RefusedStart):
    """Somebody else can write the file, and so choose what it decides."""

    def __init__(self, named: Path, path: Path, reason: str) -> None:
        super().__init__(f"{named} is not used: {path.absolute()} {reason}")


def ensure_own(named: Path) -> None:
    """Refuse a file that others can change; one that does not exist is fine.

    Raises:
        UnsafeFile: if anybody but the user and root can write it, replace it, or point its link
            elsewhere.

    """
    path = named
    if not path.exists():
        return
    # A loop of symbolic links counts as a missing file, so this ends.
    while path.is_symlink():
        _ensure_owner(named, path, path.lstat())
        _ensure_folder(named, path.parent)
        path = path.parent / path.readlink()
    status = path.stat()
    _ensure_owner(named, path, status)
    if status.st_mode & _OTHERS:
        raise UnsafeFile(named, path, f"{_mode(status)}: chmod go-w it.")
    _ensure_folder(named, path.parent)


def _ensure_folder(named: Path, folder: Path) -> None:
    status = folder.stat()
    _ensure_owner(named, folder, status)
    # In a sticky folder others cannot replace the file; nobody can on a read-only file system.
    is_kept = status.st_mode & stat.S_ISVTX or os.statvfs(folder).f_flag & os.ST_RDONLY
    if status.st_mode & _OTHERS and not is_kept:
        raise UnsafeFile(named, folder, f"{_mode(status)}: chmod go-w it.")


def _ensure_owner(named: Path, path: Path, status: os.stat_result) -> None:
    if status.st_uid not in {_ROOT, os.geteuid()}:
        raise UnsafeFile(named, path, "belongs to another user: it must be this user's or root's.")


def _mode(status: os.stat_result) -> str:
    return f"can be written by others (mode {stat.S_IMODE(status.st_mode):o})"
