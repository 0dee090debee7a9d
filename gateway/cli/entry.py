"""The entry point: it runs a command and reports a refusal."""

import io
import logging
import signal
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Final

import typer
from typer.main import get_command

from gateway.cli.deferred import Program
from gateway.cli.printing import PROGRAM, complain, plain, say
from gateway.cli.refusals import Refused
from gateway.domain.errors import ErrorCode, GatewayError, RefusedStart

_INTERRUPTED: Final = 128 + signal.SIGINT

# The standard library's: an error can come before structlog is imported.
_log = logging.getLogger(__name__)


def run_command_line() -> None:
    """Run the command that the arguments name; say in one line what is in the way."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A name that the terminal cannot show is no reason to fail.
            sys.stdout.reconfigure(errors="backslashreplace")
        status = _status(_build_parser())
    except KeyboardInterrupt:
        # Before or after the command, which ends with this status by itself.
        status = _INTERRUPTED
    raise SystemExit(status)


@cache
def _build_parser() -> Callable[..., int | None]:
    app = typer.Typer(
        name=PROGRAM,
        cls=Program,
        help="A GraphQL gateway over a secrets domain.",
        no_args_is_help=True,
    )
    app.callback()(_program)
    return get_command(app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - nothing else needs it

        say(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


def _program(
    *,
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    operator: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who you are, for the audit log."),
    ] = None,
) -> None:
    """Take the options of the program itself."""
    if operator is not None:
        from gateway.settings import hand_down  # noqa: PLC0415 - a list of commands needs none

        hand_down(operator=operator)


def _status(run: Callable[..., int | None]) -> int:
    try:
        return run(prog_name=PROGRAM, standalone_mode=False) or 0
    except typer.TyperException as refused:
        _complain_of_usage(refused)
        return refused.exit_code
    except OSError as error:
        reason = error.strerror or "the system refuses it"
        complain(f"{error.filename}: {reason}." if error.filename else f"{reason}.")
    except (Refused, RefusedStart, GatewayError) as refused:
        complain(f"{refused}{_hint(refused)}")
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it is reported in one line
        _log.error("unexpected_error", exc_info=error)
        complain("internal error.")
    return 1


def _complain_of_usage(refused: typer.TyperException) -> None:
    message = refused.format_message()
    if message.startswith("Got unexpected extra argument"):
        # They may be a value that should have come from standard input.
        message = "Got more arguments than this command has."
    if message:
        complain(plain(message))


def _hint(refused: Exception) -> str:
    if isinstance(refused, GatewayError) and refused.code is ErrorCode.NOT_EMPTY:
        return " (On the command line: --with-content. --dry-run shows what would be deleted.)"
    return ""
