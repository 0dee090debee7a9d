"""A demo: a small hierarchy with every kind of service and secret, to look around in.

Each step first looks for its part, so the demo can be made again at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from gateway.domain.drafts import (
    AliasDraft,
    HolderReference,
    OverrideDraft,
    ProvidedDraft,
    SecretDraft,
)
from gateway.domain.holders import Holder, Organization
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.refusals import OrganizationNotFound
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import Secret, ServiceReference
from gateway.services.container import Services
from gateway.services.operator.container import OperatorServices
from gateway.services.operator.organizations import Organizations
from gateway.storage import holders, secrets
from gateway.storage.database import Database

ORGANIZATION: Final = "Demo"
BUILT_IN_KEY: Final = "QOVERY_POSTGRESQL_ZF83A_PASSWORD"
_DATABASE: Final = ServiceReference(
    id="0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10", name="orders-db", type=ServiceType.DATABASE
)
_TOKEN_LIFETIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    token: str = field(repr=False)
    organization_id: str
    project_id: str
    environment_id: str
    job_id: str
    other_job_id: str
    application_id: str
    container_id: str
    helm_id: str
    terraform_id: str
    agentic_workflow_id: str
    other_project_id: str
    other_environment_id: str
    foreign_job_id: str
    built_in_secret_id: str


async def ensure_demo(services: Services, operator: OperatorServices, database: Database) -> Demo:
    """Create the missing parts of the demo, and a new token that is valid for 30 days."""
    organization = await _organization(operator.organizations)
    principal = Principal.operator(organization.id)
    make = _Maker(services, database, principal)
    shop = await make.holder(Scope.PROJECT, "shop")
    production = await make.holder(Scope.ENVIRONMENT, "production", shop)
    analytics = await make.holder(Scope.PROJECT, "analytics")
    reporting = await make.holder(Scope.ENVIRONMENT, "production", analytics)
    job = await make.holder(Scope.JOB, "nightly-invoices", production)
    application = await make.holder(Scope.APPLICATION, "storefront", production)
    built_in = await _fill(make, shop, production, job, application)
    made = await services.for_principal(principal).tokens.create(
        name="demo", role=Role.ADMIN, lifetime=_TOKEN_LIFETIME
    )
    return Demo(
        token=made.text,
        organization_id=organization.id,
        project_id=shop.id,
        environment_id=production.id,
        job_id=job.id,
        other_job_id=(await make.holder(Scope.JOB, "newsletter", production)).id,
        application_id=application.id,
        container_id=(await make.holder(Scope.CONTAINER, "cart", production)).id,
        helm_id=(await make.holder(Scope.HELM, "ingress", production)).id,
        terraform_id=(await make.holder(Scope.TERRAFORM, "network", production)).id,
        agentic_workflow_id=(await make.holder(Scope.AGENTIC_WORKFLOW, "support", production)).id,
        other_project_id=analytics.id,
        other_environment_id=(await make.holder(Scope.ENVIRONMENT, "staging", shop)).id,
        foreign_job_id=(await make.holder(Scope.JOB, "reports", reporting)).id,
        built_in_secret_id=built_in.id,
    )


async def free_keys(database: Database, holder_id: str, *, stem: str, count: int) -> Sequence[str]:
    """Return keys that are free around the holder, so that the examples work as shown."""
    free: list[str] = []
    async with database.read() as unit:
        holder = (await holders.by_ids(unit, [holder_id]))[holder_id]
        number = 1
        while len(free) < count:
            key = stem if number == 1 else f"{stem}_{number}"
            if await secrets.find_with_key(unit, holder, key) is None:
                free.append(key)
            number += 1
    return free


async def _organization(organizations: Organizations) -> Organization:
    try:
        return await organizations.find_by_name(ORGANIZATION)
    except OrganizationNotFound:
        return await organizations.create(name=ORGANIZATION)


async def _fill(
    make: "_Maker", shop: Holder, production: Holder, job: Holder, application: Holder
) -> Secret:
    payment = await make.secret(
        shop, SecretDraft(key="PAYMENT_API_KEY", value="demo-payment-key", description="Sandbox")
    )
    await make.override(production, payment, OverrideDraft(value="demo-live-payment-key"))
    await make.secret(
        shop, SecretDraft(key="ERROR_REPORT_DSN", value="https://demo@errors.invalid/1")
    )
    mail = await make.secret(
        production, SecretDraft(key="SMTP_PASSWORD", value="demo-smtp", description="Relay's login")
    )
    await make.override(job, mail, OverrideDraft(value="demo-bulk-smtp", description="Bulk relay"))
    await make.secret(
        production,
        SecretDraft(
            key="TLS_CERTIFICATE", value="demo certificate", mount_path="/etc/tls/shop.pem"
        ),
    )
    external = ProvidedDraft(
        key="TRACING_API_KEY", value="demo-tracing", owned_by="Vault", description="Synchronized"
    )
    await make.provide(production, external)
    password = ProvidedDraft(key=BUILT_IN_KEY, value="demo-database-password", source=_DATABASE)
    built_in = await make.provide(production, password)
    await make.alias(application, built_in, AliasDraft(key="DATABASE_PASSWORD"))
    await make.alias(production, payment, AliasDraft(key="BILLING_API_KEY"))
    await make.secret(job, SecretDraft(key="INVOICE_SIGNING_KEY", value="demo-signing-key"))
    return built_in


class _Maker:
    def __init__(self, services: Services, database: Database, principal: Principal) -> None:
        self._services = services
        self._database = database
        self._principal = principal

    async def holder(self, kind: Scope, name: str, parent: Holder | None = None) -> Holder:
        async with self._database.read() as unit:
            found = await holders.find_child(
                unit,
                organization_id=self._principal.organization_id,
                parent_id=parent.id if parent else None,
                kind=kind,
                name=name,
            )
        return found or await self._services.for_principal(
            self._principal
        ).administration.create_holder(
            parent=_reference_to(parent) if parent else None, kind=kind, name=name
        )

    async def secret(self, at: Holder, draft: SecretDraft) -> Secret:
        return await self._find(at, draft.key) or await self._services.for_principal(
            self._principal
        ).secrets.create(holder_reference=_reference_to(at), draft=draft)

    async def provide(self, at: Holder, draft: ProvidedDraft) -> Secret:
        return await self._find(at, draft.key) or await self._services.for_principal(
            self._principal
        ).administration.register(holder_reference=_reference_to(at), draft=draft)

    async def alias(self, at: Holder, target: Secret, draft: AliasDraft) -> Secret:
        return await self._find(at, draft.key) or await self._services.for_principal(
            self._principal
        ).aliases.create(holder_reference=_reference_to(at), target_id=target.id, draft=draft)

    async def override(self, at: Holder, target: Secret, draft: OverrideDraft) -> Secret:
        return await self._find(at, target.key) or await self._services.for_principal(
            self._principal
        ).overrides.create(holder_reference=_reference_to(at), target_id=target.id, draft=draft)

    async def _find(self, at: Holder, key: str) -> Secret | None:
        async with self._database.read() as unit:
            return await secrets.find_at(unit, at, key)


def _reference_to(holder: Holder) -> HolderReference:
    return HolderReference(holder.kind, holder.id)
