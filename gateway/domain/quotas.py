"""What the instance's operator limits: numbers of objects, and the keys of secrets."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from gateway.domain.errors import Argument, Conflict, ErrorCode, InvalidInput
from gateway.domain.holders import is_canonical_id


class QuotaExceeded(Conflict):
    code = ErrorCode.QUOTA_EXCEEDED

    def __init__(self, maximum: int, contents: str, argument: Argument) -> None:
        super().__init__(
            f"{contents} must be at most {maximum}. Delete what is not needed, or ask the "
            "gateway's operator to raise the quota.",
            argument,
        )
        self.maximum = maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The bounds; each method raises `QuotaExceeded` if there is no room for one more."""

    tokens_per_organization: int = 10_000
    users_per_organization: int = 10_000
    projects_per_organization: int = 1_000
    holders_per_project: int = 10_000
    secrets_per_holder: int = 10_000

    def ensure_room_for_token(self, count: int) -> None:
        _ensure(count, self.tokens_per_organization, "Valid API tokens of an organization")

    def ensure_room_for_user(self, count: int) -> None:
        _ensure(count, self.users_per_organization, "Users of an organization")

    def ensure_room_for_project(self, count: int) -> None:
        _ensure(count, self.projects_per_organization, "Projects of an organization")

    def ensure_room_for_holder(self, count: int) -> None:
        _ensure(count, self.holders_per_project, "Environments and services of a project")

    def ensure_room_for_secret(self, count: int) -> None:
        _ensure(count, self.secrets_per_holder, "Secrets of a holder", Argument.KEY)


def _ensure(count: int, maximum: int, contents: str, argument: Argument = Argument.NAME) -> None:
    if count >= maximum:
        raise QuotaExceeded(maximum, contents, argument)


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
