"""Run a command with a service's secrets in its environment."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import E2BIG
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.delivered import Delivered, private_files
from gateway.cli.printing import complain
from gateway.config.former_names import PREFIX

# Linux takes at most so many pages for one argument or one variable with its name.
_PAGES_OF_ONE: Final = 32
# A text ends in a NUL, and a pointer leads to it.
_NUL: Final = 1
_POINTER: Final = 8


def too_large(command: list[str], environment: Mapping[bytes, bytes]) -> str:
    """Return which text is too large to start the command, or that all are together."""
    most_of_one = _most_of_one()
    for what, size in _texts(command, environment):
        if most_of_one is not None and size > most_of_one:
            return (
                f"{what} has {size:,} bytes with its name; this system takes at most "
                f"{most_of_one:,} for one"
            )
    largest, size = max(_texts(command, environment), key=lambda text: text[1])
    total = sum(size + _POINTER for _, size in _texts(command, environment))
    return (
        f"its arguments and variables have {total:,} bytes together; this system takes at most "
        f"{_most_together():,}; the largest is {largest} with {size:,}"
    )


def _texts(command: list[str], environment: Mapping[bytes, bytes]) -> Iterator[tuple[str, int]]:
    for number, argument in enumerate(command):
        yield f"argument {number}", len(os.fsencode(argument)) + _NUL
    for name, value in environment.items():
        shown = name.decode(errors="replace")
        yield f"the variable {shown}", len(name) + len(b"=") + len(value) + _NUL


def _most_of_one() -> int | None:
    return _PAGES_OF_ONE * os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else None


def _most_together() -> int:
    return os.sysconf("SC_ARG_MAX")


NOT_FOUND: Final = 127
NOT_STARTED: Final = 126
KILLED: Final = 128

_PASSED_ON: Final = frozenset(
    {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
)
_WATCHED: Final = _PASSED_ON | {signal.SIGCHLD}
_ENDING: Final = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
# From SIGTERM to SIGKILL, as container runtimes have it.
GRACE_SECONDS: Final = 10.0
# Python ignores these, and what is ignored would be so in the child as well.
_RESTORED: Final = (signal.SIGPIPE, signal.SIGXFSZ)

Mask = set[signal.Signals | int]


@contextmanager
def holding_signals() -> Iterator[Mask]:
    """Keep signals waiting, so that none ends this process before it has cleaned up.

    Gives the mask from before, which is the child's.
    """
    # With a handler, the child's end is never thrown away, on any system.
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        yield set(before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, handler)


class Restart:
    """Ends a command when it is due, so that it can be started again: SIGTERM, then SIGKILL."""

    def __init__(self, is_due: Callable[[], bool]) -> None:
        """Take what says when. Who changes that wakes this thread by `wake`."""
        self._is_due = is_due
        self._waiting = threading.get_ident()
        self._is_cancelled = False
        self._kills = False
        self.has_begun = False

    def wake(self) -> None:
        """Have the thread that waits for the command look again."""
        signal.pthread_kill(self._waiting, signal.SIGCHLD)

    def cancel_by(self, received: int) -> None:
        """Let the command end for good if the signal asks for that."""
        if received in _ENDING:
            self._is_cancelled, self.has_begun = True, False

    def step(self, child: int) -> None:
        """Do what is due, unless a signal ends the command for good."""
        if self._is_cancelled:
            return
        if self.has_begun:
            if self._kills:
                os.kill(child, signal.SIGKILL)
        elif self._is_due():
            self.has_begun = True
            os.kill(child, signal.SIGTERM)
            grace = threading.Timer(GRACE_SECONDS, self._end_grace)
            grace.daemon = True
            grace.start()

    def _end_grace(self) -> None:
        self._kills = True
        self.wake()


def run_child(
    command: list[str],
    environment: Mapping[bytes, bytes],
    mask: Mask,
    restart: Restart | None = None,
) -> int:
    """Run a command to its end, passing signals on; return the exit code that a shell would give.

    To be called while signals are held.
    """
    restart = restart or Restart(lambda: False)
    if early := _PASSED_ON & set(signal.sigpending()):
        return KILLED + int(min(early))
    try:
        child = os.posix_spawnp(
            command[0], command, environment, setsigmask=mask, setsigdef=_RESTORED
        )
    except OSError as error:
        reason = too_large(command, environment) if error.errno == E2BIG else None
        complain(f"cannot start the command: {reason or error.strerror}.")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_STARTED
    if sys.platform != "darwin":
        _announce_end(child)
    while True:
        received, is_for_child = _wait_for_signal()
        # Before the child's end counts: the same signal can have ended it.
        restart.cancel_by(received)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return _exit_code(status)
        if is_for_child:
            os.kill(child, received)
        restart.step(child)


def _announce_end(child: int) -> None:
    """Send SIGCHLD to this thread when the child ends.

    The system's own can be taken by another thread that does not hold signals back.
    """
    waiting = threading.get_ident()

    def announce() -> None:
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        signal.pthread_kill(waiting, signal.SIGCHLD)

    threading.Thread(target=announce, daemon=True).start()


def _wait_for_signal() -> tuple[int, bool]:
    """Wait for any signal; return it, and whether the child must get it from here."""
    if sys.platform == "darwin":
        # It does not say where a signal is from.
        number = signal.sigwait(_WATCHED)
        return number, number in _PASSED_ON
    # Without a time limit: CPython's `sigtimedwait` returns memory that nobody wrote when its time
    # is over and it was interrupted, as it is when a terminal stops and continues this process.
    received = signal.sigwaitinfo(_WATCHED)
    # A terminal's Ctrl-C comes from the kernel and goes to the child too, which must not see two.
    is_for_child = received.si_signo in _PASSED_ON and received.si_code <= 0
    return received.si_signo, is_for_child


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return KILLED - code if code < 0 else code


Command = Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")]
FilesIn = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help=(
            "Folder in which the private folder for files is made; the system's temporary "
            "folder if not set."
        ),
    ),
]


def run_with(
    delivered: Delivered,
    command: list[str],
    mask: Mask,
    files_in: Path | None,
    restart: Restart | None = None,
) -> int:
    """Run a command with what a service gets, and return its exit code.

    To be called while signals are held.
    """
    with private_files(delivered.files, within=files_in) as paths:
        environment = _inherit() | _encode(delivered.variables) | _encode(paths)
        return run_child(command, environment, mask, restart)


def _inherit() -> dict[bytes, bytes]:
    # The gateway's own settings, its key among them, are not the command's. They are read in any
    # case of letters, so they are left out in any.
    prefix = PREFIX.encode()
    return {
        name: value for name, value in os.environb.items() if not name.upper().startswith(prefix)
    }


def _encode(variables: Mapping[str, str]) -> dict[bytes, bytes]:
    # UTF-8 whatever the locale: a value is delivered as it was stored.
    return {key.encode(): value.encode() for key, value in variables.items()}
