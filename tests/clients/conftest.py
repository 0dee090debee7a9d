"""Published clients, each in a process of its own, against one real server."""

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.services.demo import Demo
from tests.clients.declarations import Declarations
from tests.clients.frontends import Stage, missing_for_frontends
from tests.clients.npm_client import DECLARATIONS, NpmClient, NpmSecrets, SecretsAt, missing_for_npm
from tests.clients.pypi_client import SCOPES as PYPI_SCOPES
from tests.clients.pypi_client import PypiClient, PypiSecrets, PypiSecretsAt, missing_for_pypi
from tests.servers import LiveServer, serving


@pytest.fixture(scope="session")
def new_key() -> Callable[[], str]:
    """Gives keys that no other test has: all share one server."""
    numbers = count(1)
    return lambda: f"FROM_A_CLIENT_{next(numbers)}"


@pytest.fixture
def key(new_key: Callable[[], str]) -> str:
    return new_key()


@pytest.fixture
def other_key(new_key: Callable[[], str]) -> str:
    return new_key()


@pytest.fixture(params=LEGACY_SCOPES)
def scope(request: pytest.FixtureRequest) -> Scope:
    """Each scope with paths of its own."""
    return Scope(request.param)


@pytest.fixture(params=[scope for scope in LEGACY_SCOPES if scope.is_service])
def service_scope(request: pytest.FixtureRequest) -> Scope:
    """Each service scope with paths of its own."""
    return Scope(request.param)


@pytest.fixture(scope="session")
def live_server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server of the clients' own, whose coverage is not measured."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("clients") / "data")
    with serving(Path(folder), template[1]) as server:
        yield server


@pytest.fixture(scope="session")
def npm_is_there() -> None:
    _do_without(missing_for_npm())


@pytest.fixture(scope="session")
def npm(npm_is_there: None, live_server: LiveServer) -> Iterator[NpmClient]:  # noqa: ARG001 - order
    with NpmClient.configured(live_server.url, access_token=live_server.demo["token"]) as client:
        yield client


@pytest.fixture(scope="session")
def at(npm: NpmClient, live_server: LiveServer) -> SecretsAt:
    """Gives the client's class for a scope, over the demo's holder of that scope."""
    return lambda scope: npm.secrets_of(scope, live_server.demo[f"{scope.lower()}_id"])


@pytest.fixture
def secrets(at: SecretsAt, scope: Scope) -> NpmSecrets:
    """The client's class for each scope in turn."""
    return at(scope)


@pytest.fixture(scope="session")
def declarations(npm_is_there: None) -> Declarations:  # noqa: ARG001 - the file comes with the client
    return Declarations.read_from(DECLARATIONS)


@pytest.fixture(scope="session")
def pypi_at(live_server: LiveServer) -> Iterator[PypiSecretsAt]:
    """Gives the older client's class for a scope, over the demo's holder of that scope."""
    _do_without(missing_for_pypi())
    demo = live_server.demo
    with PypiClient.configured(live_server.url, access_token=demo["token"]) as client:
        yield lambda scope: client.secrets_of(scope, demo[f"{scope.lower()}_id"])


@pytest.fixture(params=PYPI_SCOPES)
def pypi_secrets(request: pytest.FixtureRequest, pypi_at: PypiSecretsAt) -> PypiSecrets:
    """The older client's class for each scope that it knows, in turn."""
    return pypi_at(request.param)


@pytest.fixture(scope="session")
def frontends_are_there() -> None:
    _do_without(missing_for_frontends())


@pytest.fixture(scope="module")
def new_stage(
    frontends_are_there: None,  # noqa: ARG001 - order
    live_server: LiveServer,
) -> Callable[[], Stage]:
    """Gives jobs that no other program has."""
    return lambda: Stage.on(live_server)


def _do_without(missing: str | None) -> None:
    """Skip on a desk; fail where all tests have to run."""
    if missing and "CI" in os.environ:
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)
