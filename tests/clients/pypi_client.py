"""PyPI's `qovery` 1.0.3 of 2022, in a virtual environment of its own.

It checks each answer against the types of its day, and knows only projects, environments and
applications.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.scopes import Scope
from tests.clients.driver import Driver, ExecutionResult, driving

SCOPES: Final = (Scope.PROJECT, Scope.ENVIRONMENT, Scope.APPLICATION)

_DRIVER: Final = Path(__file__).parent / "pypi" / "driver.py"
_ENVIRONMENT: Final = Path(__file__).parents[2] / ".venv-qovery"
_PYTHON: Final = _ENVIRONMENT / "bin" / "python"

PypiSecretsAt = Callable[[Scope], "PypiSecrets"]


def missing_for_pypi() -> str | None:
    """Return what this machine lacks to run the client; None if nothing."""
    if not any(_ENVIRONMENT.glob("lib/python*/site-packages/qovery/__init__.py")):
        return f"the Python client is not installed in {_ENVIRONMENT.name}: make clients"
    return None


@dataclass(frozen=True, slots=True)
class PypiClient:
    """The client, with one configuration."""

    driver: Driver

    @classmethod
    @contextmanager
    def configured(cls, url: str, *, access_token: str) -> Iterator["PypiClient"]:
        """Run the client until the block ends."""
        settings = {"CLIENT_BASE_PATH": url, "CLIENT_ACCESS_TOKEN": access_token}
        # Isolated: the tests' own packages are not to be found from there.
        with driving([str(_PYTHON), "-I", str(_DRIVER)], settings) as driver:
            yield cls(driver)

    def call(
        self, api: str, method: str, *args: str, body: Mapping[str, Mapping[str, object]]
    ) -> ExecutionResult:
        """Call a method of one of the client's generated classes; `body` is its model's fields.

        Raises:
            ClientFailed: if the client did not get as far as an answer, or refuses what it got.

        """
        return self.driver.ask(api=api, method=method, args=args, body=body)

    def secrets_of(self, scope: Scope, holder_id: str) -> "PypiSecrets":
        """Return the client's class for the scope, bound to a holder."""
        return PypiSecrets(self, scope, holder_id)


@dataclass(frozen=True, slots=True)
class PypiSecrets:
    """The client's `ProjectSecretApi`, or its like for another scope, over one holder."""

    client: PypiClient
    scope: Scope
    holder_id: str

    def visible(self) -> ExecutionResult:
        """List all that the holder sees."""
        return self._call("list_{}_secrets")

    def create(self, **fields: object) -> ExecutionResult:
        """Create a VALUE."""
        return self._call("create_{}_secret", SecretRequest=fields)

    def alias(self, target_id: str, **fields: object) -> ExecutionResult:
        """Create an alias."""
        return self._call("create_{}_secret_alias", target_id, Key=fields)

    def override(self, target_id: str, **fields: object) -> ExecutionResult:
        """Create an override."""
        return self._call("create_{}_secret_override", target_id, Value=fields)

    def edit(self, secret_id: str, **fields: object) -> ExecutionResult:
        """Edit a secret."""
        return self._call("edit_{}_secret", secret_id, SecretEditRequest=fields)

    def delete(self, secret_id: str) -> ExecutionResult:
        """Delete a secret."""
        return self._call("delete_{}_secret", secret_id)

    def _call(self, method: str, *args: str, **body: Mapping[str, object]) -> ExecutionResult:
        api = f"{self.scope.camel_name}SecretApi"
        named = method.format(self.scope.lower())
        return self.client.call(api, named, self.holder_id, *args, body=body)
