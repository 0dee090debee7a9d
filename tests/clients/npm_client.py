"""npm's `qovery-typescript-axios`, the client that today's programs are written on."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.scopes import Scope
from tests.clients.driver import Driver, ExecutionResult, driving

_FOLDER: Final = Path(__file__).with_name("npm")
_PACKAGE: Final = _FOLDER / "node_modules" / "qovery-typescript-axios"
DECLARATIONS: Final = _PACKAGE / "dist" / "api.d.ts"

SecretsAt = Callable[[Scope], "NpmSecrets"]


def missing_for_npm() -> str | None:
    """Return what this machine lacks to run the client; None if nothing."""
    if shutil.which("node") is None:
        return "Node is not installed"
    if not DECLARATIONS.is_file():
        return "the JavaScript client is not installed: make clients"
    return None


@dataclass(frozen=True, slots=True)
class NpmClient:
    """The client, with one configuration."""

    driver: Driver

    @classmethod
    @contextmanager
    def configured(
        cls, url: str, *, access_token: str | None = None, api_key: str | None = None
    ) -> Iterator["NpmClient"]:
        """Run the client until the block ends; both credentials are its own parameters."""
        named = {
            "CLIENT_BASE_PATH": url,
            "CLIENT_ACCESS_TOKEN": access_token,
            "CLIENT_API_KEY": api_key,
        }
        settings = {name: setting for name, setting in named.items() if setting is not None}
        with driving(["node", str(_FOLDER / "driver.mjs")], settings) as driver:
            yield cls(driver)

    def call(self, api: str, method: str, *args: object) -> ExecutionResult:
        """Call a method of one of the client's generated classes.

        Raises:
            ClientFailed: if the client did not get as far as an answer.

        """
        return self.driver.ask(api=api, method=method, args=args)

    def secrets_of(self, scope: Scope, holder_id: str) -> "NpmSecrets":
        """Return the client's class for the scope, bound to a holder."""
        return NpmSecrets(self, scope, holder_id)


@dataclass(frozen=True, slots=True)
class NpmSecrets:
    """The client's `JobSecretApi`, or its like for another scope, over one holder."""

    client: NpmClient
    scope: Scope
    holder_id: str

    def visible(self) -> ExecutionResult:
        """List all that the holder sees."""
        return self._call("list{}Secrets")

    def create(self, **fields: object) -> ExecutionResult:
        """Create a VALUE or a FILE."""
        return self._call("create{}Secret", fields)

    def alias(self, target_id: str, **fields: object) -> ExecutionResult:
        """Create an alias."""
        return self._call("create{}SecretAlias", target_id, fields)

    def override(self, target_id: str, **fields: object) -> ExecutionResult:
        """Create an override."""
        return self._call("create{}SecretOverride", target_id, fields)

    def edit(self, secret_id: str, **fields: object) -> ExecutionResult:
        """Edit a secret."""
        return self._call("edit{}Secret", secret_id, fields)

    def delete(self, secret_id: str) -> ExecutionResult:
        """Delete a secret."""
        return self._call("delete{}Secret", secret_id)

    def _call(self, method: str, *args: str | Mapping[str, object]) -> ExecutionResult:
        name = self.scope.camel_name
        return self.client.call(f"{name}SecretApi", method.format(name), self.holder_id, *args)
