"""The database keeps the hierarchy, and the keys that open its values, by itself."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.domain.holders import new_id
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.services.demo import Demo

Row = Mapping[str, Any]
Place = Callable[[Demo], Row]

INSERT_HOLDER = """
INSERT INTO holder (
    id, kind, name, organization_id, parent_id, parent_kind, project_id, environment_id, created_at
) VALUES (
    :id, :kind, :name, :organization_id, :parent_id, :parent_kind, :project_id, :environment_id,
    '2026-01-01'
)"""
NEW = new_id()


def _project(demo: Demo) -> Row:
    return {
        "id": NEW,
        "kind": "PROJECT",
        "name": "new",
        "organization_id": demo.organization_id,
        "parent_id": None,
        "parent_kind": None,
        "project_id": NEW,
        "environment_id": None,
    }


def _environment(demo: Demo) -> Row:
    return {
        **_project(demo),
        "kind": "ENVIRONMENT",
        "parent_id": demo.project_id,
        "parent_kind": "PROJECT",
        "project_id": demo.project_id,
        "environment_id": NEW,
    }


def _service(demo: Demo) -> Row:
    return {
        **_environment(demo),
        "kind": "JOB",
        "parent_id": demo.environment_id,
        "parent_kind": "ENVIRONMENT",
        "environment_id": demo.environment_id,
    }


@pytest.mark.parametrize("place", [_project, _environment, _service])
def test_a_right_holder_is_stored(connection: sqlite3.Connection, demo: Demo, place: Place) -> None:
    """The control of the tests below."""
    connection.execute(INSERT_HOLDER, place(demo))


@pytest.mark.parametrize("kind", SERVICE_SCOPES)
def test_every_kind_of_service_is_stored(
    connection: sqlite3.Connection, demo: Demo, kind: Scope
) -> None:
    connection.execute(INSERT_HOLDER, {**_service(demo), "kind": kind})


REFUSED: dict[str, Place] = {
    "an unknown kind": lambda demo: {**_service(demo), "kind": "DATABASE"},
    "the kind of built-in secrets": lambda demo: {**_service(demo), "kind": "BUILT_IN"},
    "no name": lambda demo: {**_project(demo), "name": None},
    "an unknown organization": lambda demo: {**_project(demo), "organization_id": "unknown"},
    "a project below another": lambda demo: {
        **_project(demo),
        "parent_id": demo.project_id,
        "parent_kind": "PROJECT",
    },
    "a project of another": lambda demo: {**_project(demo), "project_id": demo.project_id},
    "a project in an environment": lambda demo: {
        **_project(demo),
        "environment_id": demo.environment_id,
    },
    "a project with a taken name": lambda demo: {**_project(demo), "name": "shop"},
    "an environment without a project": lambda demo: {
        **_environment(demo),
        "parent_id": None,
        "parent_kind": None,
    },
    "an environment below an environment": lambda demo: {
        **_environment(demo),
        "parent_id": demo.environment_id,
        "parent_kind": "ENVIRONMENT",
    },
    "an environment of another project than its parent's": lambda demo: {
        **_environment(demo),
        "project_id": demo.other_project_id,
    },
    "an environment that is not its own": lambda demo: {
        **_environment(demo),
        "environment_id": demo.environment_id,
    },
    "an environment with a taken name": lambda demo: {**_environment(demo), "name": "production"},
    "a service below a project": lambda demo: {
        **_service(demo),
        "parent_id": demo.project_id,
        "parent_kind": "PROJECT",
    },
    "a service below a service": lambda demo: {
        **_service(demo),
        "parent_id": demo.job_id,
        "parent_kind": "JOB",
    },
    "a service without a parent": lambda demo: {
        **_service(demo),
        "parent_id": None,
        "parent_kind": None,
    },
    "a service in another environment than its parent": lambda demo: {
        **_service(demo),
        "environment_id": demo.other_environment_id,
    },
    "a service without an environment": lambda demo: {**_service(demo), "environment_id": None},
    "a service of another project": lambda demo: {
        **_service(demo),
        "project_id": demo.other_project_id,
    },
    "a service with a taken name": lambda demo: {**_service(demo), "name": "nightly-invoices"},
    "a parent that says it is of another kind": lambda demo: {
        **_service(demo),
        "parent_id": demo.project_id,
        "environment_id": demo.project_id,
    },
    "an unknown parent": lambda demo: {
        **_service(demo),
        "parent_id": "unknown",
        "environment_id": "unknown",
    },
}


@pytest.mark.parametrize("place", REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_holder_is_refused(
    connection: sqlite3.Connection, demo: Demo, place: Place
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(INSERT_HOLDER, place(demo))


def test_a_name_may_be_used_again_elsewhere(connection: sqlite3.Connection, demo: Demo) -> None:
    """Another kind, or another parent."""
    connection.execute(INSERT_HOLDER, {**_service(demo), "kind": "HELM", "name": "newsletter"})


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM holder WHERE id = (SELECT holder_id FROM secret LIMIT 1)",
        "DELETE FROM holder WHERE kind = 'ENVIRONMENT'",
        "DELETE FROM organization",
        "DELETE FROM data_key WHERE id IN (SELECT data_key_id FROM sealed_value)",
        "UPDATE sealed_value SET data_key_id = 'unknown'",
        "UPDATE sealed_value SET value_version = 0",
        "UPDATE sealed_value SET ciphertext = NULL",
        "UPDATE role_grant SET role = 'root'",
        (
            "INSERT INTO claim_rule SELECT 'own', organization_id, 'own', 'https://i', '[]', "
            "'root', id, created_at, NULL, 'OPERATOR:operator', NULL FROM holder LIMIT 1"
        ),
        (
            "INSERT INTO claim_rule SELECT 'own', 'other', 'own', 'https://i', '[]', "
            "'viewer', id, created_at, NULL, 'OPERATOR:operator', NULL FROM holder LIMIT 1"
        ),
        "UPDATE holder SET project_id = id WHERE kind = 'ENVIRONMENT'",
        "UPDATE secret SET project_id = id",
    ],
)
def test_such_a_change_is_refused(connection: sqlite3.Connection, statement: str) -> None:
    """What is in use cannot go, and what was checked cannot become wrong afterwards."""
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM holder WHERE kind = 'HELM'",
        "DELETE FROM data_key WHERE id NOT IN (SELECT data_key_id FROM sealed_value)",
        "UPDATE sealed_value SET value_version = 2",
        "UPDATE role_grant SET role = 'viewer'",
        "DELETE FROM sealed_value",
        (
            "INSERT INTO claim_rule SELECT 'own', organization_id, 'own', 'https://i', '[]', "
            "'viewer', id, created_at, NULL, 'OPERATOR:operator', NULL FROM holder LIMIT 1"
        ),
    ],
)
def test_such_a_change_is_made(connection: sqlite3.Connection, statement: str) -> None:
    """The control of the test above."""
    assert connection.execute(statement).rowcount > 0


def test_a_data_key_without_values_can_go(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM sealed_value")

    connection.execute("DELETE FROM data_key")

    assert connection.execute("SELECT count(*) FROM data_key").fetchone() == (0,)


def test_a_digest_names_one_token(connection: sqlite3.Connection) -> None:
    insert = """
        INSERT INTO api_token (id, organization_id, name, digest, created_at)
        SELECT ?, organization_id, name, ?, created_at FROM api_token
    """
    connection.execute(insert, (new_id(), b"another digest"))

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(insert, (new_id(), b"another digest"))


def test_without_foreign_keys_a_key_in_use_would_go(connection: sqlite3.Connection) -> None:
    """The control: the setting is each connection's own, and off by default."""
    connection.execute("PRAGMA foreign_keys = OFF")

    assert connection.execute("DELETE FROM data_key").rowcount > 0
