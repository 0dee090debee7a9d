"""npm's client lists, creates and aliases, at every scope with paths of its own."""

from datetime import datetime
from http import HTTPStatus

import pytest

from gateway.domain.scopes import Scope
from tests.clients.declarations import Declarations
from tests.clients.npm_client import NpmSecrets, SecretsAt
from tests.servers import LiveServer

pytestmark = pytest.mark.npm


@pytest.mark.rule("L1")
def test_list_has_what_was_created(secrets: NpmSecrets, key: str) -> None:
    made = secrets.create(key=key, value="clear")

    listed = secrets.visible()

    assert listed.status == HTTPStatus.OK
    assert made.row in listed.rows


@pytest.mark.rule("W1", "W2", "W3", "W4")
def test_list_is_of_the_declared_type(secrets: NpmSecrets, declarations: Declarations) -> None:
    listed = secrets.visible()

    assert declarations.complaints("SecretResponseList", listed.data) == []


@pytest.mark.rule("L1")
def test_list_of_a_job_has_its_own_inherited_and_built_in_secrets(at: SecretsAt) -> None:
    listed = at(Scope.JOB).visible()

    assert {row["scope"] for row in listed.rows} == {"BUILT_IN", "PROJECT", "ENVIRONMENT", "JOB"}


@pytest.mark.rule("L2")
def test_list_goes_from_high_to_low_scopes(at: SecretsAt) -> None:
    listed = at(Scope.JOB).visible()

    ranks = [Scope(row["scope"]).rank for row in listed.rows]
    assert ranks == sorted(ranks)


@pytest.mark.rule("L2")
def test_list_has_a_target_before_its_alias(secrets: NpmSecrets, key: str) -> None:
    target = secrets.create(key=f"Z_{key}")
    alias = secrets.alias(target.row["id"], key=f"A_{key}")

    ids = [row["id"] for row in secrets.visible().rows]

    assert ids.index(target.row["id"]) < ids.index(alias.row["id"])


@pytest.mark.rule("W1", "W2", "W3", "W4")
def test_created_value_is_of_the_declared_type(
    secrets: NpmSecrets, key: str, declarations: Declarations
) -> None:
    made = secrets.create(key=key, value="clear", description="Said", mount_path=None)

    assert made.status == HTTPStatus.CREATED
    assert declarations.complaints("Secret", made.data) == []
    assert (made.row["key"], made.row["scope"]) == (key, secrets.scope)
    assert (made.row["variable_type"], made.row["description"]) == ("VALUE", "Said")


@pytest.mark.rule("W3")
def test_created_value_is_never_reported(secrets: NpmSecrets, key: str) -> None:
    made = secrets.create(key=key, value="never to be told")

    assert {"value", "mount_path"}.isdisjoint(made.row)
    assert "never to be told" not in str(made)
    assert "never to be told" not in str(secrets.visible())


@pytest.mark.rule("W1")
def test_what_is_not_given_is_text_all_the_same(secrets: NpmSecrets, key: str) -> None:
    made = secrets.create(key=key)

    assert (made.row["description"], made.row["owned_by"]) == ("", "QOVERY")
    assert datetime.fromisoformat(made.row["created_at"]).tzinfo is not None
    assert datetime.fromisoformat(made.row["updated_at"]).tzinfo is not None


@pytest.mark.rule("W2")
def test_value_has_no_references(secrets: NpmSecrets, key: str) -> None:
    made = secrets.create(key=key)

    assert {"aliased_secret", "overridden_secret"}.isdisjoint(made.row)


@pytest.mark.rule("W2")
def test_row_of_a_service_names_the_service(at: SecretsAt, service_scope: Scope, key: str) -> None:
    service = at(service_scope)

    made = service.create(key=key)

    assert made.row["service_id"] == service.holder_id
    assert made.row["service_type"] == service_scope
    assert isinstance(made.row["service_name"], str)


@pytest.mark.rule("W2")
@pytest.mark.parametrize("wide_scope", [Scope.PROJECT, Scope.ENVIRONMENT])
def test_row_of_a_wider_holder_names_no_service(at: SecretsAt, wide_scope: Scope, key: str) -> None:
    made = at(wide_scope).create(key=key)

    assert {"service_id", "service_name", "service_type"}.isdisjoint(made.row)


@pytest.mark.rule("W2")
def test_built_in_row_names_the_service_it_comes_from(
    at: SecretsAt, live_server: LiveServer
) -> None:
    rows = {row["id"]: row for row in at(Scope.JOB).visible().rows}

    built_in = rows[live_server.demo["built_in_secret_id"]]

    assert (built_in["scope"], built_in["variable_type"]) == ("BUILT_IN", "BUILT_IN")
    assert built_in["service_type"] == "DATABASE"


@pytest.mark.rule("C1", "W3")
def test_mount_path_makes_a_file(secrets: NpmSecrets, key: str, declarations: Declarations) -> None:
    made = secrets.create(key=key, value="content", mount_path=f"/etc/app/{key}")

    assert made.status == HTTPStatus.CREATED
    assert declarations.complaints("Secret", made.data) == []
    assert made.row["variable_type"] == "FILE"
    assert "mount_path" not in made.row


@pytest.mark.rule("C1", "C9")
@pytest.mark.parametrize(
    "value",
    ["", "é𝄞\u2028\r\n\t\x7f", "x" * 64 * 1024, '{"a": "{{KEY}}"}'],
    ids=["empty", "unicode", "longest", "json"],
)
def test_any_text_is_a_value(at: SecretsAt, key: str, value: str) -> None:
    made = at(Scope.JOB).create(key=key, value=value)

    assert (made.status, made.row["variable_type"]) == (HTTPStatus.CREATED, "VALUE")


@pytest.mark.rule("C8")
def test_unknown_fields_are_ignored(secrets: NpmSecrets, key: str) -> None:
    made = secrets.create(key=key, value="v", is_secret=True, scope="PROJECT")

    assert (made.status, made.row["scope"]) == (HTTPStatus.CREATED, secrets.scope)


@pytest.mark.rule("A1", "W1")
def test_alias_says_what_it_refers_to(
    secrets: NpmSecrets, key: str, other_key: str, declarations: Declarations
) -> None:
    target = secrets.create(key=key, value="v", description="Said")

    alias = secrets.alias(target.row["id"], key=other_key)

    assert alias.status == HTTPStatus.CREATED
    assert declarations.complaints("Secret", alias.data) == []
    assert alias.row["id"] != target.row["id"]
    assert (alias.row["key"], alias.row["scope"]) == (other_key, secrets.scope)
    assert (alias.row["variable_type"], alias.row["description"]) == ("ALIAS", "")
    assert alias.row["aliased_secret"] == {
        "id": target.row["id"],
        "key": key,
        "mount_path": "",
        "scope": secrets.scope,
        "variable_type": "VALUE",
        "description": "Said",
    }


@pytest.mark.rule("A4", "W3")
def test_alias_of_a_file_has_the_path_in_its_reference(
    secrets: NpmSecrets, key: str, other_key: str
) -> None:
    target = secrets.create(key=key, value="v", mount_path=f"/etc/app/{key}")

    alias = secrets.alias(target.row["id"], key=other_key)

    assert (alias.status, alias.row["variable_type"]) == (HTTPStatus.CREATED, "ALIAS")
    assert "mount_path" not in alias.row
    assert alias.row["aliased_secret"]["mount_path"] == f"/etc/app/{key}"
    assert alias.row["aliased_secret"]["variable_type"] == "FILE"


@pytest.mark.rule("A1", "A4")
def test_alias_of_a_built_in_is_made(
    at: SecretsAt, live_server: LiveServer, key: str, declarations: Declarations
) -> None:
    target_id = live_server.demo["built_in_secret_id"]

    alias = at(Scope.JOB).alias(target_id, key=key, description="Said")

    assert alias.status == HTTPStatus.CREATED
    assert declarations.complaints("Secret", alias.data) == []
    assert (alias.row["key"], alias.row["description"]) == (key, "Said")
    assert alias.row["aliased_secret"]["id"] == target_id
    assert alias.row["aliased_secret"]["scope"] == "BUILT_IN"
    assert alias.row["aliased_secret"]["variable_type"] == "BUILT_IN"


@pytest.mark.rule("A3")
@pytest.mark.parametrize("target_scope", [Scope.PROJECT, Scope.ENVIRONMENT])
def test_alias_of_a_higher_scope_is_made(
    at: SecretsAt, service_scope: Scope, target_scope: Scope, key: str, other_key: str
) -> None:
    target = at(target_scope).create(key=key, value="v")

    alias = at(service_scope).alias(target.row["id"], key=other_key)

    assert (alias.status, alias.row["scope"]) == (HTTPStatus.CREATED, service_scope)
    assert alias.row["aliased_secret"]["scope"] == target_scope


@pytest.mark.rule("C3")
def test_siblings_may_share_a_key(at: SecretsAt, key: str) -> None:
    at(Scope.JOB).create(key=key)

    made = at(Scope.APPLICATION).create(key=key)

    assert made.status == HTTPStatus.CREATED
