"""The entry point: which commands there are, and how a refusal is told."""

import io
import signal
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from types import MappingProxyType
from typing import Annotated, Final

import structlog
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from typer.main import get_command

from gateway.cli import (
    audit,
    copies,
    explaining,
    exports,
    grants,
    graphs,
    holders,
    imports,
    keys,
    launching,
    organizations,
    provided,
    server,
    tokens,
    topology,
)
from gateway.cli.printing import PROGRAM, complain, say
from gateway.cli.refusals import Refused
from gateway.domain.errors import ErrorCode, GatewayError, RefusedStart
from gateway.logs import configure_logs
from gateway.setting_kinds import LogFormat, LogLevel
from gateway.settings import hand_down

Command = Callable[..., None]

_INTERRUPTED: Final = 128 + signal.SIGINT
# The child's own options are not ours.
_PASSES_ON: Final = {"allow_interspersed_args": False}

COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        "migrate": server.migrate,
        "check": server.check,
        "demo": server.demo,
        "serve": server.serve,
        "doctor": copies.doctor,
        "backup": copies.backup,
        "restore": copies.restore,
        "export": exports.export,
        "import": imports.import_file,
        "explain": explaining.explain,
        "graph": graphs.graph,
        "apply": topology.apply,
    }
)
GROUPS: Final[Mapping[str, tuple[str, Mapping[str, Command]]]] = MappingProxyType(
    {
        "token": (
            "Create, list and revoke API tokens.",
            {
                "create": tokens.create_token,
                "list": tokens.list_tokens,
                "revoke": tokens.revoke_token,
            },
        ),
        "grant": (
            "Say who may do what, and where.",
            {
                "add": grants.add_grant,
                "list": grants.list_grants,
                "remove": grants.remove_grant,
            },
        ),
        "user": (
            "Let people in whom an OpenID Connect provider vouches for.",
            {"add": grants.add_user, "remove": grants.remove_user},
        ),
        "organization": (
            "Create, list, show, rename and delete organizations.",
            {
                "create": organizations.create_organization,
                "list": organizations.list_organizations,
                "show": organizations.show_organization,
                "rename": organizations.rename_organization,
                "delete": organizations.delete_organization,
            },
        ),
        "project": (
            "Create, rename and delete projects.",
            {
                "create": holders.create_project,
                "rename": holders.rename_project,
                "delete": holders.delete_project,
            },
        ),
        "environment": (
            "Create, rename and delete environments.",
            {
                "create": holders.create_environment,
                "rename": holders.rename_environment,
                "delete": holders.delete_environment,
            },
        ),
        "service": (
            "Create, rename and delete services.",
            {
                "create": holders.create_service,
                "rename": holders.rename_service,
                "delete": holders.delete_service,
            },
        ),
        "keys": (
            "Show and rotate the keys that seal values.",
            {
                "status": keys.key_status,
                "rotate": keys.rotate_keys,
                "rewrap": keys.rewrap_keys,
                "retire": keys.retire_keys,
            },
        ),
        "audit": (
            "Verify, export and prune the audit trail; look for rows changed past the gateway.",
            {
                "verify": audit.verify,
                "export": audit.export,
                "head": audit.head,
                "prune": audit.prune,
                "scrub": audit.scan_integrity,
                "acknowledge": audit.acknowledge,
            },
        ),
        "builtin": (
            "Register and rotate the secrets that the platform provides.",
            {"register": provided.register_built_in, "rotate": provided.rotate_built_in},
        ),
    }
)


def run_command_line() -> None:
    """Run the command that the arguments name; say in one line what is in the way."""
    try:
        # Until the settings say how; by default, logging would print local variables.
        configure_logs(LogFormat.CONSOLE, LogLevel.INFO)
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
    """Return the commands as they are parsed: putting them together takes a tenth of a second."""
    app = typer.Typer(
        name=PROGRAM,
        help="A GraphQL gateway over a secrets domain.",
        no_args_is_help=True,
        # They show local variables, which may be values.
        pretty_exceptions_enable=False,
    )
    for name, command in COMMANDS.items():
        app.command(name)(command)
    app.callback()(_program)
    app.command("run", context_settings=_PASSES_ON)(launching.run_command)
    for name, (help_text, commands) in GROUPS.items():
        group = typer.Typer(help=help_text, no_args_is_help=True)
        for own_name, command in commands.items():
            group.command(own_name)(command)
        app.add_typer(group, name=name)
    return get_command(app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it
    if wanted:
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
        hand_down(operator=operator)


def _status(run: Callable[..., int | None]) -> int:
    try:
        return run(prog_name=PROGRAM, standalone_mode=False) or 0
    except typer.TyperException as refused:
        _complain_of_usage(refused)
        return refused.exit_code
    except ValidationError as refused:
        for error in refused.errors(include_input=False, include_url=False):
            complain(f"setting {'.'.join(map(str, error['loc']))}: {_plain(error['msg'])}")
    except SettingsError as refused:
        # It names the setting, and not what stands there.
        complain(f"{refused}.")
    except OSError as error:
        reason = error.strerror or "the system refuses it"
        complain(f"{error.filename}: {reason}." if error.filename else f"{reason}.")
    except (Refused, RefusedStart, GatewayError) as refused:
        complain(f"{refused}{_hint(refused)}")
    except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it is told in one line
        structlog.get_logger(__name__).error("unexpected_error", exc_info=error)
        complain("internal error.")
    return 1


def _complain_of_usage(refused: typer.TyperException) -> None:
    message = refused.format_message()
    if message.startswith("Got unexpected extra argument"):
        # They may be a value that should have come from standard input.
        message = "Got more arguments than this command has."
    if message:
        complain(_plain(message))


def _plain(message: str) -> str:
    """Return what a library says, without the name of the error that it had from us."""
    message = message.replace("Extra inputs are not permitted", "There is no such setting.")
    return message.replace("Value error, ", "")


def _hint(refused: Exception) -> str:
    if isinstance(refused, GatewayError) and refused.code is ErrorCode.NOT_EMPTY:
        return " (--with-content does; add --dry-run to see what goes.)"
    return ""
