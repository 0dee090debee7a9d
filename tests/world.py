"""A running gateway over a demo of its own, for one test."""

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx

from gateway.app import build_app
from gateway.config.former_names import PREFIX
from gateway.config.settings import Settings
from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.identity.verifier import Verifier
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from gateway.services.execution import RequestPrincipal
from gateway.services.limits import Clock
from gateway.services.writing import identity_of
from gateway.storage import secrets, values
from gateway.storage.unit_of_work import ReadUnit
from tests.faces import GraphQLFace, RestFace
from tests.patience import PATIENCE

# Many tests of one gateway fail to sign in; that they are slowed down has tests of its own.
CHOSEN: Final[Mapping[str, Any]] = {
    "graphiql": False,
    "failed_logins_per_minute": 0,
    "deadline_seconds": PATIENCE,
    "allowed_hosts": ("gateway.test", "elsewhere.test"),
}


async def token_principal(runtime: Runtime, token: str) -> Principal:
    """Return who a token speaks for just now."""
    async with runtime.database.read() as unit:
        return await runtime.services.authentication.token_principal(unit, token)


async def user_principal(runtime: Runtime, *, issuer: str, subject: str) -> Principal:
    """Return who an identity speaks for just now."""
    async with runtime.database.read() as unit:
        return await runtime.services.authentication.user_principal(
            unit, issuer=issuer, subject=subject
        )


async def request_principal(runtime: Runtime, token: str) -> RequestPrincipal:
    """Return a token's principal, as for what lasts longer than a request."""

    async def look_up(unit: ReadUnit) -> Principal:
        return await runtime.services.authentication.token_principal(unit, token)

    return RequestPrincipal(await token_principal(runtime, token), look_up)


@dataclass(frozen=True, slots=True)
class World:
    """The gateway, the demo in it, and clients that speak for the demo's administrator."""

    runtime: Runtime
    demo: Demo
    client: httpx.AsyncClient
    rest: RestFace
    graphql: GraphQLFace

    @property
    def holders(self) -> Mapping[Scope, str]:
        """One holder of each kind, all on one chain but for being siblings of each other."""
        demo = self.demo
        return {
            Scope.PROJECT: demo.project_id,
            Scope.ENVIRONMENT: demo.environment_id,
            Scope.APPLICATION: demo.application_id,
            Scope.CONTAINER: demo.container_id,
            Scope.JOB: demo.job_id,
            Scope.HELM: demo.helm_id,
            Scope.TERRAFORM: demo.terraform_id,
            Scope.AGENTIC_WORKFLOW: demo.agentic_workflow_id,
        }

    async def stored_value(self, secret_id: str) -> str:
        """Return a secret's value past every face, none of which returns it."""
        async with self.runtime.database.read() as unit:
            secret = (await secrets.by_ids(unit, [secret_id]))[secret_id]
            found = await values.find_value(unit, secret_id)
            assert found, "It has no value of its own."
            sealed, version = found
            return await self.runtime.vault.open(unit, sealed, identity_of(secret, version))

    async def client_with(
        self, role: Role, *, on: HolderReference | None = None
    ) -> httpx.AsyncClient:
        """Return a client whose token has the role at a holder, or in the demo's organization."""
        operator = Principal.operator(self.demo.organization_id)
        made = await self.runtime.services.for_principal(operator).tokens.create(
            name=f"a {role}", role=role, on=on
        )
        return self.client_for(made.text)

    def client_for(self, token: str) -> httpx.AsyncClient:
        """Return a client that sends this token."""
        return httpx.AsyncClient(
            transport=self.client._transport,  # noqa: SLF001 - the same gateway, another caller
            base_url=self.client.base_url,
            headers={"Authorization": f"Bearer {token}"},
        )


def _settings(data_dir: Path, chosen: Mapping[str, Any]) -> Settings:
    if chosen:
        return Settings(data_dir=data_dir, **{**CHOSEN, **chosen})
    variables = {name: text for name, text in os.environ.items() if name.startswith(PREFIX)}
    return _usual_settings(frozenset(variables.items())).model_copy(update={"data_dir": data_dir})


@cache
def _usual_settings(_variables: frozenset[tuple[str, str]]) -> Settings:
    """Return the settings that most tests have; to read them takes a tenth of opening a gateway."""
    return Settings(**CHOSEN)


@asynccontextmanager
async def open_world(
    data_dir: Path, demo: Demo, *, clock: Clock = time.monotonic, **chosen: Any
) -> AsyncIterator[World]:
    """Serve a data folder in this process, with the settings that a test chooses."""
    settings = _settings(data_dir, chosen)
    runtime = Runtime.over(settings)
    async with runtime.running(), Verifier(settings.issuers) as verifier:
        app = build_app(runtime, verifier=verifier, clock=clock)
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {demo.token}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as client:
            yield World(runtime, demo, client, RestFace(client), GraphQLFace(client))
