"""Holders of the demo by their place in its hierarchy, seen from one job."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.domain.scopes import Scope
from tests.world import World

Place = tuple[Scope, str]

PLACES: Final[Mapping[str, Callable[[World], Place]]] = {
    "the job": lambda world: (Scope.JOB, world.demo.job_id),
    "the environment": lambda world: (Scope.ENVIRONMENT, world.demo.environment_id),
    "the project": lambda world: (Scope.PROJECT, world.demo.project_id),
    "a sibling job": lambda world: (Scope.JOB, world.demo.other_job_id),
    "a sibling container": lambda world: (Scope.CONTAINER, world.demo.container_id),
    "another environment": lambda world: (Scope.ENVIRONMENT, world.demo.other_environment_id),
    "another project": lambda world: (Scope.PROJECT, world.demo.other_project_id),
    "a job of another project": lambda world: (Scope.JOB, world.demo.foreign_job_id),
}


async def fill(world: World, scope: Scope, holder_id: str, keys: Iterable[str]) -> None:
    """Make a secret for each key, in their order and at once."""
    document = """mutation ($holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!) {
        importSecrets(holder: $holder, secrets: $secrets, overwrite: false) {
            errors { message }
        } }"""
    variables = {
        "holder": {scope.id_argument: holder_id},
        "secrets": [{"key": key, "scope": scope} for key in keys],
    }
    answer = await world.graphql.ask(document, variables)
    assert answer["importSecrets"]["errors"] == []
