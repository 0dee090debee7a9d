"""Who is given values, and that who is given them gets nothing else."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import structlog

from gateway.domain.holders import new_id
from gateway.domain.permissions import ROLES, Permission, Role
from tests.operations.answers import comparable
from tests.operations.callers import Stranger
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
Json = dict[str, Any]
# Everything that can be asked for besides the delivery, with the demo's ids.
READS: Mapping[str, str] = {
    "a secret": "secret(id: $secret) { id }",
    "a secret as a node": "node(id: $secret) { id }",
    "secrets as nodes": "nodes(ids: [$secret]) { id }",
    "a holder as a node": "node(id: $job) { id }",
    "a list": "job(id: $job) { secrets { totalCount } }",
    "a list of what is seen": "job(id: $job) { visibleSecrets { totalCount } }",
    "what is effective": "service(id: $job) { effectiveSecrets { totalCount } }",
    "an explanation": 'explainSecret(serviceId: $job, key: "SMTP_PASSWORD") { rule }',
    "projects": "projects { edges { node { name } } }",
    "a project": "project(id: $project) { name }",
    "an environment": "environment(id: $environment) { name }",
    "environments": "project(id: $project) { environments { edges { node { name } } } }",
    "services": "environment(id: $environment) { services { edges { node { name } } } }",
    "a job": "job(id: $job) { name }",
}


async def _asked(client: httpx.AsyncClient, document: str, variables: Mapping[str, str]) -> Json:
    response = await client.post("/graphql", json={"query": document, "variables": variables})
    answer: Json = response.json()
    return answer


def _code(answer: Json) -> str | None:
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


@pytest.mark.rule("E2")
@pytest.mark.parametrize(
    "role", [role for role in Role if Permission.SECRET_DELIVER not in ROLES[role]]
)
async def test_one_who_cannot_have_values_gets_none(shared_world: World, role: Role) -> None:
    """An editor writes values and never reads them."""
    client = await shared_world.client_with(role)

    answer = await _asked(client, DELIVERY, {"id": shared_world.demo.job_id})

    assert _code(answer) == "FORBIDDEN"
    assert answer["data"] is None
    assert "demo-" not in str(answer)


@pytest.mark.rule("E2")
@pytest.mark.parametrize(
    "role", [role for role in Role if Permission.SECRET_DELIVER in ROLES[role]]
)
async def test_one_who_may_have_values_gets_them(shared_world: World, role: Role) -> None:
    """The control of the test above."""
    client = await shared_world.client_with(role)

    answer = await _asked(client, DELIVERY, {"id": shared_world.demo.job_id})

    values = {secret["key"]: secret["value"] for secret in answer["data"]["runtimeSecrets"]}
    assert values["INVOICE_SIGNING_KEY"] == "demo-signing-key"


@pytest.mark.rule("E2")
@pytest.mark.parametrize("selection", READS.values(), ids=READS)
async def test_one_who_only_runs_reads_nothing_else(shared_world: World, selection: str) -> None:
    """A stolen run-time token tells values, and not what else there is."""
    demo, client = shared_world.demo, await shared_world.client_with(Role.RUNTIME)
    ids = {
        "secret": demo.built_in_secret_id,
        "job": demo.job_id,
        "project": demo.project_id,
        "environment": demo.environment_id,
    }
    declared = ", ".join(f"${name}: ID!" for name in ids if f"${name}" in selection)
    document = f"query ({declared}) {{ {selection} }}" if declared else f"{{ {selection} }}"

    answer = await _asked(client, document, ids)

    assert _code(answer) == "FORBIDDEN"
    control = await _asked(shared_world.client, document, ids)
    assert "errors" not in control


@pytest.mark.rule("E2")
@pytest.mark.parametrize(
    "path",
    ["/job/{job}/secret", "/variable?scope=JOB&parent_id={job}", "/project/{project}/secret"],
)
async def test_one_who_only_runs_lists_nothing_on_rest(shared_world: World, path: str) -> None:
    client = await shared_world.client_with(Role.RUNTIME)

    response = await client.get(
        path.format(job=shared_world.demo.job_id, project=shared_world.demo.project_id)
    )

    assert response.status_code == 403


@pytest.mark.rule("E2")
@pytest.mark.parametrize(
    "service_id",
    [
        lambda _: new_id(),
        lambda _: "no-uuid",
        lambda world: world.demo.project_id,
        lambda world: world.demo.environment_id,
        lambda world: world.demo.built_in_secret_id,
    ],
    ids=["unknown", "malformed", "a project", "an environment", "a secret"],
)
async def test_what_is_no_service_is_not_found(shared_world: World, service_id: Any) -> None:
    answer = await _asked(shared_world.client, DELIVERY, {"id": service_id(shared_world)})

    assert _code(answer) == "NOT_FOUND"
    assert answer["data"] is None


@pytest.mark.rule("E2")
@pytest.mark.parametrize("role", [Role.EDITOR, Role.RUNTIME])
async def test_a_service_of_another_organization_is_as_one_that_does_not_exist(
    shared_world: World, shared_stranger: Stranger, role: Role
) -> None:
    """To the byte, but for ids and moments; whoever asks."""
    client = await shared_world.client_with(role)

    async def sent(service_id: str) -> httpx.Response:
        return await client.post(
            "/graphql", json={"query": DELIVERY, "variables": {"id": service_id}}
        )

    theirs = comparable(await sent(shared_stranger.job_id))

    assert theirs == comparable(await sent(new_id()))
    assert "NOT_FOUND" in theirs[2]


@pytest.mark.rule("E1")
async def test_no_delivery_logs_a_value(shared_world: World) -> None:
    with structlog.testing.capture_logs() as lines:
        await _asked(shared_world.client, DELIVERY, {"id": shared_world.demo.job_id})

    assert "request" in [line["event"] for line in lines]
    assert "demo-" not in str(lines)
