"""The entry point: it loads only the command that runs."""

import io
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from gateway.cli.client.address import (
    Address,
    Choice,
    NoGateway,
    OnlyOnHost,
    ProgramOptions,
    choose,
)
from gateway.cli.client.commands import CommandRow
from gateway.cli.client.refusals import UnfitAnswer
from gateway.cli.commands import COMMANDS, GROUPS
from gateway.cli.loading import load_function
from gateway.cli.printing import PROGRAM, Refused, complain, plain, say
from gateway.config.former_names import renaming_notice
from gateway.domain.errors import ErrorCode, GatewayError, RefusedStart

if TYPE_CHECKING:
    from typer._click import Command, Context


# Where a command works, by whether it does so on the host and over an API.
_PANELS: Final = {
    (True, False): "On the database of this host",
    (True, True): "On the database of this host, or over the API of a gateway",
    (False, True): "Over the API of a gateway",
}
_HELP_OPTION: Final = "--help"
_WITH_CHILD: Final = {"allow_interspersed_args": False}


class Program(TyperGroup):
    """All commands, none of which is imported yet."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as Typer passes them
        super().__init__(**options)
        groups = {
            name: TyperGroup(name=name, help=summary, no_args_is_help=True)
            for name, summary in GROUPS.items()
        }
        for name, row in COMMANDS.items():
            group_name, _, own_name = name.rpartition(" ")
            parent = groups[group_name] if group_name else self
            parent.add_command(DeferredCommand(own_name, name, row))
        for group in groups.values():
            self.add_command(group)


class DeferredCommand(TyperCommand):
    """A command in lists of commands; it parses and runs as the function that its row names."""

    def __init__(self, name: str, full_name: str, row: CommandRow) -> None:
        super().__init__(
            name,
            short_help=row.summary,
            hidden=row.name_now is not None,
            rich_help_panel=_PANELS[row.function is not None, row.remote is not None],
        )
        self._full_name = full_name
        self._row = row

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: "Context | None" = None,
        **extra: Any,  # noqa: ANN401 - as Typer declares it
    ) -> "Context":
        """Parse the arguments as the function declares them; its command runs from there on."""
        if self._row.name_now is not None:
            complain(renaming_notice(self._full_name, self._row.name_now))
        address = _address_of(parent)
        function = self._row.remote if address else self._row.function
        # A shell that completes a word has not said which gateway is meant.
        is_asked = extra.get("resilient_parsing") or _HELP_OPTION in args
        if function is None and is_asked:
            function, address = self._row.function or self._row.remote, None
        if function is None:
            raise OnlyOnHost(self._full_name, address.source) if address else NoGateway
        command = _load_command(self._row, function, address.url if address else None)
        if address is None:
            _configure_logs()
        return command.make_context(info_name, args, parent, **extra)


def _address_of(parent: "Context | None") -> Address | None:
    choice = parent.find_root().obj if parent else None
    return choice.address if isinstance(choice, Choice) else None


@cache
def _load_command(row: CommandRow, function: str, url: str | None) -> "Command":
    app = typer.Typer(add_completion=False)
    run = load_function(function)
    app.command(
        context_settings=_WITH_CHILD if row.has_child else None,
        help="\n\n".join(filter(None, (row.summary, row.details, _where(row, url)))),
    )(_refuse_unfit_answers(run) if url else run)
    return get_command(app)


def _refuse_unfit_answers(run: Callable[..., None]) -> Callable[..., None]:
    """Return the function of a command, which reads answers as if a gateway sent them."""

    @wraps(run)
    def refusing(*arguments: object, **options: object) -> None:
        try:
            run(*arguments, **options)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise UnfitAnswer from error

    return refusing


def _where(row: CommandRow, url: str | None) -> str:
    if url:
        return f"It works over the API of {url}."
    if row.function is None:
        return "It works over the API of a gateway, whose URL --url gives, before the command."
    if row.remote is None:
        return "It works on the database of this host."
    return (
        "It works on the database of this host; with a gateway's URL (--url, before the command), "
        "over its API."
    )


def _configure_logs() -> None:
    """Log by the defaults until the settings are read; the library's print local variables."""
    from gateway.config.logging import configure_logs  # noqa: PLC0415 - only commands log
    from gateway.config.types import LogFormat, LogLevel  # noqa: PLC0415 - as above

    configure_logs(LogFormat.CONSOLE, LogLevel.INFO)


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


_HELP: Final = (
    "A GraphQL gateway over a secrets domain, and a client of it.\n\n"
    "With the URL of a gateway (--url, SECRETS_GATEWAY_URL, or url in .secrets-gateway.toml), "
    "commands work over its API with a token. Without one, they work on the database of this host."
)


@cache
def _build_parser() -> Callable[..., int | None]:
    app = typer.Typer(
        name=PROGRAM,
        cls=Program,
        help=_HELP,
        no_args_is_help=True,
    )
    app.callback()(_program)
    return get_command(app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - nothing else needs it

        say(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


_Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
]
_OperatorName = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="Who you are, for the audit log.")
]
_Url = Annotated[
    str | None, typer.Option("--url", help="Work over the API of the gateway at this URL.")
]
_TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", dir_okay=False, help="File with the token for the gateway."),
]
_IsLocal = Annotated[
    bool, typer.Option("--local", help="Work on the database of this host, whatever is set.")
]
_AllowsHttp = Annotated[
    bool, typer.Option("--allow-http", help="Send the token and values in clear over http.")
]


def _program(
    context: typer.Context,
    *,
    _: _Version = False,
    operator: _OperatorName = None,
    url: _Url = None,
    token_file: _TokenFile = None,
    local: _IsLocal = False,
    allow_http: _AllowsHttp = False,
) -> None:
    """Take the options of the program itself."""
    options = ProgramOptions(url=url, token_file=token_file, is_local=local, allows_http=allow_http)
    context.obj = chosen = choose(options, os.environ)
    if operator is not None and chosen.address:
        message = "over an API, the token says who you are."
        raise typer.BadParameter(message, param_hint="--as")
    if operator is not None:
        from gateway.config.settings import hand_down  # noqa: PLC0415 - a list of commands needs none

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
        return refused.exit_code if isinstance(refused, Refused) else 1
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
