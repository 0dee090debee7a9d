"""Run an operator's command on the database, with its errors as text."""

import asyncio
import os
import pwd
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from gateway.cli.printing import PROGRAM, Refused, complain, plain, title_and_id_of
from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogLevel
from gateway.domain.holders import Holder
from gateway.domain.origins import MAX_OPERATOR_LENGTH, Operator, operating
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound, OrganizationNotFound
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.runtime import Runtime
from gateway.services.operator.directory import Named


class UnfitUserName(Refused):
    def __init__(self, source: str) -> None:
        super().__init__(
            f"{source} must have 1 to {MAX_OPERATOR_LENGTH} characters and no control characters."
        )


def current_operator(name: str | None) -> Operator:
    """Return who runs this process.

    The user is the system's own. The login is what sudo or the terminal says, which root can
    change; the name is what the operator says.

    Raises:
        UnfitUserName: for a name with control characters.

    """
    uid = os.getuid()
    login = _login()
    user = _user_of(uid)
    return Operator(user=user, uid=uid, login=None if login == user else login, name=name)


def _user_of(uid: int) -> str:
    # A container's user may have no name.
    with suppress(KeyError):
        return _fit(pwd.getpwuid(uid).pw_name, "The name of the user")
    return str(uid)


def _login() -> str | None:
    if by_sudo := os.environ.get("SUDO_USER"):
        return _fit(by_sudo, "SUDO_USER")
    with suppress(OSError):
        return _fit(os.getlogin(), "The name of the login")
    return None


def _fit(text: str, source: str) -> str:
    if not Operator.is_fit(text):
        raise UnfitUserName(source)
    return text


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


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderLocation:
    """Where a holder is, as far as options tell: each a name or an id."""

    organization: str
    project: str | None = None
    environment: str | None = None

    @property
    def path(self) -> tuple[Named, ...]:
        """The holders above, the widest first."""
        above = ((Scope.PROJECT, self.project), (Scope.ENVIRONMENT, self.environment))
        return tuple(Named((kind,), text) for kind, text in above if text is not None)


class NotAService(Refused):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not a service: give the id of one.")


async def service_of(runtime: Runtime, service_id: str) -> Holder:
    """Return the service with that id.

    Raises:
        NotAService: naming what else has the id.
        HolderNotFound: if nothing has it.

    """
    try:
        found = await runtime.operator.directory.holder(holder_id=service_id)
    except HolderNotFound:
        with suppress(OrganizationNotFound):
            owner = await runtime.operator.directory.organization(named=service_id)
            message = f"organization {owner.name} ({owner.id})"
            raise NotAService(message) from None
        raise
    if not found.kind.is_service:
        raise NotAService(title_and_id_of(found))
    return found


async def operator_of(runtime: Runtime, organization: str) -> Principal:
    found = await runtime.operator.directory.organization(named=organization)
    return Principal.operator(found.id)


async def find(
    runtime: Runtime, where: HolderLocation, kinds: Sequence[Scope], text: str
) -> tuple[Principal, Holder]:
    """Return a holder by its name or id, and the operator speaking for its organization."""
    operator = await operator_of(runtime, where.organization)
    holder = await runtime.operator.directory.locate(
        organization_id=operator.organization_id, path=(*where.path, Named(tuple(kinds), text))
    )
    return operator, holder


def kinds_of(kind: Scope | None) -> tuple[Scope, ...]:
    """Return the kinds of service that are meant; without one, all of them."""
    return (kind,) if kind else SERVICE_SCOPES
