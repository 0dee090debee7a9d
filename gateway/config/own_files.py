"""Files that decide where secrets come from or go: nobody else can write or replace them."""

import os
import stat
from pathlib import Path
from typing import Final

from gateway.domain.errors import RefusedStart

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0


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
