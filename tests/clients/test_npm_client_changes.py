"""npm's client edits, at every scope with paths of its own."""

from collections.abc import Mapping
from http import HTTPStatus

import pytest

from tests.clients.declarations import Declarations
from tests.clients.npm_client import NpmSecrets
from tests.clients.problems import ensure_problem

pytestmark = pytest.mark.npm


@pytest.mark.rule("C5", "W1", "W3")
def test_edited_value_is_of_the_declared_type(
    secrets: NpmSecrets, key: str, other_key: str, declarations: Declarations
) -> None:
    made = secrets.create(key=key, value="v")

    edited = secrets.edit(made.row["id"], key=other_key, value="never told", description="Said")

    assert edited.status == HTTPStatus.OK
    assert declarations.complaints("Secret", edited.data) == []
    assert (edited.row["key"], edited.row["description"]) == (other_key, "Said")
    assert "never told" not in str(edited)


@pytest.mark.rule("C5")
def test_edit_keeps_who_the_secret_is(secrets: NpmSecrets, key: str, other_key: str) -> None:
    made = secrets.create(key=key, value="v").row

    edited = secrets.edit(made["id"], key=other_key).row

    kept = ("id", "created_at", "scope", "variable_type", "owned_by")
    assert {name: edited[name] for name in kept} == {name: made[name] for name in kept}
    assert edited in secrets.visible().rows


@pytest.mark.rule("C5")
@pytest.mark.parametrize("fields", [{}, {"value": None}, {"value": ""}, {"value": "w"}], ids=str)
def test_value_may_be_kept_emptied_or_replaced(
    secrets: NpmSecrets, key: str, fields: Mapping[str, object]
) -> None:
    made = secrets.create(key=key, value="v")

    edited = secrets.edit(made.row["id"], key=key, **fields)

    assert (edited.status, edited.row["variable_type"]) == (HTTPStatus.OK, "VALUE")


@pytest.mark.rule("C5")
def test_edit_does_not_turn_a_value_into_a_file(
    secrets: NpmSecrets, key: str, other_key: str
) -> None:
    made = secrets.create(key=key, value="v")

    edited = secrets.edit(made.row["id"], key=key, mount_path="/etc/app/new", scope="PROJECT")

    alias = secrets.alias(made.row["id"], key=other_key)
    assert (edited.status, edited.row["variable_type"]) == (HTTPStatus.OK, "VALUE")
    assert edited.row["scope"] == secrets.scope
    assert alias.row["aliased_secret"]["mount_path"] == ""


@pytest.mark.rule("C5")
def test_edit_keeps_a_files_mount_path(secrets: NpmSecrets, key: str, other_key: str) -> None:
    made = secrets.create(key=key, value="v", mount_path=f"/etc/app/{key}")

    edited = secrets.edit(made.row["id"], key=key, value="w", mount_path="/etc/app/new")

    alias = secrets.alias(made.row["id"], key=other_key)
    assert (edited.status, edited.row["variable_type"]) == (HTTPStatus.OK, "FILE")
    assert alias.row["aliased_secret"]["mount_path"] == f"/etc/app/{key}"


@pytest.mark.rule("C2", "C5", "C8", "E4")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"key": None},
        {"key": ""},
        {"key": "_KEY"},
        {"key": "KEY\n"},
        {"key": "QOVERY_KEY"},
        {"key": "KEY", "value": 1},
        {"key": "KEY", "description": "d" * 256},
    ],
    ids=str,
)
def test_bad_edit_changes_nothing(
    secrets: NpmSecrets, key: str, fields: Mapping[str, object]
) -> None:
    made = secrets.create(key=key, value="v")

    answer = secrets.edit(made.row["id"], **fields)

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)
    assert made.row in secrets.visible().rows


@pytest.mark.rule("C3", "E3")
def test_rename_to_a_taken_key_is_a_conflict(secrets: NpmSecrets, key: str, other_key: str) -> None:
    first = secrets.create(key=key)
    second = secrets.create(key=other_key)

    answer = secrets.edit(second.row["id"], key=key)

    ensure_problem(answer, HTTPStatus.CONFLICT)
    assert answer.row["existing_variable"]["id"] == first.row["id"]
    assert second.row in secrets.visible().rows


@pytest.mark.rule("A2")
def test_rename_of_a_target_shows_through_its_alias(
    secrets: NpmSecrets, key: str, other_key: str
) -> None:
    target = secrets.create(key=key, value="v")
    alias = secrets.alias(target.row["id"], key=other_key)

    secrets.edit(target.row["id"], key=f"{key}_RENAMED", description="Said")

    rows = {row["id"]: row for row in secrets.visible().rows}
    seen = rows[alias.row["id"]]
    assert seen["key"] == other_key
    assert seen["aliased_secret"]["key"] == f"{key}_RENAMED"
    assert seen["aliased_secret"]["description"] == "Said"


@pytest.mark.rule("A6")
def test_alias_takes_another_key_and_description(
    secrets: NpmSecrets, key: str, other_key: str, declarations: Declarations
) -> None:
    target = secrets.create(key=key, value="v")
    alias = secrets.alias(target.row["id"], key=other_key)

    edited = secrets.edit(alias.row["id"], key=f"{other_key}_RENAMED", description="Said")

    assert edited.status == HTTPStatus.OK
    assert declarations.complaints("Secret", edited.data) == []
    assert edited.row["id"] == alias.row["id"]
    assert (edited.row["key"], edited.row["description"]) == (f"{other_key}_RENAMED", "Said")
    assert edited.row["aliased_secret"] == alias.row["aliased_secret"]


@pytest.mark.rule("A6")
def test_value_of_an_alias_may_be_its_targets_key(
    secrets: NpmSecrets, key: str, other_key: str
) -> None:
    target = secrets.create(key=key, value="v")
    alias = secrets.alias(target.row["id"], key=other_key)

    echoed = secrets.edit(alias.row["id"], key=other_key, value=key)
    null = secrets.edit(alias.row["id"], key=other_key, value=None)

    assert (echoed.status, null.status) == (HTTPStatus.OK, HTTPStatus.OK)
    assert echoed.row["variable_type"] == "ALIAS"
    assert null.row["aliased_secret"] == alias.row["aliased_secret"]


@pytest.mark.rule("A6", "E4")
@pytest.mark.parametrize("value", ["", "another"])
def test_any_other_value_of_an_alias_is_refused(
    secrets: NpmSecrets, key: str, other_key: str, value: str
) -> None:
    target = secrets.create(key=key, value="v")
    alias = secrets.alias(target.row["id"], key=other_key)

    answer = secrets.edit(alias.row["id"], key=f"{other_key}_RENAMED", value=value)

    ensure_problem(answer, HTTPStatus.BAD_REQUEST)
    assert alias.row in secrets.visible().rows
