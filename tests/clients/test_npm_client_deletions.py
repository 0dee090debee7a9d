"""npm's client deletes; what may not be changed stays; at every scope with paths of its own."""

from http import HTTPStatus
from typing import Final

import pytest

from gateway.domain.scopes import Scope
from tests.clients.npm_client import NpmSecrets, SecretsAt
from tests.clients.problems import ensure_problem
from tests.servers import LiveServer

pytestmark = pytest.mark.npm

_NIL: Final = "00000000-0000-0000-0000-000000000000"
_WIDER_SCOPES: Final = (Scope.PROJECT, Scope.ENVIRONMENT)


@pytest.mark.rule("C7")
def test_delete_answers_with_nothing(secrets: NpmSecrets, key: str) -> None:
    made = secrets.create(key=key, value="v")

    deleted = secrets.delete(made.row["id"])

    assert (deleted.status, deleted.data) == (HTTPStatus.NO_CONTENT, "")
    assert made.row["id"] not in {row["id"] for row in secrets.visible().rows}


@pytest.mark.rule("C7")
def test_deleted_secret_is_not_found(secrets: NpmSecrets, key: str, other_key: str) -> None:
    secret_id = secrets.create(key=key, value="v").row["id"]
    secrets.delete(secret_id)

    ensure_problem(secrets.delete(secret_id), HTTPStatus.NOT_FOUND)
    ensure_problem(secrets.edit(secret_id, key=key), HTTPStatus.NOT_FOUND)
    ensure_problem(secrets.alias(secret_id, key=other_key), HTTPStatus.NOT_FOUND)


@pytest.mark.rule("C7")
def test_key_of_a_deleted_secret_is_free(secrets: NpmSecrets, key: str) -> None:
    first = secrets.create(key=key, value="v")
    secrets.delete(first.row["id"])

    second = secrets.create(key=key, value="v")

    assert second.status == HTTPStatus.CREATED
    assert second.row["id"] != first.row["id"]


@pytest.mark.rule("C6")
@pytest.mark.parametrize("holder_scope", [Scope.ENVIRONMENT, Scope.JOB])
def test_built_in_secret_is_neither_edited_nor_deleted(
    at: SecretsAt, live_server: LiveServer, holder_scope: Scope, key: str
) -> None:
    built_in_id = live_server.demo["built_in_secret_id"]

    edited = at(holder_scope).edit(built_in_id, key=key)
    deleted = at(holder_scope).delete(built_in_id)

    ensure_problem(edited, HTTPStatus.FORBIDDEN)
    ensure_problem(deleted, HTTPStatus.FORBIDDEN)


@pytest.mark.rule("A5", "C7")
@pytest.mark.parametrize("secret_id", [_NIL, "not-a-uuid"])
def test_what_is_not_there_is_not_found(secrets: NpmSecrets, secret_id: str, key: str) -> None:
    ensure_problem(secrets.edit(secret_id, key=key), HTTPStatus.NOT_FOUND)
    ensure_problem(secrets.delete(secret_id), HTTPStatus.NOT_FOUND)


@pytest.mark.rule("C7")
@pytest.mark.parametrize("higher", _WIDER_SCOPES)
def test_inherited_secret_is_not_changed_through_a_service(
    at: SecretsAt, service_scope: Scope, higher: Scope, key: str, other_key: str
) -> None:
    inherited = at(higher).create(key=key, value="v")

    edited = at(service_scope).edit(inherited.row["id"], key=other_key)
    deleted = at(service_scope).delete(inherited.row["id"])

    ensure_problem(edited, HTTPStatus.NOT_FOUND)
    ensure_problem(deleted, HTTPStatus.NOT_FOUND)
    assert inherited.row in at(higher).visible().rows


@pytest.mark.rule("C7")
def test_lower_secret_is_not_changed_through_a_wider_holder(
    at: SecretsAt, service_scope: Scope, key: str, other_key: str
) -> None:
    lower = at(service_scope).create(key=key, value="v")

    edited = at(Scope.ENVIRONMENT).edit(lower.row["id"], key=other_key)
    deleted = at(Scope.PROJECT).delete(lower.row["id"])

    ensure_problem(edited, HTTPStatus.NOT_FOUND)
    ensure_problem(deleted, HTTPStatus.NOT_FOUND)
    assert lower.row in at(service_scope).visible().rows


@pytest.mark.rule("A7")
def test_deleting_an_alias_leaves_its_target(secrets: NpmSecrets, key: str, other_key: str) -> None:
    target = secrets.create(key=key, value="v")
    alias = secrets.alias(target.row["id"], key=other_key)

    deleted = secrets.delete(alias.row["id"])

    rows = secrets.visible().rows
    assert deleted.status == HTTPStatus.NO_CONTENT
    assert target.row in rows
    assert alias.row["id"] not in {row["id"] for row in rows}


@pytest.mark.rule("A7")
@pytest.mark.parametrize("higher", _WIDER_SCOPES)
def test_deleting_a_target_deletes_what_refers_to_it(
    at: SecretsAt, service_scope: Scope, higher: Scope, key: str, other_key: str
) -> None:
    target_id = at(higher).create(key=key, value="v").row["id"]
    near_id = at(higher).alias(target_id, key=f"{key}_NEAR").row["id"]
    alias_id = at(service_scope).alias(target_id, key=other_key).row["id"]
    override_id = at(service_scope).override(target_id, value="w").row["id"]

    deleted = at(higher).delete(target_id)

    assert deleted.status == HTTPStatus.NO_CONTENT
    ensure_problem(at(higher).delete(near_id), HTTPStatus.NOT_FOUND)
    ensure_problem(at(service_scope).delete(alias_id), HTTPStatus.NOT_FOUND)
    ensure_problem(at(service_scope).delete(override_id), HTTPStatus.NOT_FOUND)
    left = {row["id"] for row in at(service_scope).visible().rows}
    assert left.isdisjoint({target_id, near_id, alias_id, override_id})


@pytest.mark.rule("A4", "A7")
def test_deleting_a_target_deletes_an_alias_of_its_override(
    at: SecretsAt, service_scope: Scope, key: str, other_key: str
) -> None:
    target_id = at(Scope.PROJECT).create(key=key, value="v").row["id"]
    override_id = at(Scope.ENVIRONMENT).override(target_id, value="w").row["id"]
    alias_id = at(service_scope).alias(override_id, key=other_key).row["id"]

    deleted = at(Scope.PROJECT).delete(target_id)

    assert deleted.status == HTTPStatus.NO_CONTENT
    ensure_problem(at(service_scope).delete(alias_id), HTTPStatus.NOT_FOUND)
    left = {row["id"] for row in at(service_scope).visible().rows}
    assert left.isdisjoint({target_id, override_id, alias_id})
