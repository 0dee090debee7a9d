"""What strace saw of a process and its children, as events in the order of time.

Only what goes to one folder counts, and the beginnings of answers over sockets: by those a client
knows that something was done.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CALLS: Final = (
    *("openat", "pwrite64", "write", "writev", "sendto", "sendmsg", "ftruncate"),
    *("fsync", "fdatasync", "unlink", "unlinkat", "rename", "renameat", "renameat2"),
    *("link", "linkat", "mkdir"),
)
# Strings are told whole and in hexadecimal, files by their paths, sockets by their ends.
_OPTIONS: Final = ("-f", "-qq", "-yy", "-xx", "-s", "70000", "--seccomp-bpf", "-e", "signal=none")
_LINE: Final = re.compile(r"(\d+) +(.*)", re.DOTALL)
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>(.*)", re.DOTALL)
_CALL: Final = re.compile(r"(\w+)\((.*)\) += (-?\d+)", re.DOTALL)
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE: Final = re.compile(r"\d+<((?:\\x[0-9a-f]{2})+)>")
_SENDS: Final = re.compile(r"(?:write|writev|sendto|sendmsg)\(\d+<TCP:\[[^>]*->[^>]*:(\d+)\]>, ")
_UNFINISHED: Final = " <unfinished ...>"
_ANSWER: Final = r"\x48\x54\x54\x50\x2f\x31\x2e\x31\x20\x32"  # HTTP/1.1 2
_AT_DIRECTORY: Final = -100


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes that were given to a file; without an offset, at its end."""

    name: str
    offset: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file that was cut off or made longer."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class SyncBegun:
    """From here on what was written is on its way to the disk; without a name, of the folder."""

    name: str
    task: str


@dataclass(frozen=True, slots=True)
class SyncEnded:
    """What was written before it began is on the disk."""

    name: str
    task: str


@dataclass(frozen=True, slots=True)
class Named:
    """A file that came to be, got a second name or another one, or lost one."""

    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """The beginning of a successful answer left for the client at this port."""

    port: int


Event = Written | Resized | SyncBegun | SyncEnded | Named | Answered


def is_traceable() -> bool:
    """Tell whether processes can be traced here."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = subprocess.run([strace, "-qq", "-o", "/dev/null", "true"], check=False)
    return tried.returncode == 0


def tracing(trace: Path, *program: str) -> list[str]:
    """Return the command that runs a program and writes its trace there."""
    return ["strace", *_OPTIONS, "-e", f"trace={','.join(_CALLS)}", "-o", str(trace), *program]


def events(lines: Iterable[str], folder: Path) -> Iterator[Event]:
    """Give what happened to a folder, and to whom answers went."""
    begun: dict[str, str] = {}
    for line in lines:
        found = _LINE.fullmatch(line.rstrip("\n"))
        if found is None:
            continue
        task, text = found.groups()
        resumed = _RESUMED.fullmatch(text)
        if resumed:
            call = begun.pop(task, "") + resumed[1]
        else:
            yield from _at_its_beginning(task, text, folder)
            if text.endswith(_UNFINISHED):
                begun[task] = text.removesuffix(_UNFINISHED)
                continue
            call = text
        yield from _at_its_end(task, call, folder)


def _at_its_beginning(task: str, text: str, folder: Path) -> Iterator[Event]:
    sends = _SENDS.match(text)
    if sends and _ANSWER in text:
        yield Answered(int(sends[1]))
    if text.startswith(("fsync(", "fdatasync(")):
        for name in _names(_FILE, text, folder):
            yield SyncBegun(name, task)


def _at_its_end(task: str, call: str, folder: Path) -> Iterator[Event]:
    found = _CALL.match(call)
    if found is None or int(found[3]) < 0:
        return
    name, arguments, result = found[1], found[2], int(found[3])
    if name in {
        "openat",
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
        "link",
        "linkat",
    }:
        yield from _naming(name, arguments, folder)
        return
    for file in _names(_FILE, arguments, folder):
        if name in {"fsync", "fdatasync"}:
            yield SyncEnded(file, task)
        elif name == "ftruncate":
            yield Resized(file, int(arguments.rpartition(", ")[2]))
        elif name in {"pwrite64", "write"}:
            given = _bytes(_TEXT.findall(arguments)[0])[:result]
            offset = int(arguments.rpartition(", ")[2]) if name == "pwrite64" else None
            yield Written(file, offset, given)
        else:
            raise AssertionError(call[:200])


def _naming(call: str, arguments: str, folder: Path) -> Iterator[Event]:
    paths = [_bytes(text).decode() for text in _TEXT.findall(arguments)]
    names = [str(Path(path).name) for path in paths if Path(path).parent == folder]
    if not names:
        return
    if call == "openat":
        if "O_CREAT" in arguments:
            yield Named(None, names[0])
    elif call.startswith("unlink"):
        yield Named(names[0], None)
    elif call.startswith("rename"):
        old, new = names
        yield Named(old, new)
        yield Named(old, None)
    else:
        old, new = names
        yield Named(old, new)


def _names(pattern: re.Pattern[str], text: str, folder: Path) -> Iterator[str]:
    for raw in pattern.findall(text)[:1]:
        path = Path(_bytes(raw).decode())
        if path == folder:
            yield ""
        elif path.parent == folder:
            yield path.name


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(r"\x", ""))
