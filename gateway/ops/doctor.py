"""Diagnosis of the whole installation: what is well, what is doubtful, what is wrong."""

import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.config.production_checks import doubts
from gateway.config.settings import Settings
from gateway.domain.errors import GatewayError, RefusedStart
from gateway.ops.recovery import database_file
from gateway.runtime import Runtime
from gateway.services.operator.container import CheckUp
from gateway.storage.dialects.copies import Unsound, ensure_sound, faults_of, is_bare

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class State(StrEnum):
    WELL = "well"
    DOUBT = "doubt"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    state: State
    message: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Check the whole installation, and yield a finding for each check."""
    for finding in (*_settings(settings), *_permissions(settings), *_database(settings)):
        yield finding
    try:
        await ensure_issuers_can_be_asked(settings)
        async with Runtime.over(settings).running() as runtime:
            yield Finding("start", State.WELL, "The gateway starts: schema, pragmas, key file.")
            async for finding in _content(runtime.operator.check_up):
                yield finding
    except (RefusedStart, GatewayError) as refused:
        yield Finding("start", State.FAULT, str(refused))


async def ensure_issuers_can_be_asked(settings: Settings) -> None:
    """Read the trusted certificates, as `serve` does; no issuer is asked.

    Raises:
        RefusedStart: if they cannot be read.

    """
    if not settings.issuers:
        return
    from gateway.identity.verifier import Verifier  # noqa: PLC0415 - it imports an HTTP client

    try:
        async with Verifier(settings.issuers):
            pass
    except OSError as error:
        message = f"The trusted certificates cannot be read: {error.strerror}."
        raise RefusedStart(message) from error


def examine_copy(path: Path) -> Finding:
    """Check a copy of a database by itself."""
    try:
        ensure_sound(path)
    except Unsound as unsound:
        return Finding("copy", State.FAULT, str(unsound))
    return Finding("copy", State.WELL, f"{path} is a complete database.")


def _settings(settings: Settings) -> Iterator[Finding]:
    found = doubts(settings)
    for doubt in found:
        is_fault = doubt.stops_production and settings.is_production
        state = State.FAULT if is_fault else State.DOUBT
        yield Finding("settings", state, f"{doubt.setting}: {doubt.message}")
    if not found:
        yield Finding("settings", State.WELL, "No setting is doubtful.")


def _permissions(settings: Settings) -> Iterator[Finding]:
    database = database_file(settings)
    # The database can be open to others in a folder that is not.
    guarded = [settings.resolved_key_file, settings.data_dir]
    guarded += [database.parent] if database.parent != settings.data_dir else []
    there = [path for path in guarded if path.exists()]
    found = [path for path in there if path.stat().st_mode & _OTHERS]
    for path in found:
        mode = stat.S_IMODE(path.stat().st_mode)
        fix = 700 if path.is_dir() else 600
        yield Finding(
            "permissions", State.FAULT, f"{path} is open to others (mode {mode:o}): chmod {fix} it."
        )
    # The start reports missing files.
    if there and not found:
        read = "the key file and the data" if settings.resolved_key_file in there else "the data"
        yield Finding("permissions", State.WELL, f"Only the owner reads {read}.")


def _database(settings: Settings) -> Iterator[Finding]:
    path = database_file(settings)
    if not path.is_file():
        # The start says what to do then.
        return
    # Opening it creates a WAL for a moment, so this check comes first.
    bare = is_bare(path)
    try:
        faults = faults_of(path)
    except Unsound as unsound:
        yield Finding("database", State.FAULT, str(unsound))
        return
    for fault in faults:
        yield Finding("database", State.FAULT, f"{path}: {fault}")
    if bare:
        yield Finding(
            "wal",
            State.DOUBT,
            f"{path} has no WAL beside it. That is normal after an orderly stop; if the file was "
            "copied from a running gateway, its last changes are missing.",
        )
    if not faults:
        yield Finding("database", State.WELL, "SQLite finds the database intact.")


async def _content(check_up: CheckUp) -> AsyncIterator[Finding]:
    found = await check_up.foreign_objects()
    for difference in found:
        yield Finding(
            "catalog",
            State.FAULT,
            f"{difference}: the gateway did not do this. Undo it; until then nothing is written.",
        )
    if not found:
        yield Finding("catalog", State.WELL, "Tables, indexes and triggers are the gateway's own.")
    count = await check_up.ensure_readable()
    yield Finding(
        "keys", State.WELL, f"A value of each of {count} project{'s' * (count != 1)} opens."
    )
    if ahead := await check_up.time_ahead():
        yield Finding(
            "clock",
            State.DOUBT,
            f"The newest stored time, {ahead.isoformat(timespec='seconds')}, is in the future: "
            "set the clock.",
        )
    else:
        yield Finding("clock", State.WELL, "No stored time is in the future.")
