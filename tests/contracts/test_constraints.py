"""The database refuses by itself what the domain refuses, however it is written to."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.domain.holders import new_id
from gateway.services.demo import Demo

Row = Mapping[str, Any]

INSERT_SECRET = """
INSERT INTO secret (
    id, organization_id, project_id, holder_id, holder_kind, scope, variable_type, list_rank, key,
    mount_path, target_id, target_type, owned_by, version, created_at, updated_at
) VALUES (
    :id, :organization_id, :project_id, :holder_id, :holder_kind, :scope, :variable_type, 0, :key,
    :mount_path, :target_id, :target_type, 'QOVERY', :version, '2026-01-01', '2026-01-01'
)"""


def _id_of(connection: sqlite3.Connection, key: str, variable_type: str) -> str:
    query = "SELECT id FROM secret WHERE key = ? AND variable_type = ?"
    (found,) = connection.execute(query, (key, variable_type)).fetchone()
    return str(found)


@pytest.fixture
def targets(connection: sqlite3.Connection) -> Mapping[str, str]:
    """Secrets that can be referred to, by their type."""
    return {
        "VALUE": _id_of(connection, "PAYMENT_API_KEY", "VALUE"),
        "FILE": _id_of(connection, "TLS_CERTIFICATE", "FILE"),
        "EXTERNAL_SECRET": _id_of(connection, "TRACING_API_KEY", "EXTERNAL_SECRET"),
        "OVERRIDE": _id_of(connection, "PAYMENT_API_KEY", "OVERRIDE"),
        "ALIAS": _id_of(connection, "BILLING_API_KEY", "ALIAS"),
        "BUILT_IN": connection.execute(
            "SELECT id FROM secret WHERE variable_type = 'BUILT_IN'"
        ).fetchone()[0],
    }


def _secret(demo: Demo, **changes: object) -> Row:
    return {
        "id": new_id(),
        "organization_id": demo.organization_id,
        "project_id": demo.project_id,
        "holder_id": demo.job_id,
        "holder_kind": "JOB",
        "scope": "JOB",
        "variable_type": "VALUE",
        "key": "KEY",
        "mount_path": None,
        "target_id": None,
        "target_type": None,
        "version": 1,
        **changes,
    }


ACCEPTED_SECRETS: list[Row] = [
    {},
    {"variable_type": "FILE", "mount_path": "/etc/key"},
    {"variable_type": "EXTERNAL_SECRET"},
    {"variable_type": "BUILT_IN", "scope": "BUILT_IN"},
]
REFUSED_SECRETS: dict[str, Row] = {
    "an unknown type": {"variable_type": "OTHER"},
    "an unknown scope": {"scope": "OTHER"},
    "a scope that is not the holder's": {"scope": "PROJECT"},
    "another kind of holder": {"holder_kind": "CONTAINER", "scope": "CONTAINER"},
    "an unknown holder": {"holder_id": "unknown"},
    "another project than the holder's": {"project_id": "unknown"},
    "another organization than the holder's": {"organization_id": "unknown"},
    "a built-in scope without the type": {"scope": "BUILT_IN"},
    "a built-in type without the scope": {"variable_type": "BUILT_IN"},
    "a file without a path": {"variable_type": "FILE"},
    "a path without a file": {"mount_path": "/etc/key"},
    "an alias without a target": {"variable_type": "ALIAS"},
    "an override without a target": {"variable_type": "OVERRIDE"},
    "an empty key": {"key": ""},
    "no key": {"key": None},
    "a key that the holder has": {"key": "INVOICE_SIGNING_KEY"},
    "version zero": {"version": 0},
    "no version": {"version": None},
}


@pytest.mark.parametrize(
    "changes", ACCEPTED_SECRETS, ids=lambda row: row.get("variable_type", "VALUE")
)
def test_a_right_secret_is_stored(connection: sqlite3.Connection, demo: Demo, changes: Row) -> None:
    """The control of the tests below."""
    connection.execute(INSERT_SECRET, _secret(demo, **changes))


@pytest.mark.parametrize("changes", REFUSED_SECRETS.values(), ids=REFUSED_SECRETS.keys())
def test_a_wrong_secret_is_refused(
    connection: sqlite3.Connection, demo: Demo, changes: Row
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(INSERT_SECRET, _secret(demo, **changes))


def _referring(variable_type: str, target_type: str, targets: Mapping[str, str]) -> Row:
    return {
        "variable_type": variable_type,
        "target_type": target_type,
        "target_id": targets[target_type],
    }


@pytest.mark.parametrize(
    ("variable_type", "target_type"),
    [
        ("ALIAS", "VALUE"),
        ("ALIAS", "FILE"),
        ("ALIAS", "EXTERNAL_SECRET"),
        ("ALIAS", "OVERRIDE"),
        ("ALIAS", "BUILT_IN"),
        ("OVERRIDE", "VALUE"),
        ("OVERRIDE", "FILE"),
        ("OVERRIDE", "EXTERNAL_SECRET"),
    ],
)
def test_a_right_reference_is_stored(
    *,
    connection: sqlite3.Connection,
    demo: Demo,
    targets: Mapping[str, str],
    variable_type: str,
    target_type: str,
) -> None:
    """The control of the tests below."""
    reference = _referring(variable_type, target_type, targets)

    connection.execute(INSERT_SECRET, _secret(demo, **reference))


@pytest.mark.rule("A4", "O3")
@pytest.mark.parametrize(
    ("variable_type", "target_type"),
    [
        ("ALIAS", "ALIAS"),
        ("OVERRIDE", "ALIAS"),
        ("OVERRIDE", "OVERRIDE"),
        ("OVERRIDE", "BUILT_IN"),
        ("VALUE", "VALUE"),
    ],
)
def test_a_wrong_reference_is_refused(
    *,
    connection: sqlite3.Connection,
    demo: Demo,
    targets: Mapping[str, str],
    variable_type: str,
    target_type: str,
) -> None:
    reference = _referring(variable_type, target_type, targets)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(INSERT_SECRET, _secret(demo, **reference))


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    "lie",
    [
        {"target_type": "VALUE"},
        {"target_type": None},
        {"target_id": None},
        {"target_id": "unknown"},
    ],
    ids=["the type of another", "no type", "no target", "an unknown target"],
)
def test_a_reference_cannot_lie_about_its_target(
    connection: sqlite3.Connection, demo: Demo, targets: Mapping[str, str], lie: Row
) -> None:
    """Or an alias of an alias could pass as one of a value."""
    reference = {**_referring("ALIAS", "FILE", targets), **lie}

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(INSERT_SECRET, _secret(demo, **reference))


@pytest.mark.rule("A3")
def test_a_target_of_another_project_is_refused(
    connection: sqlite3.Connection, demo: Demo, targets: Mapping[str, str]
) -> None:
    abroad = {
        "project_id": demo.other_project_id,
        "holder_id": demo.other_project_id,
        "holder_kind": "PROJECT",
        "scope": "PROJECT",
    }
    reference = _referring("ALIAS", "VALUE", targets)
    connection.execute(INSERT_SECRET, _secret(demo, **abroad))

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(INSERT_SECRET, _secret(demo, key="OTHER", **abroad, **reference))


@pytest.mark.rule("A4")
def test_what_has_become_an_alias_cannot_stay_a_target(
    connection: sqlite3.Connection, targets: Mapping[str, str]
) -> None:
    """Not even by changing the target afterwards."""
    update = """
        UPDATE secret SET variable_type = 'ALIAS', target_id = ?, target_type = 'FILE' WHERE id = ?
    """

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(update, (targets["FILE"], targets["VALUE"]))


@pytest.mark.rule("A7")
def test_a_target_that_something_refers_to_cannot_be_deleted(
    connection: sqlite3.Connection, targets: Mapping[str, str]
) -> None:
    """Nothing is deleted unseen: what refers to it goes first."""
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("DELETE FROM secret WHERE id = ?", (targets["VALUE"],))

    connection.execute("DELETE FROM sealed_value")
    gone = connection.execute("DELETE FROM secret WHERE target_id = ?", (targets["VALUE"],))
    connection.execute("DELETE FROM secret WHERE id = ?", (targets["VALUE"],))

    assert gone.rowcount == 2
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
