"""A keyring for the library `keyring`: a file instead of a desktop's service."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


def _file() -> Path:
    return Path(os.environ["HOME"], "keyring.json")


class KeyringInFile(KeyringBackend):
    """Locked while there is a file `locked` in the user's folder."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Return what was kept."""
        found: str | None = self._kept().get(f"{service} {username}")
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a password."""
        _file().write_text(json.dumps({**self._kept(), f"{service} {username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        """Forget a password."""
        kept = self._kept()
        if kept.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError
        _file().write_text(json.dumps(kept))

    def _kept(self) -> dict[str, str]:
        if Path(os.environ["HOME"], "locked").exists():
            raise KeyringLocked
        kept: dict[str, str] = json.loads(_file().read_text()) if _file().exists() else {}
        return kept
