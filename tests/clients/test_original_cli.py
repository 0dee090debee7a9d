"""The command line of the original, pointed at the gateway: it finds its services by name."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway.domain.scopes import Scope
from tests.clients.original_cli import CliError, OriginalCli, ensure_readable, to_bytes
from tests.patience import PATIENCE
from tests.servers import LiveServer

pytestmark = pytest.mark.rule("T1")

# The services of the demo, by their kinds.
SERVICES = {
    Scope.APPLICATION: "storefront",
    Scope.CONTAINER: "cart",
    Scope.JOB: "nightly-invoices",
    Scope.HELM: "ingress",
    Scope.TERRAFORM: "network",
}
VALUE = "p&ss <word> “ü”"
EVERY_SERVICE = pytest.mark.parametrize("scope", SERVICES)
EVERY_HOLDER = pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.ENVIRONMENT, *SERVICES])
Runtime = Callable[[], dict[str, str]]


@pytest.fixture(scope="module")
def cli(live_server: LiveServer) -> Iterator[OriginalCli]:
    names = {"organization": "Demo", "project": "shop", "environment": "production"}
    with OriginalCli.pointed_at(live_server.url, live_server.demo["token"], **names) as cli:
        yield cli


@pytest.fixture
def delivered(live_server: LiveServer) -> Runtime:
    """Gives what the demo's job gets."""

    def deliver() -> dict[str, str]:
        answer = httpx.get(
            f"{live_server.url}/runtime/{live_server.demo['job_id']}",
            headers={"Authorization": f"Bearer {live_server.demo['token']}"},
            timeout=PATIENCE,
        )
        return dict(answer.json())

    return deliver


def _row(cli: OriginalCli, scope: Scope, holder_id: str, key: str, kind: str) -> Any:
    rows = cli.listed(scope, holder_id)
    return next(row for row in rows if (row["key"], row["variable_type"]) == (key, kind))


@EVERY_HOLDER
def test_it_finds_each_holder_by_name(
    cli: OriginalCli, live_server: LiveServer, scope: Scope
) -> None:
    found = cli.holder_id(scope, SERVICES.get(scope, ""))

    assert found == live_server.demo[f"{scope.lower()}_id"]


def test_it_offers_all_services_to_choose_from(cli: OriginalCli) -> None:
    choices = cli.choices()

    assert {name: choices[name] for name in SERVICES.values()} == {
        name: scope.lower() for scope, name in SERVICES.items()
    }


def test_a_name_that_is_not_there_is_not_found(cli: OriginalCli) -> None:
    with pytest.raises(CliError, match="job no-such-job not found"):
        cli.holder_id(Scope.JOB, "no-such-job")


@EVERY_HOLDER
def test_it_creates_updates_and_deletes_a_secret(
    cli: OriginalCli, scope: Scope, key: str, live_server: LiveServer
) -> None:
    holder_id = live_server.demo[f"{scope.lower()}_id"]

    cli.create(scope, holder_id, key, "first")
    created = _row(cli, scope, holder_id, key, "VALUE")
    cli.update(scope, holder_id, key, VALUE)
    updated = _row(cli, scope, holder_id, key, "VALUE")
    cli.delete(scope, holder_id, key)

    assert (created["scope"], created["is_secret"]) == (scope, True)
    assert updated["id"] == created["id"]
    assert updated["updated_at"] > created["updated_at"]
    assert key not in {row["key"] for row in cli.listed(scope, holder_id)}


def test_a_value_arrives_as_it_was_typed(
    cli: OriginalCli, live_server: LiveServer, key: str, delivered: Runtime
) -> None:
    cli.create(Scope.JOB, live_server.demo["job_id"], key, VALUE)

    assert delivered()[key] == VALUE


@EVERY_SERVICE
def test_it_aliases_a_secret_of_the_environment(
    cli: OriginalCli, live_server: LiveServer, scope: Scope, key: str, other_key: str
) -> None:
    holder_id = live_server.demo[f"{scope.lower()}_id"]
    cli.create(Scope.ENVIRONMENT, live_server.demo["environment_id"], key, VALUE)

    cli.alias(scope, holder_id, key, other_key)

    alias = _row(cli, scope, holder_id, other_key, "ALIAS")
    assert alias["aliased_variable"]["key"] == key


@EVERY_SERVICE
def test_it_overrides_a_secret_of_the_project(
    cli: OriginalCli, live_server: LiveServer, scope: Scope, key: str
) -> None:
    holder_id = live_server.demo[f"{scope.lower()}_id"]
    cli.create(Scope.PROJECT, live_server.demo["project_id"], key, "wide")

    cli.override(scope, holder_id, key, VALUE)

    override = _row(cli, scope, holder_id, key, "OVERRIDE")
    assert (override["scope"], override["overridden_variable"]["scope"]) == (scope, "PROJECT")


@pytest.mark.parametrize("scope", [Scope.APPLICATION, Scope.CONTAINER])
def test_an_import_overwrites(
    cli: OriginalCli, live_server: LiveServer, scope: Scope, key: str
) -> None:
    holder_id = live_server.demo[f"{scope.lower()}_id"]

    cli.import_secret(scope, holder_id, key, "first")
    first = _row(cli, scope, holder_id, key, "VALUE")
    cli.import_secret(scope, holder_id, key, VALUE)

    second = _row(cli, scope, holder_id, key, "VALUE")
    assert second["id"] != first["id"]


@pytest.mark.rule("V3")
def test_it_prints_why_a_plain_variable_is_refused(
    cli: OriginalCli, live_server: LiveServer, key: str
) -> None:
    with pytest.raises(CliError, match="this gateway stores secrets"):
        cli.create(Scope.JOB, live_server.demo["job_id"], key, VALUE, is_secret=False)


@pytest.mark.rule("E3")
def test_it_prints_which_key_is_taken(cli: OriginalCli, live_server: LiveServer, key: str) -> None:
    cli.create(Scope.JOB, live_server.demo["job_id"], key, VALUE)

    with pytest.raises(CliError, match=key):
        cli.create(Scope.JOB, live_server.demo["job_id"], key, VALUE)


def test_a_body_has_the_bytes_that_were_recorded() -> None:
    body = {"key": "A", "value": "a&b", "is_secret": True}

    assert to_bytes(body) == b'{"is_secret":true,"key":"A","value":"a\\u0026b"}\n'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "x", "created_at": "x", "name": "x"}, "required property plan"),
        ({"id": "x", "created_at": "x", "name": "x", "plan": 1}, "cannot unmarshal plan"),
    ],
)
def test_control_a_row_that_it_cannot_read_is_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(CliError, match=message):
        ensure_readable("organization", row)
