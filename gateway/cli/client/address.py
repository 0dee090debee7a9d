"""Which gateway a command works with: one behind a URL, or the database of this host."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from gateway.cli.printing import Refused
from gateway.config.former_names import PREFIX
from gateway.crypto.private_files import ensure_own

URL_VARIABLE: Final = f"{PREFIX}URL"
PINNED_FILE: Final = ".secrets-gateway.toml"
_PINNED_NAMES: Final = frozenset({"url", "service"})
_LOCALHOST: Final = "localhost"


class NoGateway(Refused):
    exit_code = 2

    def __init__(self) -> None:
        super().__init__(
            "this command works over the API of a gateway: give its URL by --url, by "
            f"{URL_VARIABLE} or in {PINNED_FILE}."
        )


class OnlyOnHost(Refused):
    exit_code = 2

    def __init__(self, command: str, source: str) -> None:
        super().__init__(
            f"`{command}` works on the database of the gateway's own host, and {source} names a "
            "gateway. There, pass --local before the command."
        )


class UnfitUrl(Refused):
    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")


class MisreadPinnedFile(Refused):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOptions:
    """What the options of the program say, before the name of a command."""

    url: str | None = None
    token_file: Path | None = None
    is_local: bool = False
    allows_http: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What a file in the working folder, or in one above it, says about the folder."""

    path: Path | None = None
    url: str | None = None
    service: str | None = None

    @classmethod
    def here(cls) -> Self:
        """Read the nearest file.

        Raises:
            UnsafeFile: if others can write or replace it.
            MisreadPinnedFile: if it has anything but a URL and a service.

        """
        folder = Path.cwd()
        candidates = (parent / PINNED_FILE for parent in (folder, *folder.parents))
        path = next(filter(os.path.lexists, candidates), None)
        if path is None:
            return cls()
        ensure_own(path)
        if not path.is_file():
            raise MisreadPinnedFile(path, "it is not a file.")
        return cls(path=path, **dict(_read(path)))


def _read(path: Path) -> Iterator[tuple[str, str]]:
    import tomllib  # noqa: PLC0415 - most folders have no such file

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise MisreadPinnedFile(path, "the file is not TOML in UTF-8.") from None
    for name, text in content.items():
        if name not in _PINNED_NAMES or not isinstance(text, str):
            # It is under version control, as a rule.
            reason = "only the texts `url` and `service` belong here, no secrets."
            raise MisreadPinnedFile(path, reason)
        yield name, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a gateway is, and what says so."""

    url: str
    source: str
    is_pinned: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_loopback(self) -> bool:
        if self.host == _LOCALHOST:
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which gateway commands work with. It is the context's object of the whole program."""

    address: Address | None = None
    service: str | None = None
    token_file: Path | None = None


def choose(options: ProgramOptions, variables: Mapping[str, str]) -> Choice:
    """Return the gateway of a URL, or none for the database of this host.

    Raises:
        UnsafeFile: for a pinned file that others can change.
        UnfitUrl: for a URL that is not one of a gateway, or that sends tokens in clear.

    """
    if options.is_local:
        return Choice()
    pinned = Pinned.here()
    return Choice(
        address=_address(options, pinned, variables),
        service=pinned.service,
        token_file=options.token_file,
    )


def _address(
    options: ProgramOptions, pinned: Pinned, variables: Mapping[str, str]
) -> Address | None:
    if options.url:
        address = Address(url=options.url, source="--url")
    elif url := variables.get(URL_VARIABLE):
        address = Address(url=url, source=URL_VARIABLE)
    elif pinned.url:
        address = Address(url=pinned.url, source=str(pinned.path), is_pinned=True)
    else:
        return None
    return checked_address(address, allows_http=options.allows_http)


def checked_address(address: Address, *, allows_http: bool | None = None) -> Address:
    """Return an address in its normal form; http is allowed never, if it is None.

    Raises:
        UnfitUrl: for a URL that is not one of a server, or that sends tokens in clear.

    """
    url = address.url.rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UnfitUrl(address.source, "this is not a URL.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnfitUrl(address.source, "the URL must begin with https:// and a host.")
    if parts.username is not None or parts.query or parts.fragment or not url.isprintable():
        raise UnfitUrl(address.source, "the URL must have only a host, a port and a path.")
    found = Address(
        url=f"{parts.scheme}://{parts.netloc.lower()}{parts.path}",
        source=address.source,
        is_pinned=address.is_pinned,
    )
    if parts.scheme == "http" and not found.is_loopback and not allows_http:
        others = ", or --allow-http" if allows_http is not None else ""
        reason = f"http would send the token and values in clear: use https{others}."
        raise UnfitUrl(address.source, reason)
    return found
