"""Callers that lack one permission, documents that reach every type, and what is answered."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from gateway.domain.grants import RoleAssignment
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission, Role
from gateway.domain.principals import Principal
from gateway.graphql.executor import Executor
from gateway.graphql.schema import ExecutableSchema
from gateway.services.execution import ExecutionResult, RequestPrincipal
from gateway.storage.unit_of_work import ReadUnit
from schema.context import Context
from tests.patience import patiently
from tests.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class AllBut(RoleAssignment):
    """Every permission there is, but one."""

    lacks: Permission | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        return frozenset(Permission) - {self.lacks}


def principal_without(
    world: World, lacks: Permission | None, place: Holder | None = None
) -> Principal:
    grant = AllBut(role=Role.OPERATOR, holder=place, lacks=lacks)
    return Principal(id="caller", organization_id=world.demo.organization_id, grants=(grant,))


_JOB: Final = "query ($job: ID!) { job(id: $job) { %s } }"
_NODES: Final = "{ edges { node { %s } } }"
# A document for each type that has a permission; its values are the demo's.
REACHED_BY: Final[Mapping[str, str]] = {
    "Project": "query ($project: ID!) { project(id: $project) { id } }",
    "Environment": _JOB % "environment { id }",
    "Application": "query ($application: ID!) { node(id: $application) { id } }",
    "Container": "query ($container: ID!) { service(id: $container) { id } }",
    "Job": _JOB % "id",
    "Helm": "query ($helm: ID!) { helm(id: $helm) { id } }",
    "Terraform": "query ($terraform: ID!) { terraform(id: $terraform) { id } }",
    "AgenticWorkflow": (
        "query ($agenticWorkflow: ID!) { agenticWorkflow(id: $agenticWorkflow) { id } }"
    ),
    "Secret": _JOB % f"secrets(first: 1) {_NODES % 'id'}",
    "SecretAlias": (
        "query ($application: ID!) { application(id: $application) { secrets "
        f"{_NODES % 'aliasedSecret { id }'} }} }}"
    ),
    "SecretOverride": _JOB % f"secrets {_NODES % 'overriddenSecret { id }'}",
    "EffectiveSecret": _JOB % f"effectiveSecrets(first: 1) {_NODES % 'key'}",
    "SecretExplanation": (
        'query ($job: ID!) { explainSecret(serviceId: $job, key: "SMTP_PASSWORD") { rule } }'
    ),
    "SecretReference": (
        'query ($job: ID!) { explainSecret(serviceId: $job, key: "SINCE_THEN") { '
        "references { isResolved } } }"
    ),
    "SecretChange": (
        "subscription ($job: ID!, $after: String) { "
        "secretChanged(holder: {jobId: $job}, after: $after) { kind } }"
    ),
    "EffectiveSecretsChange": (
        "subscription ($job: ID!, $after: String) { "
        "effectiveSecretsChanged(serviceId: $job, after: $after) { keys } }"
    ),
    "SecretVersion": _JOB % f"secrets(first: 1) {_NODES % 'versions { nodes { version } }'}",
    "DeletedSecret": _JOB % "deletedSecrets { nodes { id } }",
    "Delivery": "query ($job: ID!) { delivery(serviceId: $job) { fingerprint } }",
    "RuntimeSecret": "query ($job: ID!) { runtimeSecrets(serviceId: $job) { key } }",
    "RuntimeFile": "query ($job: ID!) { runtimeSecrets(serviceId: $job) { file { mountPath } } }",
    "AuditEvent": f"{{ auditEvents(first: 1) {_NODES % 'id'} }}",
    "Operator": (
        f'{{ auditEvents(filter: {{actorId: "operator"}}) {_NODES % "actor { __typename }"} }}'
    ),
    "Identity": (
        '{ auditEvents(filter: {actorId: "https://issuer.example somebody"}) '
        f"{_NODES % 'actor { __typename }'} }}"
    ),
    "LastDelivery": _JOB % f"secrets {_NODES % 'lastDelivered { at }'}",
    "ApiToken": f"{{ apiTokens(first: 1) {_NODES % 'id'} }}",
    "ApiTokenCreator": f"{{ apiTokens {_NODES % 'createdBy { kind }'} }}",
    "RoleGrant": f"{{ grants(first: 1) {_NODES % 'id'} }}",
    "ClaimRule": f"{{ claimRules(first: 1) {_NODES % 'id'} }}",
    "ClaimCondition": f"{{ claimRules(first: 1) {_NODES % 'conditions { claim }'} }}",
    "User": f"{{ users(first: 1) {_NODES % 'id'} }}",
}


async def answer_to(
    world: World, schema: ExecutableSchema, principal: Principal, body: Mapping[str, Any]
) -> ExecutionResult:
    """Return the answer to a document, of a subscription the first one."""
    executor = Executor(schema, Context, world.runtime.services, world.runtime.database)
    document, variables = body["query"], body["variables"]

    async def look_up(_: ReadUnit) -> Principal:
        return principal

    caller = RequestPrincipal(principal, look_up)
    if not document.startswith("subscription"):
        async with executor.open_run(caller) as run:
            return await run(document, variables)
    answers = executor.stream(caller, document, variables)
    async with patiently(), aclosing(answers):
        return await anext(answers)


def reaching(document: str, ids: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a request with the variables that a document takes."""
    return {
        "query": document,
        "variables": {name: value for name, value in ids.items() if f"${name}" in document},
    }


def refusals(answer: ExecutionResult) -> list[str]:
    """Return the messages of those errors that say that something is forbidden."""
    return [error["message"] for error in answer.errors if _code(error) == "FORBIDDEN"]


def _code(error: Mapping[str, Any]) -> str:
    return str(error["extensions"]["code"])
