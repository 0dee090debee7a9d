"""What npm's client is refused when it lists, creates and aliases."""

from http import HTTPStatus
from typing import Final

import pytest

from gateway.domain.scopes import Scope
from tests.clients.npm_client import NpmClient, NpmSecrets, SecretsAt
from tests.clients.problems import ensure_problem
from tests.servers import LiveServer

pytestmark = pytest.mark.npm

_NIL: Final = "00000000-0000-0000-0000-000000000000"
_BAD_KEYS: Final = (
    "",
    "1ST",
    "_KEY",
    "MY-KEY",
    "KEY\n",
    "SCHLÜSSEL",
    "QOVERY_KEY",
    "qovery_key",
    "K" * 256,
    None,
    1,
)


@pytest.mark.rule("E2")
def test_holder_that_is_not_there_is_not_found(npm: NpmClient, scope: Scope, key: str) -> None:
    nowhere = npm.secrets_of(scope, _NIL)

    ensure_problem(nowhere.visible(), HTTPStatus.NOT_FOUND)
    ensure_problem(nowhere.create(key=key), HTTPStatus.NOT_FOUND)


@pytest.mark.rule("E2")
def test_holder_of_another_scope_is_not_found(npm: NpmClient, at: SecretsAt, key: str) -> None:
    confused = npm.secrets_of(Scope.JOB, at(Scope.APPLICATION).holder_id)

    ensure_problem(confused.visible(), HTTPStatus.NOT_FOUND)
    ensure_problem(confused.create(key=key), HTTPStatus.NOT_FOUND)


@pytest.mark.rule("C1", "C2", "C8", "E4")
@pytest.mark.parametrize("bad_key", _BAD_KEYS)
def test_bad_key_is_refused(secrets: NpmSecrets, bad_key: object) -> None:
    answer = secrets.create(key=bad_key, value="v")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("C2", "C3", "C8", "E4")
@pytest.mark.parametrize("bad_key", _BAD_KEYS)
def test_bad_key_of_an_alias_is_refused(
    at: SecretsAt, live_server: LiveServer, bad_key: object
) -> None:
    answer = at(Scope.JOB).alias(live_server.demo["built_in_secret_id"], key=bad_key)

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("C8")
def test_missing_body_is_refused(npm: NpmClient, secrets: NpmSecrets) -> None:
    """The client sends an empty object for no body."""
    name = secrets.scope.camel_name

    answer = npm.call(f"{name}SecretApi", f"create{name}Secret", secrets.holder_id)

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("C8")
@pytest.mark.parametrize("body", [None, [], ["key"], "text", 1, True], ids=repr)
def test_body_that_is_no_object_is_refused(npm: NpmClient, at: SecretsAt, body: object) -> None:
    answer = npm.call("JobSecretApi", "createJobSecret", at(Scope.JOB).holder_id, body)

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("C1", "C8", "C9", "E4")
@pytest.mark.parametrize(
    "fields",
    [
        {"value": 1},
        {"value": ["v"]},
        {"value": "nul\0"},
        {"value": "surrogate\ud800"},
        {"value": "x" * (64 * 1024 + 1)},
        {"description": "d" * 256},
        {"description": False},
        {"enable_interpolation_in_file": "yes"},
        {"mount_path": "relative/path"},
        {"mount_path": "/etc/../etc/passwd"},
        {"mount_path": "/etc//passwd"},
        {"mount_path": "/proc/self/environ"},
        {"mount_path": "/" + "p" * 1024},
    ],
    ids=str,
)
def test_bad_field_is_refused(at: SecretsAt, key: str, fields: dict[str, object]) -> None:
    answer = at(Scope.JOB).create(key=key, **fields)

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("C3", "E3")
def test_taken_key_is_a_conflict_that_names_who_has_it(
    secrets: NpmSecrets, live_server: LiveServer, key: str
) -> None:
    first = secrets.create(key=key, value="first")

    second = secrets.create(key=key, value="second")

    ensure_problem(second, HTTPStatus.CONFLICT)
    existing = second.row["existing_variable"]
    assert (existing["id"], existing["key"]) == (first.row["id"], key)
    assert existing["scope"] == secrets.scope
    assert existing["organization_id"] == live_server.demo["organization_id"]
    assert existing.keys() == {
        "id",
        "key",
        "scope",
        "organization_id",
        "project_id",
        "environment_id",
        "service_id",
    }


@pytest.mark.rule("E3")
def test_conflict_names_the_chain_of_a_services_key(
    at: SecretsAt, service_scope: Scope, live_server: LiveServer, key: str
) -> None:
    service = at(service_scope)
    service.create(key=key)

    existing = service.create(key=key).row["existing_variable"]

    assert existing["project_id"] == live_server.demo["project_id"]
    assert existing["environment_id"] == live_server.demo["environment_id"]
    assert existing["service_id"] == service.holder_id


@pytest.mark.rule("C3", "E3")
@pytest.mark.parametrize("higher", [Scope.PROJECT, Scope.ENVIRONMENT])
def test_key_taken_higher_up_is_a_conflict(
    at: SecretsAt, service_scope: Scope, higher: Scope, key: str
) -> None:
    first = at(higher).create(key=key)

    second = at(service_scope).create(key=key)

    ensure_problem(second, HTTPStatus.CONFLICT)
    assert second.row["existing_variable"]["id"] == first.row["id"]


@pytest.mark.rule("C3", "E3")
@pytest.mark.parametrize("higher", [Scope.PROJECT, Scope.ENVIRONMENT])
def test_key_taken_lower_down_is_a_conflict(
    at: SecretsAt, service_scope: Scope, higher: Scope, key: str
) -> None:
    first = at(service_scope).create(key=key)

    second = at(higher).create(key=key)

    ensure_problem(second, HTTPStatus.CONFLICT)
    assert second.row["existing_variable"]["id"] == first.row["id"]


@pytest.mark.rule("C3", "E3")
def test_taken_key_of_an_alias_is_a_conflict(secrets: NpmSecrets, key: str) -> None:
    target = secrets.create(key=key)

    answer = secrets.alias(target.row["id"], key=key)

    ensure_problem(answer, HTTPStatus.CONFLICT)
    assert answer.row["existing_variable"]["id"] == target.row["id"]


@pytest.mark.rule("A5")
@pytest.mark.parametrize("target_id", [_NIL, "not-a-uuid", "%2e%2e"])
def test_alias_of_what_is_not_there_is_not_found(
    secrets: NpmSecrets, target_id: str, key: str
) -> None:
    answer = secrets.alias(target_id, key=key)

    ensure_problem(answer, HTTPStatus.NOT_FOUND)


@pytest.mark.rule("A3")
@pytest.mark.parametrize("stranger", ["foreign_job_id", "other_job_id"])
def test_alias_of_another_jobs_secret_is_not_found(
    npm: NpmClient, live_server: LiveServer, stranger: str, key: str, other_key: str
) -> None:
    job = npm.secrets_of(Scope.JOB, live_server.demo["job_id"])
    other_job = npm.secrets_of(Scope.JOB, live_server.demo[stranger])
    target_id = other_job.create(key=key).row["id"]

    answer = job.alias(target_id, key=other_key)
    nothing = job.alias(_NIL, key=other_key)

    ensure_problem(answer, HTTPStatus.NOT_FOUND)
    assert answer.row["detail"].replace(target_id, _NIL) == nothing.row["detail"]
    assert answer.row.keys() == nothing.row.keys()


@pytest.mark.rule("A3", "E4")
def test_alias_of_a_lower_scope_is_refused(
    at: SecretsAt, service_scope: Scope, key: str, other_key: str
) -> None:
    target = at(service_scope).create(key=key)

    from_project = at(Scope.PROJECT).alias(target.row["id"], key=other_key)
    from_environment = at(Scope.ENVIRONMENT).alias(target.row["id"], key=other_key)

    ensure_problem(from_project, HTTPStatus.BAD_REQUEST)
    ensure_problem(from_environment, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("A4", "E4")
def test_alias_of_an_alias_is_refused(secrets: NpmSecrets, key: str, other_key: str) -> None:
    target = secrets.create(key=key)
    alias = secrets.alias(target.row["id"], key=other_key)

    answer = secrets.alias(alias.row["id"], key=f"{key}_AGAIN")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)
