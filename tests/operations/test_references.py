"""References between values: dependents, explanations, warnings, renames that they follow."""

from typing import Any

import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.faces import GraphQLFace
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

EDIT = """mutation ($id: ID!, $input: SecretEditInput!, $update: Boolean, $dry: Boolean) {
  editSecret(secretId: $id, input: $input, updateReferences: $update, dryRun: $dry) {
    secret { key }
    errors {
      code path
      ... on ReferencesNotUpdatedError { hiddenCount secrets { key } }
    }
    warnings { code message path }
  }
}"""
DELETE = """mutation ($id: ID!, $dry: Boolean) {
  deleteSecret(secretId: $id, withDependents: true, dryRun: $dry) {
    errors { code } warnings { code message path }
  }
}"""
GUARDED = """mutation ($id: ID!) {
  deleteSecret(secretId: $id) {
    errors { code ... on SecretInUseError { dependents { key } } }
  }
}"""
CREATE = """mutation ($holder: SecretHolderRef!, $input: SecretInput!) {
  createSecret(holder: $holder, input: $input) { warnings { code message path } }
}"""
IMPORT = """mutation ($holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!) {
  importSecrets(holder: $holder, secrets: $secrets, overwrite: true) {
    errors { code } warnings { code message path }
  }
}"""
EXPLAIN = """query ($id: ID!, $key: String!) {
  explainSecret(serviceId: $id, key: $key) {
    references { key isResolved resolvesTo { id key scope } }
  }
}"""
DEPENDENTS = "query ($id: ID!) { secret(id: $id) { dependents { edges { node { key } } } } }"
DELIVER = """query ($id: ID!, $do: OnUnresolved!) {
  runtimeSecrets(serviceId: $id, onUnresolved: $do) { key value }
}"""


async def _secret(world: World, scope: Scope, at: str, key: str, value: str) -> str:
    made = await world.rest.create(scope, at, key=key, value=value)
    assert made.code is None, made
    return str(made.row["id"])


async def _rename(
    face: GraphQLFace, secret_id: str, key: str, *, update: bool = False, dry: bool = False
) -> dict[str, Any]:
    variables = {"id": secret_id, "input": {"key": key}, "update": update, "dry": dry}
    return dict((await face.ask(EDIT, variables))["editSecret"])


async def _dependents(world: World, secret_id: str) -> list[str]:
    answer = await world.graphql.ask(DEPENDENTS, {"id": secret_id})
    return [edge["node"]["key"] for edge in answer["secret"]["dependents"]["edges"]]


async def _delivered(world: World, service_id: str) -> dict[str, str]:
    answer = await world.graphql.ask(DELIVER, {"id": service_id, "do": "KEEP"})
    return {
        runtime_secret["key"]: runtime_secret["value"]
        for runtime_secret in answer["runtimeSecrets"]
    }


@pytest.mark.rule("R4")
async def test_what_refers_to_a_secret_is_its_dependent(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """At any depth, and through aliases; not where the name leads to something else."""
    demo = shared_world.demo
    host = await _secret(shared_world, Scope.PROJECT, demo.project_id, key, "db")
    url = await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_URL", f"pg://{{{{{key}}}}}/x")
    await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_ALL", f"[{{{{{key}_URL}}}}]")
    await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_TEXT", rf"\{{{{{key}}}}}")
    await shared_world.rest.alias(Scope.JOB, fresh_job, url, key=f"{key}_DSN")

    assert await _dependents(shared_world, host) == [f"{key}_ALL", f"{key}_URL", f"{key}_DSN"]
    used = await shared_world.graphql.ask(GUARDED, {"id": url})
    assert used["deleteSecret"]["errors"] == [
        {"code": "SECRET_IN_USE", "dependents": [{"key": f"{key}_ALL"}, {"key": f"{key}_DSN"}]}
    ]
    override = await shared_world.rest.override(
        Scope.ENVIRONMENT, demo.environment_id, host, value="narrow"
    )
    assert await _dependents(shared_world, host) == [
        key,
        f"{key}_ALL",
        f"{key}_URL",
        f"{key}_DSN",
    ]
    assert override.code is None


@pytest.mark.rule("R4")
async def test_a_rename_or_deletion_says_what_it_leaves_unresolved(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """In a dry run too, and only then."""
    demo = shared_world.demo
    host = await _secret(shared_world, Scope.PROJECT, demo.project_id, key, "db")
    await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_URL", f"pg://{{{{{key}}}}}/x")

    planned = await _rename(shared_world.graphql, host, f"{key}_NEW", dry=True)
    deleted = await shared_world.graphql.ask(DELETE, {"id": host, "dry": True})
    described = await _rename(shared_world.graphql, host, key)

    (warning,) = planned["warnings"]
    assert (warning["code"], warning["path"]) == ("REFERENCE_BROKEN", ["input", "key"])
    assert f"{key}_URL" in warning["message"]
    (warning,) = deleted["deleteSecret"]["warnings"]
    assert (warning["code"], warning["path"]) == ("REFERENCE_BROKEN", ["secretId"])
    assert described["warnings"] == []
    assert (await _rename(shared_world.graphql, host, f"{key}_NEW"))["warnings"] == planned[
        "warnings"
    ]


@pytest.mark.rule("R4")
async def test_what_falls_back_to_another_value_is_not_broken(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """The control of the test above."""
    host = await _secret(shared_world, Scope.PROJECT, shared_world.demo.project_id, key, "db")
    override = await shared_world.rest.override(Scope.JOB, fresh_job, host, value="narrow")
    await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_URL", f"{{{{{key}}}}}")

    answer = await shared_world.graphql.ask(DELETE, {"id": override.row["id"]})

    assert answer["deleteSecret"] == {"errors": [], "warnings": []}


@pytest.mark.rule("R4")
async def test_a_reference_to_an_unknown_name_is_counted_and_never_shown(
    shared_world: World, fresh_job: str, key: str
) -> None:
    holder = {"jobId": fresh_job}
    known = {"key": f"{key}_A", "value": f"{{{{{key}_A}}}}{{{{SMTP_PASSWORD}}}}"}
    unknown = {"key": f"{key}_B", "value": "{{hunter2}}{{hunter3}}"}

    fine = await shared_world.graphql.ask(CREATE, {"holder": holder, "input": known})
    answer = await shared_world.graphql.ask(CREATE, {"holder": holder, "input": unknown})

    assert fine["createSecret"]["warnings"] == []
    (warning,) = answer["createSecret"]["warnings"]
    assert (warning["code"], warning["path"]) == ("REFERENCE_UNKNOWN", ["input", "value"])
    assert "2 names" in warning["message"]
    assert "hunter" not in str(answer)


@pytest.mark.rule("R4")
async def test_rows_of_an_import_may_refer_to_each_other(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """The names are looked for once all rows are written."""
    rows = [
        {"key": f"{key}_URL", "value": f"{{{{{key}}}}}"},
        {"key": key, "value": "{{NOBODY}}"},
    ]

    answer = await shared_world.graphql.ask(
        IMPORT, {"holder": {"jobId": fresh_job}, "secrets": rows}
    )

    assert answer["importSecrets"]["errors"] == []
    (warning,) = answer["importSecrets"]["warnings"]
    assert (warning["code"], warning["path"]) == ("REFERENCE_UNKNOWN", ["secrets", "1", "value"])


@pytest.mark.rule("C5", "R6")
async def test_a_value_that_is_emptied_is_warned_of(
    shared_world: World, fresh_job: str, key: str
) -> None:
    made = await _secret(shared_world, Scope.JOB, fresh_job, key, "x")

    async def edited(**fields: Any) -> list[Any]:
        variables = {"id": made, "input": {"key": key, **fields}}
        return list((await shared_world.graphql.ask(EDIT, variables))["editSecret"]["warnings"])

    assert await edited(description="kept", value=None) == []
    (warning,) = await edited(value="")
    assert (warning["code"], warning["path"]) == ("VALUE_EMPTIED", ["input", "value"])
    assert await edited(value="") == []


@pytest.mark.rule("R4")
async def test_an_explanation_shows_what_a_value_refers_to(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """Names are shown where they are keys in sight."""
    demo = shared_world.demo
    host = await _secret(shared_world, Scope.PROJECT, demo.project_id, key, "db")
    await _secret(shared_world, Scope.JOB, demo.other_job_id, f"{key}_ELSEWHERE", "x")
    text = f"{{{{{key}}}}}{{{{{key}_ELSEWHERE}}}}{{{{hunter2}}}}"
    url = await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_URL", text)
    await shared_world.rest.alias(Scope.JOB, fresh_job, url, key=f"{key}_DSN")
    narrow = GraphQLFace(
        await shared_world.client_with(Role.VIEWER, on=HolderReference(Scope.JOB, fresh_job))
    )

    async def references(face: GraphQLFace, name: str) -> list[Any]:
        answer = await face.ask(EXPLAIN, {"id": fresh_job, "key": name})
        return list(answer["explainSecret"]["references"])

    expected = [
        {
            "key": key,
            "isResolved": True,
            "resolvesTo": {"id": host, "key": key, "scope": "PROJECT"},
        },
        {"key": f"{key}_ELSEWHERE", "isResolved": False, "resolvesTo": None},
        {"key": None, "isResolved": False, "resolvesTo": None},
    ]
    assert await references(shared_world.graphql, f"{key}_URL") == expected
    assert await references(shared_world.graphql, f"{key}_DSN") == expected
    hidden = {"key": None, "resolvesTo": None}
    answer = await references(narrow, f"{key}_URL")
    assert sorted(answer, key=str) == sorted(
        [hidden | {"isResolved": item} for item in (True, False, False)], key=str
    )


@pytest.mark.rule("R4")
async def test_references_follow_a_rename_if_that_is_asked_for(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """In overrides too; what is escaped is no reference."""
    demo = shared_world.demo
    host = await _secret(shared_world, Scope.PROJECT, demo.project_id, key, "db")
    text = rf"{{{{{key}}}}}-\{{{{{key}}}}}-\\{{{{{key}}}}}"
    await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_URL", text)
    before = await _delivered(shared_world, fresh_job)

    planned = await _rename(shared_world.graphql, host, f"{key}_NEW", update=True, dry=True)
    unchanged = await _delivered(shared_world, fresh_job)
    renamed = await _rename(shared_world.graphql, host, f"{key}_NEW", update=True)
    after = await _delivered(shared_world, fresh_job)

    assert (
        planned
        == renamed
        == {
            "secret": {"key": f"{key}_NEW"},
            "errors": [],
            "warnings": [],
        }
    )
    assert unchanged == before
    assert after[f"{key}_URL"] == before[f"{key}_URL"] == rf"db-{{{{{key}}}}}-\db"
    assert await _dependents(shared_world, host) == [f"{key}_URL"]


@pytest.mark.rule("R4")
async def test_references_follow_a_rename_all_or_none(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """A value that refers to another secret elsewhere cannot follow, and is named."""
    demo = shared_world.demo
    await _secret(shared_world, Scope.PROJECT, demo.project_id, f"{key}_WIDE", f"{{{{{key}}}}}")
    host = await _secret(shared_world, Scope.JOB, fresh_job, key, "mine")
    await _secret(shared_world, Scope.JOB, demo.other_job_id, key, "other")
    await _secret(shared_world, Scope.JOB, fresh_job, f"{key}_URL", f"{{{{{key}}}}}")
    before = await _delivered(shared_world, fresh_job)

    answer = await _rename(shared_world.graphql, host, f"{key}_NEW", update=True)

    (error,) = answer["errors"]
    assert (error["code"], error["path"]) == ("REFERENCES_NOT_UPDATED", ["input", "key"])
    assert (error["secrets"], error["hiddenCount"]) == ([{"key": f"{key}_WIDE"}], 0)
    assert await _delivered(shared_world, fresh_job) == before


@pytest.mark.rule("R4")
async def test_references_that_the_caller_cannot_write_are_counted(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """One who writes at the service alone does not see the project's."""
    demo = shared_world.demo
    await _secret(shared_world, Scope.PROJECT, demo.project_id, f"{key}_WIDE", f"{{{{{key}}}}}")
    host = await _secret(shared_world, Scope.JOB, fresh_job, key, "mine")
    narrow = GraphQLFace(
        await shared_world.client_with(Role.EDITOR, on=HolderReference(Scope.JOB, fresh_job))
    )

    answer = await _rename(narrow, host, f"{key}_NEW", update=True)
    warned = await _rename(narrow, host, f"{key}_NEW")

    (error,) = answer["errors"]
    assert (error["secrets"], error["hiddenCount"]) == ([], 1)
    assert "1 other secret" in warned["warnings"][0]["message"]
    assert f"{key}_WIDE" not in str(answer) + str(warned)


@pytest.mark.rule("R4")
async def test_a_delivery_can_fail_on_unresolved_references(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """It names what refers to what, and no value."""
    await _secret(shared_world, Scope.JOB, fresh_job, key, "hidden-{{NOBODY}}-{{SMTP_PASSWORD}}")
    failing = {"query": DELIVER, "variables": {"id": fresh_job, "do": "FAIL"}}

    kept = await _delivered(shared_world, fresh_job)
    refused = (await shared_world.client.post("/graphql", json=failing)).json()

    assert kept[key].startswith("hidden-{{NOBODY}}-")
    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "REFERENCE_UNRESOLVED"
    assert f"{key} to {{{{NOBODY}}}}" in error["message"]
    assert "SMTP_PASSWORD" not in error["message"]
    assert "hidden" not in str(refused)
    assert refused["data"] is None
