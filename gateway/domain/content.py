"""The content of secrets: plain values, files, and sealed values that never show themselves."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from posixpath import normpath
from typing import Final, NoReturn, SupportsIndex

from gateway.domain.errors import Argument, InvalidInput


class NeverStored:
    """The base of types that hold a value or a key in plaintext: they cannot be pickled."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse.

        Raises:
            TypeError: always.

        """
        message = f"{type(self).__name__} cannot be pickled."
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class SealedValue:
    data_key_id: str
    ciphertext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueIdentity:
    """What a sealed value is bound to: moved to another row, it does not open."""

    organization_id: str
    project_id: str
    secret_id: str
    value_version: int


def repr_without_values(self: object) -> str:
    """Serve as the `__repr__` of a type that carries a value in plaintext."""
    return f"{type(self).__name__}(***)"


MAX_KEY_LENGTH: Final = 255
MAX_DESCRIPTION_LENGTH: Final = 255
MAX_NAME_LENGTH: Final = 255
MAX_VALUE_BYTES: Final = 64 * 1024
MAX_MOUNT_PATH_LENGTH: Final = 1024
# The limit of common file systems.
MAX_FILE_NAME_BYTES: Final = 255
RESERVED_PREFIX: Final = "QOVERY_"

_KEY: Final = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_KEY_LENGTH - 1}}}", re.ASCII)
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Control and format characters, surrogates, and separators of lines and paragraphs. They are
# invisible and change how the text around them looks.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DESCRIPTION_BREAKS: Final = re.compile(r"\r?\n|\t")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_MOMENT_RULE: Final = "A time must be RFC 3339 with an offset, like 2026-01-31T09:30:00Z."
_KERNEL_FOLDERS: Final = ("/proc", "/sys", "/dev")


def ensure_key(key: str) -> None:
    """Refuse a key that cannot name an environment variable, or that only the platform can use.

    Raises:
        InvalidInput: naming the rule, never the key.

    """
    ensure_key_syntax(key)
    if key.upper().startswith(RESERVED_PREFIX):
        raise InvalidInput(
            Argument.KEY,
            f"A key must not begin with {RESERVED_PREFIX}, the prefix of built-in secrets.",
        )


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def ensure_key_syntax(key: str) -> None:
    """Refuse a text that does not have the syntax of a key; built-in keys follow it too.

    Raises:
        InvalidInput: naming the rule, never the key.

    """
    if not is_key(key):
        raise InvalidInput(
            Argument.KEY,
            "A key must begin with a letter and have only ASCII letters, digits and underscores, "
            f"at most {MAX_KEY_LENGTH} characters.",
        )


def ensure_value(value: str) -> None:
    """Refuse a value that some database or process cannot hold.

    Raises:
        InvalidInput: naming the rule, never the value.

    """
    if utf8_length(value, Argument.VALUE) > MAX_VALUE_BYTES:
        raise InvalidInput(
            Argument.VALUE, f"A value must be at most {MAX_VALUE_BYTES // 1024} KiB of UTF-8."
        )


def ensure_description(description: str) -> None:
    """Refuse a description that is too long, cannot be stored, or has invisible characters.

    Raises:
        InvalidInput: naming the rule.

    """
    utf8_length(description, Argument.DESCRIPTION)
    if len(description) > MAX_DESCRIPTION_LENGTH:
        raise InvalidInput(
            Argument.DESCRIPTION,
            f"A description must be at most {MAX_DESCRIPTION_LENGTH} characters long.",
        )
    if _has_unseen(_DESCRIPTION_BREAKS.sub("", description)):
        raise InvalidInput(
            Argument.DESCRIPTION,
            "A description must not have control or format characters, except line breaks and "
            "tabs.",
        )


def ensure_name(name: str) -> None:
    """Refuse a name of a holder, an organization or a token that cannot be shown or stored.

    Raises:
        InvalidInput: naming the rule.

    """
    utf8_length(name, Argument.NAME)
    if not 0 < len(name) <= MAX_NAME_LENGTH or _has_unseen(name) or name != name.strip():
        raise InvalidInput(
            Argument.NAME,
            f"A name must have 1 to {MAX_NAME_LENGTH} characters, no control or format characters, "
            "and no space at its beginning or end.",
        )


def _has_unseen(text: str) -> bool:
    return any(unicodedata.category(character) in _UNSEEN for character in text)


def ensure_idempotency_key(key: str) -> None:
    """Refuse an idempotency key that a header cannot carry.

    Raises:
        InvalidInput: naming the rule.

    """
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidInput(
            Argument.IDEMPOTENCY_KEY,
            "An idempotency key must have 1 to 255 characters of visible ASCII, without spaces.",
        )


def ensure_mount_path(path: str) -> None:
    """Refuse a mount path that could resolve to another path or to a kernel file system.

    Raises:
        InvalidInput: naming the rule.

    """
    utf8_length(path, Argument.MOUNT_PATH)
    if len(path) > MAX_MOUNT_PATH_LENGTH or _CONTROL.search(path):
        raise InvalidInput(
            Argument.MOUNT_PATH,
            f"A mount path must have at most {MAX_MOUNT_PATH_LENGTH} characters and no control "
            "characters.",
        )
    if not _is_normal(path):
        raise InvalidInput(
            Argument.MOUNT_PATH,
            "A mount path must be absolute and name a file: without `.`, `..`, `//` or a `/` at "
            "the end.",
        )
    if any(len(name.encode()) > MAX_FILE_NAME_BYTES for name in path.split("/")):
        raise InvalidInput(
            Argument.MOUNT_PATH,
            f"Each name in a mount path must have at most {MAX_FILE_NAME_BYTES} bytes of UTF-8.",
        )
    if any(path == folder or path.startswith(f"{folder}/") for folder in _KERNEL_FOLDERS):
        raise InvalidInput(
            Argument.MOUNT_PATH, f"A mount path must be outside {', '.join(_KERNEL_FOLDERS)}."
        )


def _is_normal(path: str) -> bool:
    # `normpath` alone accepts a leading double slash, which POSIX preserves.
    return path.startswith("/") and not path.startswith("//") and normpath(path) == path != "/"


def read_moment(text: str) -> datetime:
    """Return the time of an RFC 3339 text, in UTC.

    Raises:
        InvalidInput: for another format, a missing offset, or a time outside the calendar in UTC.

    """
    if not _MOMENT.fullmatch(text):
        raise InvalidInput(Argument.FILTER, _MOMENT_RULE)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(Argument.FILTER, _MOMENT_RULE) from None


def utf8_length(text: str, argument: Argument) -> int:
    """Return the text's length in bytes of UTF-8.

    Raises:
        InvalidInput: for a lone surrogate, which UTF-8 cannot carry, and for NUL, which SQLite
            would store and PostgreSQL refuse.

    """
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(argument, "The text must not have a lone surrogate.") from None
    if b"\0" in encoded:
        raise InvalidInput(argument, "The text must not have a NUL character.")
    return len(encoded)
