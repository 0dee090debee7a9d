"""What a principal reads about itself, and what a service's token reads of its service."""

from typing import Any

import httpx
import pytest

from gateway.app import gateway_schema
from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import ROLES, Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.access.policies import answer_to
from tests.faces import GraphQLFace
from tests.world import World, user_principal

pytestmark = pytest.mark.asyncio(loop_scope="module")

_VIEWER = "{ viewer { id kind name permissions organization { id name } } }"
_WHERE = """query ($job: ID!, $sibling: ID!, $environment: ID!, $nobody: ID!) { viewer {
    job: permissions(on: {jobId: $job}) sibling: permissions(on: {containerId: $sibling})
    environment: permissions(on: {environmentId: $environment})
    nobody: permissions(on: {jobId: $nobody}) asAnother: permissions(on: {helmId: $job})
} }"""
_OWN = """query ($job: ID!, $sibling: ID!) {
    job(id: $job) { name environment { name project { name } } }
    container(id: $sibling) { name }
}"""


async def _running(world: World) -> httpx.AsyncClient:
    on = HolderReference(Scope.JOB, world.demo.job_id)
    return await world.client_with(Role.RUNTIME, on=on)


def _ids(world: World) -> dict[str, Any]:
    demo = world.demo
    ids = {"job": demo.job_id, "sibling": demo.container_id, "environment": demo.environment_id}
    return ids | {"nobody": new_id()}


async def test_a_token_reads_its_own_name_organization_and_permissions(
    shared_world: World,
) -> None:
    client = await _running(shared_world)

    viewer = (await GraphQLFace(client).ask(_VIEWER, {}))["viewer"]
    organization = (await GraphQLFace(client).ask("{ organization { id name } }", {})).popitem()[1]

    assert (viewer["kind"], viewer["name"], viewer["permissions"]) == ("TOKEN", "a runtime", [])
    assert viewer["organization"] == organization
    assert organization == {"id": shared_world.demo.organization_id, "name": "Demo"}


@pytest.mark.rule("S13", "S14")
async def test_permissions_are_those_on_a_holder_and_none_where_it_cannot_be_seen(
    shared_world: World,
) -> None:
    client = await _running(shared_world)
    permissions = (await GraphQLFace(client).ask(_WHERE, _ids(shared_world)))["viewer"]
    admin = (await shared_world.graphql.ask(_WHERE, _ids(shared_world)))["viewer"]

    own = ["SECRET_DELIVER", "HIERARCHY_READ"]
    assert permissions == {
        "job": own,
        "sibling": [],
        "environment": [],
        "nobody": [],
        "asAnother": [],
    }
    assert sorted(admin["sibling"]) == sorted(item.name for item in ROLES[Role.ADMIN])


async def test_users_and_the_operator_have_names_too(shared_world: World) -> None:
    operator = Principal.operator(shared_world.demo.organization_id)
    registered = await shared_world.runtime.services.for_principal(operator).identities.register(
        issuer="https://issuer.example", subject="subject", display_name="Ada"
    )
    user = await user_principal(
        shared_world.runtime, issuer=registered.issuer, subject=registered.subject
    )
    body = {"query": "{ viewer { id kind name } }", "variables": {}}

    answers = [
        (await answer_to(shared_world, gateway_schema(), principal, body)).data
        for principal in (user, operator)
    ]

    assert answers == [
        {"viewer": {"id": registered.id, "kind": "USER", "name": "Ada"}},
        {"viewer": {"id": "operator", "kind": "OPERATOR", "name": "operator"}},
    ]


@pytest.mark.rule("S14")
async def test_a_runtime_token_reads_the_path_of_its_service_and_no_list_of_secrets(
    shared_world: World,
) -> None:
    face = GraphQLFace(await _running(shared_world))
    ids = {name: _ids(shared_world)[name] for name in ("job", "sibling")}

    found = await face.ask(_OWN, ids)
    secrets = "query ($job: ID!) { job(id: $job) { secrets { totalCount } } }"
    refused = await face._post(secrets, {"job": ids["job"]})  # noqa: SLF001 - an answer with errors

    assert found == {
        "job": {
            "name": "nightly-invoices",
            "environment": {"name": "production", "project": {"name": "shop"}},
        },
        "container": None,
    }
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
