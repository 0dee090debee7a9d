"""The token of a gateway: from a variable, a file, or what `login` has stored."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from types import ModuleType
from typing import Final

from gateway.cli.client.address import URL_VARIABLE, Address
from gateway.cli.client.refusals import NotSignedIn
from gateway.cli.client.stored_tokens import StoredToken
from gateway.cli.printing import PROGRAM, Refused
from gateway.config.former_names import PREFIX
from gateway.crypto.private_files import draft_beside

TOKEN_VARIABLE: Final = f"{PREFIX}TOKEN"
TOKEN_FILE_VARIABLE: Final = f"{PREFIX}TOKEN_FILE"
_MAX_TOKEN_BYTES: Final = 16 * 1024
_KEYRING: Final = "keyring"


class UnfitToken(Refused):
    def __init__(self, source: str) -> None:
        super().__init__(f"{source}: a token is one line of printable ASCII without spaces.")


class UnsafeCredentials(Refused):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not used: others can read it. chmod 600 it, and its owner.")


class NoToken(NotSignedIn):
    def __init__(self, address: Address, *, is_other_given: bool) -> None:
        message = f"no token is stored for {address.url}: run `{PROGRAM} login`"
        if is_other_given:
            message += (
                f". {address.source} names the gateway, and another token is sent only to a URL "
                f"that --url or {URL_VARIABLE} gives"
            )
        elif not address.is_pinned:
            message += f", or set {TOKEN_VARIABLE}"
        super().__init__(f"{message}.")


@dataclass(frozen=True, slots=True)
class Credential:
    token: str = field(repr=False)
    source: str


def fit_token(text: str, source: str) -> str:
    """Return a token without the line end after it.

    Raises:
        UnfitToken: if it cannot be in a header; the message does not show it.

    """
    token = text.strip()
    is_one_word = token.isascii() and token.isprintable() and " " not in token
    if not token or not is_one_word or len(token) > _MAX_TOKEN_BYTES:
        raise UnfitToken(source)
    return token


def credential_for(
    address: Address, token_file: Path | None, variables: Mapping[str, str]
) -> Credential:
    """Return the token for a gateway.

    A URL in a file of the working folder can come from somebody else, so it gets only a token that
    was stored for that URL.

    Raises:
        NoToken: if there is none.

    """
    named_file = token_file or variables.get(TOKEN_FILE_VARIABLE)
    text = variables.get(TOKEN_VARIABLE)
    if not address.is_pinned:
        if named_file:
            return Credential(_read_file(Path(named_file)), str(named_file))
        if text:
            return Credential(fit_token(text, TOKEN_VARIABLE), TOKEN_VARIABLE)
    if stored := TokenStore.of_user(variables).find(address.url):
        return stored
    raise NoToken(address, is_other_given=bool(named_file or text))


def _read_file(path: Path) -> str:
    with path.open("rb") as file:
        return fit_token(file.read(_MAX_TOKEN_BYTES + 1).decode(errors="replace"), str(path))


@dataclass(frozen=True, slots=True)
class TokenStore:
    """Tokens by URL: in the keyring of the system, or in a file that only its owner can read."""

    path: Path

    @classmethod
    def of_user(cls, variables: Mapping[str, str]) -> "TokenStore":
        """Return the store in the user's folder for configuration."""
        folder = variables.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
        return cls(Path(folder) / PROGRAM / "tokens.json")

    def find(self, url: str) -> Credential | None:
        """Return the token for a URL, renewed if it ends soon.

        Raises:
            NotSignedIn: if it has ended and cannot be renewed.

        """
        found = self._find(url)
        if found is None:
            return None
        stored, source = found
        if stored.is_due(time()):
            stored = self._renewed(url) or stored
        return Credential(stored.token, source)

    def _find(self, url: str) -> tuple[StoredToken, str] | None:
        kept = self._read().get(url)
        if kept is None:
            return None
        source = str(self.path) if kept else _KEYRING
        text = kept or _keyring_token(url)
        try:
            return (StoredToken.parse(text), source) if text else None
        except (ValueError, TypeError):
            message = f"what {source} has for {url} is not a token: run `{PROGRAM} login`."
            raise NotSignedIn(message) from None

    def _renewed(self, url: str) -> StoredToken | None:
        from gateway.cli.client.device_flow import renew  # noqa: PLC0415 - few tokens can be renewed

        # A refresh token can often be used only once, so another process must not use it as well.
        with self._locked():
            found = self._find(url)
            if found is None or not found[0].is_due(time()):
                return found and found[0]
            stored = renew(found[0])
            self._store(url, stored)
        return stored

    def store(self, url: str, stored: StoredToken) -> str:
        """Keep a token, and return where it is."""
        with self._locked():
            return self._store(url, stored)

    def _store(self, url: str, stored: StoredToken) -> str:
        is_in_keyring = _store_in_keyring(url, stored.text)
        self._write({**self._read(), url: "" if is_in_keyring else stored.text})
        return "the keyring" if is_in_keyring else str(self.path)

    def remove(self, url: str) -> bool:
        """Forget a token; return whether there was one."""
        if url not in self._read():
            return False
        with self._locked():
            kept = self._read()
            if not kept.pop(url, None):
                _remove_from_keyring(url)
            self._write(kept)
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing the file between a read and a write."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The file itself is replaced by each write, so another one is locked.
        with self.path.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, str]:
        """Return the tokens by URL, empty for one that is in the keyring."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or status.st_uid != os.geteuid():
                    raise UnsafeCredentials(self.path)
                return {str(url): str(token) for url, token in json.load(file).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError):
            message = f"{self.path} is not what `{PROGRAM} login` writes: delete it."
            raise Refused(message) from None

    def _write(self, tokens: Mapping[str, str]) -> None:
        with draft_beside(self.path, json.dumps(tokens, indent=1).encode()) as draft:
            draft.replace(self.path)


def _store_in_keyring(url: str, token: str) -> bool:
    """Return whether the system's keyring has the token now."""
    try:
        import keyring  # noqa: PLC0415 - takes as long as the rest, and few commands need it
    except ImportError:
        return False
    try:
        keyring.set_password(PROGRAM, url, token)
        # A keyring that keeps nothing raises nothing either.
        return keyring.get_password(PROGRAM, url) == token
    except keyring.errors.KeyringError:
        return False


def _keyring_token(url: str) -> str | None:
    with _using_keyring(url) as keyring:
        found: str | None = keyring.get_password(PROGRAM, url)
    return found


def _remove_from_keyring(url: str) -> None:
    with _using_keyring(url) as keyring:
        keyring.delete_password(PROGRAM, url)


@contextmanager
def _using_keyring(url: str) -> Iterator[ModuleType]:
    try:
        import keyring  # noqa: PLC0415 - as above
    except ImportError:
        message = f"the token for {url} is in a keyring: install the package keyring to reach it."
        raise NotSignedIn(message) from None
    try:
        yield keyring
    except keyring.errors.KeyringError:
        message = f"the keyring does not give the token for {url}: unlock it."
        raise NotSignedIn(message) from None
