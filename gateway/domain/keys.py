"""Keys of secrets: which are valid, and which the operator denies."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.holders import is_canonical_id

# Up to this count, random 96-bit nonces repeat with a probability below 2^-34.
MAX_SEALS: Final = 2**31
MAX_AGE: Final = timedelta(days=90)


class DataKeyState(StrEnum):
    """Whether a data key seals new values (ACTIVE) or only opens old ones (RETIRING)."""

    ACTIVE = "ACTIVE"
    RETIRING = "RETIRING"


class RotationReason(StrEnum):
    AGE = "AGE"
    SEALS = "SEALS"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyFacts:
    """A data key without its key material. The instance's key has no project."""

    id: str
    project_id: str | None
    kek_id: str
    state: DataKeyState
    seal_count: int
    created_at: datetime
    values: int

    def rotation_reason(self, at: datetime) -> RotationReason | None:
        """Return why it is due for rotation; None if not. The instance's key seals no values."""
        if self.project_id is None or self.state is not DataKeyState.ACTIVE:
            return None
        if self.seal_count >= MAX_SEALS // 2:
            return RotationReason.SEALS
        return RotationReason.AGE if at - self.created_at >= MAX_AGE else None


LOADERS: Final = "@loaders"
# Variables by which dynamic loaders, shells, interpreters and common tools find or run code.
LOADER_KEYS: Final = (
    *("LD_*", "DYLD_*", "GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "HOSTALIASES"),
    *("PATH", "IFS", "ENV", "BASH_*", "BASHOPTS", "SHELLOPTS", "PS4", "PROMPT_COMMAND", "CDPATH"),
    *("ZDOTDIR", "EDITOR", "VISUAL", "PAGER", "BROWSER", "LESSOPEN", "LESSCLOSE", "SSH_ASKPASS"),
    *("GIT_*", "NODE_OPTIONS", "NODE_PATH", "NPM_CONFIG_*", "npm_config_*"),
    *("PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONBREAKPOINT"),
    *("PYTHONINSPECT", "PYTHONWARNINGS", "PERL5*", "PERLLIB", "RUBYOPT", "RUBYLIB", "GEM_*"),
    *("BUNDLE_*", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "CLASSPATH"),
    *("MAVEN_OPTS", "GRADLE_OPTS", "CATALINA_OPTS", "PHPRC", "PHP_INI_SCAN_DIR", "LUA_*"),
    *("DOTNET_STARTUP_HOOKS", "DOTNET_ADDITIONAL_DEPS", "CORECLR_*", "COR_*"),
    *("R_PROFILE*", "JULIA_LOAD_PATH", "ERL_*", "OPENSSL_CONF", "OPENSSL_ENGINES"),
    *("OPENSSL_MODULES", "SSLKEYLOGFILE", "QT_PLUGIN_PATH", "GTK_MODULES", "GIO_MODULE_DIR"),
)
_PATTERN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}\*?", re.ASCII)


class DeniedKey(InvalidInput):
    def __init__(self, key: str) -> None:
        super().__init__(Argument.KEY, f"The gateway's operator does not allow the key {key} here.")
        self.key = key


@dataclass(frozen=True, slots=True)
class DeniedKeys:
    """Patterns of keys, each for one organization (by id) or for all (None)."""

    patterns: tuple[tuple[str | None, str], ...] = ()

    @classmethod
    def read(cls, texts: Iterable[str]) -> Self:
        """Parse `KEY`, `PREFIX*` or `@loaders`, each with an optional `ORGANIZATION_ID:` prefix.

        Raises:
            ValueError: for any other text.

        """
        patterns: list[tuple[str | None, str]] = []
        for text in texts:
            organization_id, separator, pattern = text.rpartition(":")
            is_pattern = pattern == LOADERS or _PATTERN.fullmatch(pattern)
            if not is_pattern or (separator and not is_canonical_id(organization_id)):
                message = (
                    f"a denied key must be KEY, PREFIX* or {LOADERS}, and can begin with the id of "
                    "an organization and a colon"
                )
                raise ValueError(message)
            listed = LOADER_KEYS if pattern == LOADERS else (pattern,)
            patterns += [(organization_id or None, item) for item in listed]
        return cls(tuple(patterns))

    def ensure_allowed(self, key: str, *, organization_id: str) -> None:
        """Refuse a key that is denied in the organization; case matters.

        Raises:
            DeniedKey: naming the key.

        """
        for only, pattern in self.patterns:
            if only in {None, organization_id} and _matches(pattern, key):
                raise DeniedKey(key)


def _matches(pattern: str, key: str) -> bool:
    return key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern
