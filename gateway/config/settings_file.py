"""The settings file, and the former names that it and the environment use."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    TomlConfigSettingsSource,
)

from gateway.config.former_names import FORMER_SETTINGS
from gateway.domain.errors import RefusedStart

PREFIX: Final = "SECRETS_GATEWAY_"


SETTINGS_FILE: Final = Path("secrets-gateway.toml")
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_ROOT: Final = 0


class MisreadSettingsFile(RefusedStart):
    def __init__(self, error: ValueError) -> None:
        position = re.search(r" \(at [a-z0-9 ,]+\)$", str(error))
        super().__init__(
            f"{SETTINGS_FILE}: the file is not TOML in UTF-8{position[0] if position else ''}."
        )


class UnsafeSettingsFile(RefusedStart):
    """Somebody else can write the settings, and so choose the database and the keys."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{SETTINGS_FILE} is not used: {path} {reason}")


def settings_file(
    settings_cls: type[BaseSettings], former_names: Mapping[str, str]
) -> PydanticBaseSettingsSource:
    """Return the settings in the file, if there is one, each under its current name.

    Raises:
        UnsafeSettingsFile: if anybody but the user and root can write it, replace it, or point its
        link elsewhere.
        MisreadSettingsFile: if it is not TOML.

    """
    if os.path.lexists(SETTINGS_FILE):
        _ensure_own(SETTINGS_FILE)
    try:
        source = TomlConfigSettingsSource(settings_cls)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisreadSettingsFile(error) from None
    for old, new in former_names.items():
        if old in source.init_kwargs:
            source.init_kwargs.setdefault(new, source.init_kwargs.pop(old))
    return source


def names_in_file() -> frozenset[str]:
    """Return the names in the settings file, after it was read without an error."""
    if not SETTINGS_FILE.exists():
        return frozenset()
    return frozenset(tomllib.loads(SETTINGS_FILE.read_text(encoding="utf-8")))


def _ensure_own(path: Path) -> None:
    if not path.exists():
        return
    # A loop of symbolic links counts as a missing file, so this ends.
    while path.is_symlink():
        _ensure_owner(path, path.lstat())
        _ensure_folder(path.parent)
        path = path.parent / path.readlink()
    status = path.stat()
    _ensure_owner(path, status)
    if status.st_mode & _OTHERS:
        raise UnsafeSettingsFile(path, f"{_mode(status)}: chmod go-w it.")
    _ensure_folder(path.parent)


def _ensure_folder(folder: Path) -> None:
    status = folder.stat()
    _ensure_owner(folder, status)
    # In a sticky folder others cannot replace the file; nobody can on a read-only file system.
    is_kept = status.st_mode & stat.S_ISVTX or os.statvfs(folder).f_flag & os.ST_RDONLY
    if status.st_mode & _OTHERS and not is_kept:
        raise UnsafeSettingsFile(folder.absolute(), f"{_mode(status)}: chmod go-w it.")


def _ensure_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in {_ROOT, os.geteuid()}:
        raise UnsafeSettingsFile(
            path.absolute(), "belongs to another user: it must be this user's or root's."
        )


def _mode(status: os.stat_result) -> str:
    return f"can be written by others (mode {stat.S_IMODE(status.st_mode):o})"


def former_variables() -> dict[str, Any]:
    variables = {new: variable_of(old) for old, new in FORMER_SETTINGS.items()}
    return {new: os.environ[name] for new, name in variables.items() if name in os.environ}


def variable_of(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def former_names_in_use() -> Mapping[str, str]:
    """Return the former names that the environment or the file uses, with the current names."""
    names = names_in_file()
    in_file = {old: new for old, new in FORMER_SETTINGS.items() if old in names}
    variables = {variable_of(old): variable_of(new) for old, new in FORMER_SETTINGS.items()}
    return in_file | {old: new for old, new in variables.items() if old in os.environ}
