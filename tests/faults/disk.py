"""What a disk may hold after its power went: what was synchronised, and some of what came after.

A file's bytes are sure after it was synchronised, its name after the folder was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.trace import (
    Answered,
    Event,
    Named,
    Resized,
    SyncBegun,
    SyncEnded,
    Written,
)

SECTOR: Final = 512
# It lives in memory, and is made anew by whoever opens the database.
NOT_KEPT: Final = "-shm"

Change = Written | Resized


class Rest(StrEnum):
    """What becomes of what was not synchronised."""

    DROPPED = "DROPPED"
    SUBSET = "SUBSET"
    TORN = "TORN"
    ALL = "ALL"


@dataclass(slots=True)
class File:
    """A file: the bytes that are sure, and the changes since."""

    kept: bytearray = field(default_factory=bytearray)
    waiting: list[Change] = field(default_factory=list)
    size: int = 0
    # How many changes were ever made sure.
    settled: int = 0

    def change(self, change: Change) -> None:
        """Take a change that may be lost."""
        if isinstance(change, Resized):
            self.size = change.size
        else:
            offset = self.size if change.offset is None else change.offset
            change = Written(change.name, offset, change.data)
            self.size = max(self.size, offset + len(change.data))
        self.waiting.append(change)

    def settle(self, until: int) -> None:
        """Make sure all changes up to that one."""
        while self.settled < until:
            _apply(self.kept, self.waiting.pop(0))
            self.settled += 1

    def after(self, choose: Callable[[Change], list[Change]]) -> bytes:
        """Return what is found when of each change what is chosen was kept."""
        content = bytearray(self.kept)
        for change in self.waiting:
            for part in choose(change):
                _apply(content, part)
        return bytes(content)


def _apply(content: bytearray, change: Change) -> None:
    if isinstance(change, Resized):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
        return
    offset = change.offset or 0
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(change.data)] = change.data


Names = dict[str, File]


@dataclass(slots=True)
class Disk:
    """A folder on a disk."""

    # What programs see, what is sure, and what was done to names since.
    seen: Names = field(default_factory=dict)
    kept: Names = field(default_factory=dict)
    waiting: list[tuple[str, File | None]] = field(default_factory=list)
    # Up to where the synchronisations reach that are under way.
    _reach: dict[str, int] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Let something happen."""
        match event:
            case Written() | Resized():
                if event.name in self.seen:
                    self.seen[event.name].change(event)
            case SyncBegun(name, task):
                self._reach[task] = self._reach_of(name)
            case SyncEnded(name, task):
                self._settle(name, self._reach.pop(task))
            case Named(old, new):
                self._name(old, new)
            case Answered():
                pass

    def _reach_of(self, name: str) -> int:
        if name == "":
            return len(self.waiting)
        file = self.seen.get(name)
        return file.settled + len(file.waiting) if file else 0

    def _settle(self, name: str, reach: int) -> None:
        if name == "":
            _rename(self.kept, self.waiting[:reach])
            del self.waiting[:reach]
        elif name in self.seen:
            self.seen[name].settle(reach)

    def _name(self, old: str | None, new: str | None) -> None:
        change: tuple[str, File | None]
        if new is None:
            change = (str(old), None)
        elif old is None and new in self.seen:
            return
        else:
            change = (new, self.seen[old] if old else File())
        _rename(self.seen, [change])
        self.waiting.append(change)

    def after(self, rest: Rest, chance: Random) -> Mapping[str, bytes]:
        """Return the files that are found when the power goes now."""
        names = dict(self.kept)
        done = {Rest.DROPPED: 0, Rest.ALL: len(self.waiting)}
        _rename(names, self.waiting[: done.get(rest, chance.randint(0, len(self.waiting)))])
        choose = _CHOICES[rest]
        return {
            name: file.after(lambda change: choose(change, chance))
            for name, file in names.items()
            if not name.endswith(NOT_KEPT)
        }


def _rename(names: Names, changes: list[tuple[str, File | None]]) -> None:
    for name, file in changes:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _some_sectors(change: Change, chance: Random) -> list[Change]:
    if isinstance(change, Resized):
        return _maybe(change, chance)
    offset = change.offset or 0
    sectors = [
        Written(change.name, offset + start, change.data[start : start + SECTOR])
        for start in range(0, len(change.data), SECTOR)
    ]
    return [sector for sector in sectors if chance.random() < 1 / 2]


def _maybe(change: Change, chance: Random) -> list[Change]:
    return [change] if chance.random() < 1 / 2 else []


_CHOICES: Final[Mapping[Rest, Callable[[Change, Random], list[Change]]]] = {
    Rest.DROPPED: lambda _change, _chance: [],
    Rest.SUBSET: _maybe,
    Rest.TORN: _some_sectors,
    Rest.ALL: lambda change, _chance: [change],
}


def put(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files into a folder, and nothing else."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o600)
