"""What every command stands on: the settings, and a gateway that is open while it works."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from gateway.cli.operators import current_operator
from gateway.cli.printing import PROGRAM, complain, plain
from gateway.cli.refusals import Refused
from gateway.domain.origins import operating
from gateway.domain.principals import Principal
from gateway.logs import configure_logs
from gateway.runtime import Runtime
from gateway.setting_kinds import LogLevel
from gateway.settings import Settings

Result = TypeVar("Result")


class NoData(Refused):
    def __init__(self, folder: Path) -> None:
        is_missing = not folder.exists()
        super().__init__(
            f"there is no folder {folder}: run `{PROGRAM} migrate` to make it."
            if is_missing
            else f"{folder} is not a folder: name another one in `data_dir`."
        )


def settings() -> Settings:
    """Return the settings, and log as they say; if they do not, only what calls for attention."""
    read = _read()
    is_given = "log_level" in read.model_fields_set
    configure_logs(read.log_format, read.log_level if is_given else LogLevel.WARNING)
    return read


def _read() -> Settings:
    try:
        return Settings()
    except ValidationError as refused:
        for error in refused.errors(include_input=False, include_url=False):
            complain(f"setting {'.'.join(map(str, error['loc']))}: {plain(error['msg'])}")
        raise typer.Exit(1) from None
    except SettingsError as refused:
        # It names the setting, and not what stands there.
        message = f"{refused}."
        raise Refused(message) from None


def run(work: Callable[[Runtime], Coroutine[Any, Any, Result]]) -> Result:
    """Open the gateway, do the work, close it again."""
    read = settings()
    if read.database_url is None and not read.data_dir.is_dir():
        raise NoData(read.data_dir)

    async def opened() -> Result:
        with operating(current_operator(read.operator)):
            async with Runtime.over(read).running() as runtime:
                return await work(runtime)

    return asyncio.run(opened())


async def nothing(_: Runtime) -> None:
    """Only open and close."""


async def operator_at(runtime: Runtime, holder_id: str) -> Principal:
    """Return the operator, speaking for the organization that the holder is in."""
    holder = await runtime.operator.directory.holder(holder_id=holder_id)
    return Principal.operator(holder.organization_id)
