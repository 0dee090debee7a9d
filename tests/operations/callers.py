"""Callers besides the demo's administrator."""

from dataclasses import dataclass

import httpx

from gateway.domain.drafts import HolderReference, SecretDraft
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.faces import Face, GraphQLFace, RestFace
from tests.world import World


@dataclass(frozen=True, slots=True)
class Stranger:
    """The administrator of a second organization, which has a job with a secret of its own."""

    client: httpx.AsyncClient
    organization_id: str
    project_id: str
    environment_id: str
    job_id: str
    secret_id: str


async def settle(world: World) -> Stranger:
    """Make a second organization and its administrator."""
    services = world.runtime.services
    organization = await world.runtime.operator.organizations.create(name="Another")
    principal = Principal.operator(organization.id)

    async def make(kind: Scope, parent: HolderReference | None = None) -> HolderReference:
        made = await services.for_principal(principal).administration.create_holder(
            kind=kind, name="theirs", parent=parent
        )
        return HolderReference(kind, made.id)

    project = await make(Scope.PROJECT)
    environment = await make(Scope.ENVIRONMENT, project)
    job = await make(Scope.JOB, environment)
    secret = await services.for_principal(principal).secrets.create(
        holder_reference=job, draft=SecretDraft(key="THEIRS", value="theirs")
    )
    made = await services.for_principal(principal).tokens.create(name="theirs", role=Role.ADMIN)
    return Stranger(
        world.client_for(made.text), organization.id, project.id, environment.id, job.id, secret.id
    )


def spoken_by(client: httpx.AsyncClient, face: Face) -> Face:
    """Return the same face, with another caller."""
    return RestFace(client) if isinstance(face, RestFace) else GraphQLFace(client)


def nobody(world: World) -> httpx.AsyncClient:
    """Return a client that sends no credential."""
    client = world.client_for("none")
    del client.headers["Authorization"]
    return client
