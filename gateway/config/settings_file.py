"""The settings file, and the former names that it and the environment use."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    TomlConfigSettingsSource,
)

from gateway.config.former_names import FORMER_SETTINGS, PREFIX
from gateway.crypto.private_files import ensure_own
from gateway.domain.errors import RefusedStart

SETTINGS_FILE: Final = Path("secrets-gateway.toml")


class MisreadSettingsFile(RefusedStart):
    def __init__(self, error: ValueError) -> None:
        position = re.search(r" \(at [a-z0-9 ,]+\)$", str(error))
        super().__init__(
            f"{SETTINGS_FILE}: the file is not TOML in UTF-8{position[0] if position else ''}."
        )


def settings_file(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    """Return the settings in the file, if there is one, each under its current name.

    Raises:
        UnsafeFile: if anybody but the user and root can change it.
        MisreadSettingsFile: if it is not TOML.

    """
    if os.path.lexists(SETTINGS_FILE):
        ensure_own(SETTINGS_FILE)
    try:
        source = TomlConfigSettingsSource(settings_cls)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisreadSettingsFile(error) from None
    for old, new in FORMER_SETTINGS.items():
        if old in source.init_kwargs:
            source.init_kwargs.setdefault(new, source.init_kwargs.pop(old))
    return source


def names_in_file() -> frozenset[str]:
    """Return the names in the settings file, after it was read without an error."""
    if not SETTINGS_FILE.exists():
        return frozenset()
    return frozenset(tomllib.loads(SETTINGS_FILE.read_text(encoding="utf-8")))


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
