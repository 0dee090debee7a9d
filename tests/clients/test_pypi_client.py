"""PyPI's client of 2022, which checks what it gets against the types of its day."""

from datetime import datetime
from http import HTTPStatus
from typing import Final

import pytest

from gateway.domain.scopes import Scope
from tests.clients.problems import ensure_problem
from tests.clients.pypi_client import PypiClient, PypiSecrets, PypiSecretsAt
from tests.servers import LiveServer

_NIL: Final = "00000000-0000-0000-0000-000000000000"


@pytest.mark.rule("C1", "W1", "W3")
def test_secret_is_created(pypi_secrets: PypiSecrets, key: str) -> None:
    made = pypi_secrets.create(key=key, value="never told")

    assert made.status == HTTPStatus.CREATED
    assert (made.row["key"], made.row["scope"]) == (key, pypi_secrets.scope)
    assert datetime.fromisoformat(made.row["created_at"]).tzinfo is not None
    assert "never told" not in str(made)


@pytest.mark.rule("L1")
def test_list_has_what_was_created(pypi_secrets: PypiSecrets, key: str) -> None:
    made = pypi_secrets.create(key=key, value="v")

    listed = pypi_secrets.visible()

    assert listed.status == HTTPStatus.OK
    assert made.row in listed.rows


@pytest.mark.rule("A1")
def test_alias_says_what_it_refers_to(pypi_secrets: PypiSecrets, key: str, other_key: str) -> None:
    target = pypi_secrets.create(key=key, value="v")

    alias = pypi_secrets.alias(target.row["id"], key=other_key)

    assert (alias.status, alias.row["key"]) == (HTTPStatus.CREATED, other_key)
    assert alias.row["aliased_secret"]["id"] == target.row["id"]
    assert alias.row["aliased_secret"]["key"] == key


@pytest.mark.rule("O1", "O2")
@pytest.mark.parametrize("lower", [Scope.ENVIRONMENT, Scope.APPLICATION])
def test_override_says_what_it_replaces(pypi_at: PypiSecretsAt, lower: Scope, key: str) -> None:
    target = pypi_at(Scope.PROJECT).create(key=key, value="v")

    override = pypi_at(lower).override(target.row["id"], value="w")

    assert (override.status, override.row["key"]) == (HTTPStatus.CREATED, key)
    assert override.row["overridden_secret"]["id"] == target.row["id"]


@pytest.mark.rule("C5")
def test_secret_is_edited(pypi_secrets: PypiSecrets, key: str, other_key: str) -> None:
    made = pypi_secrets.create(key=key, value="v")

    edited = pypi_secrets.edit(made.row["id"], key=other_key, value="w")

    assert (edited.status, edited.row["id"]) == (HTTPStatus.OK, made.row["id"])
    assert edited.row["key"] == other_key


@pytest.mark.rule("C7")
def test_deleted_secret_is_gone(pypi_secrets: PypiSecrets, key: str) -> None:
    made = pypi_secrets.create(key=key, value="v")

    deleted = pypi_secrets.delete(made.row["id"])

    assert (deleted.status, deleted.data) == (HTTPStatus.NO_CONTENT, None)
    assert made.row["id"] not in {row["id"] for row in pypi_secrets.visible().rows}
    ensure_problem(pypi_secrets.delete(made.row["id"]), HTTPStatus.NOT_FOUND)


@pytest.mark.rule("A5")
def test_alias_of_what_is_not_there_is_not_found(pypi_secrets: PypiSecrets, key: str) -> None:
    answer = pypi_secrets.alias(_NIL, key=key)

    ensure_problem(answer, HTTPStatus.NOT_FOUND)


@pytest.mark.rule("C2", "E4")
def test_bad_key_is_refused(pypi_secrets: PypiSecrets) -> None:
    answer = pypi_secrets.create(key="1ST", value="v")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("C3", "E3")
def test_taken_key_is_a_conflict(pypi_secrets: PypiSecrets, key: str) -> None:
    made = pypi_secrets.create(key=key, value="v")

    answer = pypi_secrets.create(key=key, value="w")

    ensure_problem(answer, HTTPStatus.CONFLICT)
    assert answer.row["existing_variable"]["id"] == made.row["id"]


@pytest.mark.rule("E2")
@pytest.mark.usefixtures("pypi_at")
def test_client_without_a_valid_token_is_asked_for_one(live_server: LiveServer) -> None:
    project_id = live_server.demo["project_id"]

    with PypiClient.configured(live_server.url, access_token="wrong") as client:
        answer = client.secrets_of(Scope.PROJECT, project_id).visible()

    ensure_problem(answer, HTTPStatus.UNAUTHORIZED)
    assert answer.headers["www-authenticate"].startswith("Bearer ")
