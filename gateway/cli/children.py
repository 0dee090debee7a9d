"""Running a command as a child that gets our signals, and whose end becomes ours."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import E2BIG
from typing import Final

from gateway.cli.argument_space import too_large
from gateway.cli.printing import complain

NOT_FOUND: Final = 127
NOT_STARTED: Final = 126
KILLED: Final = 128

_PASSED_ON: Final = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
    }
)
_WATCHED: Final = _PASSED_ON | {signal.SIGCHLD}
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


def run_child(command: list[str], environment: Mapping[bytes, bytes], mask: Mask) -> int:
    """Run a command to its end, passing signals on; return the exit code that a shell would give.

    To be called while signals are held.
    """
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
        number = _next_signal_for_the_child()
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return _exit_code(status)
        if number is not None:
            os.kill(child, number)


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


def _next_signal_for_the_child() -> int | None:
    """Wait for any signal; return it if the child must get it from here."""
    if sys.platform == "darwin":
        # It does not say where a signal is from.
        number = signal.sigwait(_WATCHED)
        return number if number in _PASSED_ON else None
    # Without a time limit: CPython's `sigtimedwait` returns memory that nobody wrote when its time
    # is over and it was interrupted, as it is when a terminal stops and continues this process.
    received = signal.sigwaitinfo(_WATCHED)
    if received.si_signo not in _PASSED_ON:
        return None
    # A terminal's Ctrl-C comes from the kernel and goes to the child too, which must not see two.
    return received.si_signo if received.si_code <= 0 else None


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return KILLED - code if code < 0 else code
