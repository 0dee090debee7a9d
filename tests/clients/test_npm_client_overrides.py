"""npm's client overrides, from every scope with paths of its own."""

from http import HTTPStatus
from typing import Final

import pytest

from gateway.domain.scopes import LEGACY_SCOPES, Scope
from tests.clients.declarations import Declarations
from tests.clients.npm_client import NpmClient, NpmSecrets, SecretsAt
from tests.clients.problems import ensure_problem
from tests.servers import LiveServer

pytestmark = pytest.mark.npm

Levels = tuple[NpmSecrets, NpmSecrets]

_NIL: Final = "00000000-0000-0000-0000-000000000000"
_LOWER_THAN: Final = [
    (lower, higher)
    for lower in LEGACY_SCOPES
    for higher in LEGACY_SCOPES
    if lower.is_lower_than(higher)
]


@pytest.fixture(params=_LOWER_THAN, ids="-over-".join)
def levels(request: pytest.FixtureRequest, at: SecretsAt) -> Levels:
    """Two holders on a chain: where a target can be, and from where it can be overridden."""
    lower, higher = request.param
    return at(higher), at(lower)


@pytest.mark.rule("O1", "O2", "W1")
def test_override_says_what_it_replaces(
    levels: Levels, key: str, declarations: Declarations
) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v", description="Said")

    override = lower.override(target.row["id"], value="never told")

    assert override.status == HTTPStatus.CREATED
    assert declarations.complaints("Secret", override.data) == []
    assert override.row["id"] != target.row["id"]
    assert (override.row["key"], override.row["scope"]) == (key, lower.scope)
    assert (override.row["variable_type"], override.row["description"]) == ("OVERRIDE", "")
    assert "never told" not in str(override)
    assert override.row["overridden_secret"] == {
        "id": target.row["id"],
        "key": key,
        "mount_path": "",
        "scope": higher.scope,
        "variable_type": "VALUE",
        "description": "Said",
    }


@pytest.mark.rule("L1", "L2")
def test_override_and_its_target_stand_side_by_side(levels: Levels, key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    override = lower.override(target.row["id"], value="w")

    same_key = [row for row in lower.visible().rows if row["key"] == key]

    assert same_key == [target.row, override.row]
    assert override.row not in higher.visible().rows


@pytest.mark.rule("O3", "W3")
def test_override_of_a_file_has_the_path_in_its_reference(levels: Levels, key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v", mount_path=f"/etc/app/{key}")

    override = lower.override(target.row["id"], value="w")

    assert (override.status, override.row["variable_type"]) == (HTTPStatus.CREATED, "OVERRIDE")
    assert "mount_path" not in override.row
    assert override.row["overridden_secret"]["mount_path"] == f"/etc/app/{key}"
    assert override.row["overridden_secret"]["variable_type"] == "FILE"


@pytest.mark.rule("C1")
def test_override_needs_no_value(npm: NpmClient, at: SecretsAt, key: str) -> None:
    """The client sends an empty object for no body."""
    target = at(Scope.PROJECT).create(key=key, value="v")
    job_id = at(Scope.JOB).holder_id

    override = npm.call("JobSecretApi", "createJobSecretOverride", job_id, target.row["id"])

    assert override.status == HTTPStatus.CREATED


@pytest.mark.rule("O3")
def test_one_value_is_overridden_at_two_levels(
    at: SecretsAt, service_scope: Scope, key: str
) -> None:
    target_id = at(Scope.PROJECT).create(key=key, value="v").row["id"]

    middle = at(Scope.ENVIRONMENT).override(target_id, value="w")
    lowest = at(service_scope).override(target_id, value="x")

    assert (middle.status, lowest.status) == (HTTPStatus.CREATED, HTTPStatus.CREATED)
    assert middle.row["overridden_secret"]["id"] == target_id
    assert lowest.row["overridden_secret"]["id"] == target_id


@pytest.mark.rule("A4")
def test_override_can_be_aliased(levels: Levels, key: str, other_key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    override = lower.override(target.row["id"], value="w")

    alias = lower.alias(override.row["id"], key=other_key)

    assert alias.status == HTTPStatus.CREATED
    assert alias.row["aliased_secret"]["id"] == override.row["id"]
    assert alias.row["aliased_secret"]["variable_type"] == "OVERRIDE"


@pytest.mark.rule("C5", "O2")
def test_override_takes_another_value_and_description(
    levels: Levels, key: str, declarations: Declarations
) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    override = lower.override(target.row["id"], value="w")

    edited = lower.edit(override.row["id"], key=key, value="x", description="Said")

    assert edited.status == HTTPStatus.OK
    assert declarations.complaints("Secret", edited.data) == []
    assert (edited.row["id"], edited.row["description"]) == (override.row["id"], "Said")
    assert edited.row["overridden_secret"] == override.row["overridden_secret"]


@pytest.mark.rule("E4", "O2")
def test_key_of_an_override_cannot_be_edited(levels: Levels, key: str, other_key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    override = lower.override(target.row["id"], value="w")

    answer = lower.edit(override.row["id"], key=other_key, value="x")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)
    assert override.row in lower.visible().rows


@pytest.mark.rule("O1", "O2")
def test_rename_of_a_target_shows_in_its_override(levels: Levels, key: str, other_key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    override = lower.override(target.row["id"], value="w")

    renamed = higher.edit(target.row["id"], key=other_key)

    rows = {row["id"]: row for row in lower.visible().rows}
    seen = rows[override.row["id"]]
    assert renamed.status == HTTPStatus.OK
    assert (seen["key"], seen["overridden_secret"]["key"]) == (other_key, other_key)


@pytest.mark.rule("A7", "C7")
def test_deleting_an_override_leaves_its_target(levels: Levels, key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    override = lower.override(target.row["id"], value="w")

    deleted = lower.delete(override.row["id"])

    assert deleted.status == HTTPStatus.NO_CONTENT
    assert target.row in lower.visible().rows


@pytest.mark.rule("E3", "O4")
def test_second_override_is_a_conflict(levels: Levels, key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    first = lower.override(target.row["id"], value="w")

    second = lower.override(target.row["id"], value="x")

    ensure_problem(second, HTTPStatus.CONFLICT)
    assert second.row["existing_variable"]["id"] == first.row["id"]


@pytest.mark.rule("E4", "O1")
def test_override_from_a_higher_scope_is_refused(levels: Levels, key: str) -> None:
    higher, lower = levels
    target = lower.create(key=key, value="v")

    answer = higher.override(target.row["id"], value="w")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("E4", "O1")
def test_override_at_the_same_scope_is_refused(secrets: NpmSecrets, key: str) -> None:
    target = secrets.create(key=key, value="v")

    answer = secrets.override(target.row["id"], value="w")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("E4", "O3")
def test_override_of_a_built_in_is_refused(
    at: SecretsAt, service_scope: Scope, live_server: LiveServer
) -> None:
    answer = at(service_scope).override(live_server.demo["built_in_secret_id"], value="w")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("E4", "O3")
def test_override_of_an_alias_is_refused(levels: Levels, key: str, other_key: str) -> None:
    higher, lower = levels
    target = higher.create(key=key, value="v")
    alias = higher.alias(target.row["id"], key=other_key)

    answer = lower.override(alias.row["id"], value="w")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("E4", "O3")
def test_override_of_an_override_is_refused(at: SecretsAt, service_scope: Scope, key: str) -> None:
    target = at(Scope.PROJECT).create(key=key, value="v")
    override = at(Scope.ENVIRONMENT).override(target.row["id"], value="w")

    answer = at(service_scope).override(override.row["id"], value="x")

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)


@pytest.mark.rule("A5")
@pytest.mark.parametrize("target_id", [_NIL, "not-a-uuid"])
def test_override_of_what_is_not_there_is_not_found(secrets: NpmSecrets, target_id: str) -> None:
    answer = secrets.override(target_id, value="w")

    ensure_problem(answer, HTTPStatus.NOT_FOUND)


@pytest.mark.rule("O1")
def test_override_of_a_siblings_secret_is_not_found(at: SecretsAt, key: str) -> None:
    target = at(Scope.APPLICATION).create(key=key, value="v")

    answer = at(Scope.JOB).override(target.row["id"], value="w")

    ensure_problem(answer, HTTPStatus.NOT_FOUND)
