"""The command line: each command parses, calls one use case, prints."""

import signal


def main() -> None:
    """Run the command line."""
    # Importing the program takes a second or so. Ctrl-C ends the process meanwhile as it ends any
    # other: by the signal and without a traceback. A handler of somebody else stays.
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from gateway.cli.entry import run_command_line  # noqa: PLC0415 - see above

    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run_command_line()


__all__ = ["main"]
