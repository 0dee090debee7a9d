"""The command line: each command parses, calls one use case, prints."""

from gateway.cli.interrupts import ended_by_interrupt


def main() -> None:
    """Run the command line."""
    with ended_by_interrupt():
        from gateway.cli.entry import run_command_line  # noqa: PLC0415 - Ctrl-C can end this

    run_command_line()


__all__ = ["main"]
