"""What is there for whom: lists, references and refusals tell no more than grants allow."""

from typing import Any

import httpx
import pytest

from gateway.domain.drafts import AliasDraft, OverrideDraft
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.access.territories import Territory
from tests.audit.audit_log import database_of, run_by_force
from tests.faces import GraphQLFace, RestFace
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE_ALIAS = """mutation ($job: ID!, $secret: ID!, $key: String!) {
    createJobSecretAlias(jobId: $job, secretId: $secret, input: { key: $key }) {
        secret { id aliasedSecret { id key } } errors { __typename code message path
            ... on NotFoundError { missingId } } } }"""
CREATE = """mutation ($job: ID!, $key: String!) {
    createJobSecret(jobId: $job, input: { key: $key, value: "v" }) {
        errors { __typename code message path
            ... on SecretKeyConflictError { existing { id key scope } } } } }"""
SEEN = """query ($job: ID!) { job(id: $job) {
    visibleSecrets { totalCount edges { node { key aliasedSecret { id key } } } }
    effectiveSecrets { totalCount edges { node { key resolvesTo { id key } } } }
} }"""
DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"


async def _posted(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


async def _data(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    answer = await _posted(client, document, **variables)
    assert "errors" not in answer, answer
    return answer["data"]


def _operator(world: World) -> Principal:
    return Principal.operator(world.demo.organization_id)


@pytest.mark.rule("S16")
async def test_an_alias_of_what_is_not_visible_is_shown_without_its_target(
    shared_world: World, inside: Territory
) -> None:
    """Neither the target's id nor its name; the control is one who sees the project."""
    narrow = await inside.client(shared_world, Role.VIEWER, on=Scope.ENVIRONMENT)

    seen = (await _data(narrow, SEEN, job=inside.ids["jobId"]))["job"]

    aliases = [
        edge["node"] for edge in seen["visibleSecrets"]["edges"] if "ALIAS" in edge["node"]["key"]
    ]
    assert aliases == [{"key": "ALIAS_INSIDE", "aliasedSecret": None}]
    used = {
        edge["node"]["key"]: edge["node"]["resolvesTo"]
        for edge in seen["effectiveSecrets"]["edges"]
    }
    assert used["ALIAS_INSIDE"] is None
    assert used["TERRITORY_INSIDE_JOB"]["key"] == "TERRITORY_INSIDE_JOB"
    wide = await inside.client(shared_world, Role.VIEWER)
    result = (await _data(wide, SEEN, job=inside.ids["jobId"]))["job"]["visibleSecrets"]["edges"]
    (alias,) = (item["node"] for item in result if item["node"]["key"] == "ALIAS_INSIDE")
    assert alias["aliasedSecret"]["key"] == "TERRITORY_INSIDE_PROJECT"


@pytest.mark.rule("S14")
async def test_lists_and_counts_are_of_what_is_visible(
    shared_world: World, inside: Territory
) -> None:
    """The count does not tell what the page leaves out."""
    narrow = await inside.client(shared_world, Role.VIEWER, on=Scope.JOB)

    own = {"TERRITORY_INSIDE_JOB", "ALIAS_INSIDE"}

    seen = (await _data(narrow, SEEN, job=inside.ids["jobId"]))["job"]

    for part in seen.values():
        assert {edge["node"]["key"] for edge in part["edges"]} == own
        assert part["totalCount"] == 2
    listed = await RestFace(narrow).visible(Scope.JOB, inside.ids["jobId"])
    assert {row["key"] for row in listed} == own


@pytest.mark.rule("S14")
async def test_what_leads_to_a_grant_is_there_by_name(
    shared_world: World, inside: Territory
) -> None:
    """For navigation, with nothing on it; and its other children are not there."""
    narrow = await inside.client(shared_world, Role.VIEWER, on=Scope.JOB)
    document = """{ projects(first: 5) { totalCount edges { node { id name secrets { totalCount }
        environments(first: 5) { edges { node { id secrets { totalCount }
            services(first: 5) { totalCount edges { node { id } } } } } } } } } }"""

    (project,) = (await _data(narrow, document))["projects"]["edges"]

    assert project["node"]["id"] == inside.ids["projectId"]
    assert project["node"]["secrets"]["totalCount"] == 0
    (environment,) = project["node"]["environments"]["edges"]
    assert environment["node"]["secrets"]["totalCount"] == 0
    assert environment["node"]["services"] == {
        "totalCount": 1,
        "edges": [{"node": {"id": inside.ids["jobId"]}}],
    }


@pytest.mark.rule("S15")
async def test_an_alias_cannot_be_made_of_what_is_not_visible(
    shared_world: World, inside: Territory
) -> None:
    """The answer is that of an id that nothing has; the control sees the target."""
    narrow = await inside.client(shared_world, Role.EDITOR, on=Scope.ENVIRONMENT)
    hidden, random = inside.secrets[Scope.PROJECT], new_id()
    sent = {"job": inside.ids["jobId"], "key": "NEW_ALIAS"}

    refused = await _posted(narrow, CREATE_ALIAS, secret=hidden, **sent)
    unknown = await _posted(narrow, CREATE_ALIAS, secret=random, **sent)

    assert str(refused).replace(hidden, "ID") == str(unknown).replace(random, "ID")
    wide = await inside.client(shared_world, Role.EDITOR)
    made = await _data(wide, CREATE_ALIAS, secret=hidden, **sent)
    assert made["createJobSecretAlias"]["secret"]["aliasedSecret"]["id"] == hidden


@pytest.mark.rule("S15", "S17")
async def test_an_override_cannot_be_made_of_what_is_not_visible(
    shared_world: World, inside: Territory
) -> None:
    narrow = RestFace(await inside.client(shared_world, Role.EDITOR, on=Scope.JOB))
    job = Scope.JOB, inside.ids["jobId"]

    refused = await narrow.override(*job, inside.secrets[Scope.ENVIRONMENT], value="v")

    assert (refused.status, refused.code) == (404, "NOT_FOUND")


@pytest.mark.rule("S17")
async def test_an_override_does_not_open_what_it_replaces(
    shared_world: World, inside: Territory
) -> None:
    """Who sees the override of a job sees neither its target nor the target's facts."""
    services = shared_world.runtime.services
    container = inside.reference(Scope.CONTAINER)
    override = await services.for_principal(_operator(shared_world)).overrides.create(
        holder_reference=container,
        target_id=inside.secrets[Scope.PROJECT],
        draft=OverrideDraft(value="another"),
    )
    narrow = await inside.client(shared_world, Role.VIEWER, on=Scope.CONTAINER)
    document = """query ($own: ID!, $above: ID!) {
        own: secret(id: $own) { key overriddenSecret { id key } }
        above: secret(id: $above) { key } }"""

    result = await _data(narrow, document, own=override.id, above=inside.secrets[Scope.PROJECT])

    assert result["own"]["overriddenSecret"] is None
    assert result["above"] is None


@pytest.mark.rule("S21")
@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.ENVIRONMENT])
async def test_a_taken_key_does_not_say_by_what_it_is_taken(
    shared_world: World, inside: Territory, scope: Scope
) -> None:
    """Not where it is, nor by which secret; the control is told both."""
    narrow = await inside.client(shared_world, Role.EDITOR, on=Scope.JOB)
    sent = {"job": inside.ids["jobId"], "key": f"TERRITORY_INSIDE_{scope}"}

    refused = await _data(narrow, CREATE, **sent)

    assert refused["createJobSecret"]["errors"] == [
        {
            "__typename": "SecretKeyConflictError",
            "code": "CONFLICT",
            "message": f"The key {sent['key']} is taken by another secret.",
            "path": ["input", "key"],
            "existing": None,
        }
    ]
    over_rest = await RestFace(narrow).create(Scope.JOB, inside.ids["jobId"], key=sent["key"])
    assert over_rest.status == 409
    assert over_rest.detail == f"The key {sent['key']} is taken by another secret."
    # E3: an object all the same, which has the caller's own holder and nothing of the other.
    assert over_rest.existing == {
        "key": sent["key"],
        "organization_id": shared_world.demo.organization_id,
        "project_id": inside.ids["projectId"],
        "environment_id": inside.ids["environmentId"],
        "service_id": inside.ids["jobId"],
    }
    wide = await inside.client(shared_world, Role.EDITOR)
    (result,) = (await _data(wide, CREATE, **sent))["createJobSecret"]["errors"]
    assert result["existing"]["id"] == inside.secrets[scope]


@pytest.mark.rule("S21")
async def test_a_key_that_is_taken_elsewhere_is_free(
    shared_world: World, inside: Territory
) -> None:
    """A sibling's keys and another project's are not looked at."""
    narrow = await inside.client(shared_world, Role.EDITOR, on=Scope.HELM)

    made = await GraphQLFace(narrow).ask(
        """mutation ($id: ID!) { createSecret(holder: { helmId: $id },
            input: { key: "TERRITORY_INSIDE_JOB", value: "v" }) { errors { code } } }""",
        {"id": inside.ids["helmId"]},
    )

    assert made["createSecret"]["errors"] == []


@pytest.mark.rule("S20")
async def test_an_import_is_allowed_at_every_row_or_writes_nothing(
    shared_world: World, inside: Territory
) -> None:
    """A row for a holder above, where one may not write, stops all of them."""
    narrow = await inside.client(shared_world, Role.EDITOR, on=Scope.JOB)
    document = """mutation ($id: ID!, $rows: [ImportSecretInput!]!) {
        importSecrets(holder: { jobId: $id }, secrets: $rows, overwrite: false) {
            rows { action } } }"""
    own = {"key": "ROW_ONE", "value": "v", "scope": "JOB"}
    above = {"key": "ROW_TWO", "value": "v", "scope": "ENVIRONMENT"}
    job = inside.ids["jobId"]

    refused = await _posted(narrow, document, id=job, rows=[own, above])

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    keys = {row["key"] for row in await shared_world.rest.visible(Scope.JOB, job)}
    assert not keys & {"ROW_ONE", "ROW_TWO"}
    hidden = {"key": "TERRITORY_INSIDE_PROJECT", "value": "v", "scope": "JOB"}
    done = await _data(narrow, document, id=job, rows=[own, hidden])
    assert [row["action"] for row in done["importSecrets"]["rows"]] == ["CREATED", "FAILED"]


@pytest.mark.rule("S17", "S18")
async def test_a_service_gets_its_values_and_no_other_service_does(
    shared_world: World, inside: Territory
) -> None:
    """All that it sees, inherited and aliased; a sibling is not there."""
    running = await inside.client(shared_world, Role.RUNTIME, on=Scope.JOB)

    values = await _data(running, DELIVERY, id=inside.ids["jobId"])
    sibling = await _posted(running, DELIVERY, id=inside.ids["containerId"])

    delivered = {
        runtime_secret["key"]: runtime_secret["value"]
        for runtime_secret in values["runtimeSecrets"]
    }
    assert delivered["TERRITORY_INSIDE_JOB"] == "value inside JOB"
    assert delivered["ALIAS_INSIDE"] == "value inside PROJECT"
    assert sibling["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.rule("S15", "S16", "S55")
async def test_an_alias_that_was_pointed_elsewhere_delivers_nothing(
    shared_world: World, outside: Territory
) -> None:
    """Evaluated when values are asked for, not when the alias was made."""
    services = shared_world.runtime.services
    alias = await services.for_principal(_operator(shared_world)).aliases.create(
        holder_reference=outside.reference(Scope.JOB),
        target_id=outside.secrets[Scope.PROJECT],
        draft=AliasDraft(key="RETARGETED"),
    )
    running = await outside.client(shared_world, Role.RUNTIME, on=Scope.JOB)
    before = await _data(running, DELIVERY, id=outside.ids["jobId"])

    def point_to(target_id: str) -> None:
        # Past everything that checks it, and inside what the database's own constraints allow.
        statement = f"UPDATE secret SET target_id = '{target_id}' WHERE id = '{alias.id}'"  # noqa: S608 - ids of ours
        run_by_force(database_of(shared_world), statement)

    point_to(outside.secrets[Scope.CONTAINER])
    after = await _posted(running, DELIVERY, id=outside.ids["jobId"])
    point_to(outside.secrets[Scope.PROJECT])
    again = await _data(running, DELIVERY, id=outside.ids["jobId"])

    assert "RETARGETED" in {runtime_secret["key"] for runtime_secret in before["runtimeSecrets"]}
    assert after["data"] is None
    assert [error["extensions"]["code"] for error in after["errors"]] == ["UNAVAILABLE"]
    assert again == before


@pytest.mark.rule("S14")
async def test_what_is_seen_but_not_allowed_is_forbidden(
    shared_world: World, inside: Territory
) -> None:
    """403 for a holder on the way to the grant, and for one where only looking is allowed."""
    narrow = RestFace(await inside.client(shared_world, Role.EDITOR, on=Scope.JOB))
    looking = RestFace(await inside.client(shared_world, Role.VIEWER, on=Scope.JOB))

    above = await narrow.create(Scope.ENVIRONMENT, inside.ids["environmentId"], key="KEY")
    here = await looking.create(Scope.JOB, inside.ids["jobId"], key="KEY")
    beside = await narrow.create(Scope.CONTAINER, inside.ids["containerId"], key="KEY")

    assert [above.status, here.status, beside.status] == [403, 403, 404]


async def test_an_auditor_looks_at_the_hierarchy_only(
    shared_world: World, inside: Territory
) -> None:
    auditor = await inside.client(shared_world, Role.AUDITOR)

    named = await _data(
        auditor, "query ($id: ID!) { job(id: $id) { name } }", id=inside.ids["jobId"]
    )
    refused = await _posted(auditor, SEEN, job=inside.ids["jobId"])

    assert named["job"]["name"] == "territory inside job"
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_service_not_visible_is_not_explained(
    shared_world: World, inside: Territory
) -> None:
    narrow = await inside.client(shared_world, Role.VIEWER, on=Scope.JOB)
    document = """query ($id: ID!, $key: String!) { explainSecret(serviceId: $id, key: $key) {
        absence rule aliasHops { key } elsewhere { key } effective { key } } }"""
    job = inside.ids["jobId"]

    hidden = await _data(narrow, document, id=job, key="TERRITORY_INSIDE_PROJECT")
    never = await _data(narrow, document, id=job, key="NEVER_ANYWHERE")
    sibling = await _data(narrow, document, id=inside.ids["containerId"], key="NEVER_ANYWHERE")
    alias = await _data(narrow, document, id=job, key="ALIAS_INSIDE")

    assert hidden == never
    assert sibling["explainSecret"] is None
    assert alias["explainSecret"]["aliasHops"] == []


async def test_the_organization_is_for_those_with_a_grant_on_all_of_it(
    shared_world: World, inside: Territory
) -> None:
    admin = await inside.client(shared_world, Role.ADMIN)

    refused = await _posted(admin, 'mutation { createProject(name: "New") { holder { id } } }')

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_place_may_have_holders_of_its_own(shared_world: World, inside: Territory) -> None:
    """The control of the test above."""
    admin = await inside.client(shared_world, Role.ADMIN)

    made = await _data(
        admin,
        """mutation ($id: ID!) { createEnvironment(projectId: $id, name: "own", dryRun: true) {
            holder { name } } }""",
        id=inside.ids["projectId"],
    )

    assert made["createEnvironment"]["holder"] == {"name": "own"}
