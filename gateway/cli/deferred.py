"""Commands that are imported when they are chosen: the one place that imports by name."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from gateway.cli.commands import COMMANDS, GROUPS, CommandRow
from gateway.cli.interrupts import ended_by_interrupt
from gateway.cli.printing import complain
from gateway.domain.former_names import renaming_notice

if TYPE_CHECKING:
    # Typer has a copy of Click and gives its classes no public names.
    from typer._click import Command, Context

_PACKAGE: Final = "gateway.cli"
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
        super().__init__(name, short_help=row.summary, hidden=row.name_now is not None)
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
        command = _load_command(self._row)
        _configure_logs()
        return command.make_context(info_name, args, parent, **extra)


def _load_function(row: CommandRow) -> Callable[..., None]:
    module_name, _, function_name = row.function.partition(":")
    with ended_by_interrupt():
        module = import_module(f"{_PACKAGE}.{module_name}")
    function: Callable[..., None] = getattr(module, function_name)
    return function


@cache
def _load_command(row: CommandRow) -> "Command":
    app = typer.Typer(add_completion=False)
    app.command(
        context_settings=_WITH_CHILD if row.has_child else None,
        help=f"{row.summary}\n\n{row.details}".rstrip(),
    )(_load_function(row))
    return get_command(app)


def _configure_logs() -> None:
    """Log by the defaults until the settings are read; the library's print local variables."""
    from gateway.logs import configure_logs  # noqa: PLC0415 - only commands log
    from gateway.setting_kinds import LogFormat, LogLevel  # noqa: PLC0415 - as above

    configure_logs(LogFormat.CONSOLE, LogLevel.INFO)
