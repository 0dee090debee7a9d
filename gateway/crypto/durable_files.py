"""Files that only their owner can read, complete on the disk or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO


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
