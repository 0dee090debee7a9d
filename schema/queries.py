"""Every query. An object that the principal cannot see is null, as if it were absent."""

from asyncio import gather
from functools import partial
from typing import Annotated, TypeVar

import strawberry
from strawberry import ID, UNSET, argument, field

from gateway.domain.delivery_requests import DeliveryRequest
from gateway.domain.pages import ensure_page_size
from schema.access import (
    GRANTEE,
    ApiToken,
    ApiTokenConnection,
    GranteeRef,
    RoleGrant,
    RoleGrantConnection,
    User,
    UserConnection,
)
from schema.audit import AuditEvent, AuditEventConnection, AuditFilter, to_event_filter
from schema.claim_rules import ClaimRule, ClaimRuleConnection
from schema.context import Info
from schema.effective import SecretExplanation
from schema.enums import OnUnresolved
from schema.fields import FILTER, ORDER, Node, ServiceId, pure_field
from schema.history import DeletedSecret, SecretVersion, SecretVersionConnection
from schema.holders import (
    AgenticWorkflow,
    Application,
    Container,
    Environment,
    Helm,
    Job,
    Project,
    ProjectConnection,
    SecretHolder,
    Service,
    Terraform,
    holder_type,
)
from schema.inputs import (
    SecretSearch,
    SecretSearchOrder,
    to_order,
    to_search,
    to_window,
    unset_to_none,
)
from schema.pages import After, Before, First, Last
from schema.runtime import (
    Delivered,
    Delivery,
    Fitting,
    IfNoneMatch,
    Keys,
    RuntimeSecret,
    WhenUnresolved,
    WithFiles,
    deliver,
    to_keys,
    wrapped_delivery,
)
from schema.secrets import Secret, SecretConnection
from schema.viewer import Organization, Viewer

Id = Annotated[ID, argument(description="The UUID.")]
Ids = Annotated[list[ID], argument(description="The UUIDs.")]
ExplainedKey = Annotated[
    str,
    argument(
        description="The key to explain, case-sensitive. The service does not need to have it."
    ),
]
Kind = TypeVar("Kind", bound=SecretHolder)


@strawberry.type(description="All queries.")
class Query:
    @pure_field(description="You: whom the credential belongs to.")
    def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.services.principal)

    @field(description="Your organization. Nothing of another one is visible to you.")
    async def organization(self, info: Info) -> Organization:
        return Organization.of(await info.context.services.viewer.organization())

    @field(description="A holder or a secret by its id.")
    async def node(self, info: Info, id: Id) -> Node | None:
        return await _node(info, id)

    @field(description="A project by its id.")
    async def project(self, info: Info, id: Id) -> Project | None:
        return await _holder(info, id, Project)

    @field(description="The projects that you can see, by name.")
    async def projects(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> ProjectConnection:
        page = await info.context.services.hierarchy.projects(
            window=to_window(first, after, last, before)
        )
        return ProjectConnection.of(page, Project.of)

    @field(description="An environment by its id.")
    async def environment(self, info: Info, id: Id) -> Environment | None:
        return await _holder(info, id, Environment)

    @field(description="A service of any kind by its id.")
    async def service(self, info: Info, id: Id) -> Service | None:
        return await _holder(info, id, Service)

    @field(description="An application by its id.")
    async def application(self, info: Info, id: Id) -> Application | None:
        return await _holder(info, id, Application)

    @field(description="A container by its id.")
    async def container(self, info: Info, id: Id) -> Container | None:
        return await _holder(info, id, Container)

    @field(description="A job by its id.")
    async def job(self, info: Info, id: Id) -> Job | None:
        return await _holder(info, id, Job)

    @field(description="A Helm chart by its id.")
    async def helm(self, info: Info, id: Id) -> Helm | None:
        return await _holder(info, id, Helm)

    @field(description="A Terraform stack by its id.")
    async def terraform(self, info: Info, id: Id) -> Terraform | None:
        return await _holder(info, id, Terraform)

    @field(description="An agentic workflow by its id.")
    async def agentic_workflow(self, info: Info, id: Id) -> AgenticWorkflow | None:
        return await _holder(info, id, AgenticWorkflow)

    @field(
        description=(
            "Why a service sees what it sees under a key, or why it does not see the key. Null if "
            "there is no such service."
        )
    )
    async def explain_secret(
        self, info: Info, service_id: ServiceId, key: ExplainedKey
    ) -> SecretExplanation | None:
        explanation = await info.context.services.effective.explain(service_id=service_id, key=key)
        return SecretExplanation.of(explanation) if explanation else None

    @field(
        graphql_type=list[RuntimeSecret],
        description=(
            "The delivery: all that a service gets at run time, with values and resolved "
            "references. It needs its own permission, and the audit log records each use."
        ),
    )
    async def runtime_secrets(
        self,
        info: Info,
        service_id: ServiceId,
        keys: Keys = UNSET,
        on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
    ) -> Delivered:
        request = DeliveryRequest(keys=to_keys(keys))
        return wrapped_delivery(await deliver(info, service_id, request, on_unresolved))

    @field(
        description=(
            "The delivery as one set with a fingerprint, for clients that ask again: with "
            "`ifNoneMatch`, an unchanged set is not delivered again, and not recorded."
        )
    )
    async def delivery(
        self,
        info: Info,
        service_id: ServiceId,
        keys: Keys = UNSET,
        with_files: WithFiles = True,  # noqa: FBT002 - GraphQL passes arguments by name
        on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
        if_none_match: IfNoneMatch = UNSET,
        form: Fitting = UNSET,
    ) -> Delivery:
        request = DeliveryRequest(
            keys=to_keys(keys),
            with_files=with_files,
            if_none_match=unset_to_none(if_none_match),
            form=unset_to_none(form),
        )
        return Delivery.of(await deliver(info, service_id, request, on_unresolved))

    @field(
        description=(
            "A holder or a secret for each of these ids, at most 100; null for an id that is not "
            "found."
        )
    )
    async def nodes(self, info: Info, ids: Ids) -> list[Node | None]:
        ensure_page_size(len(ids))
        # Concurrently, so that the loaders fetch all of them in one batch.
        return await gather(*(_node(info, node_id) for node_id in ids))

    @field(
        description=(
            "The API tokens with a role where you manage access, oldest first; all tokens if you "
            "manage access in the whole organization."
        )
    )
    async def api_tokens(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> ApiTokenConnection:
        page = await info.context.services.tokens.page(window=to_window(first, after, last, before))
        return ApiTokenConnection.of(page, ApiToken.of)

    @field(
        description=(
            "The roles granted where you manage access, oldest first; all of them, or those of one "
            "grantee."
        )
    )
    async def grants(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        grantee: Annotated[GranteeRef | None, GRANTEE] = UNSET,
    ) -> RoleGrantConnection:
        only = unset_to_none(grantee)
        page = await info.context.services.grants.page(
            window=to_window(first, after, last, before), of=only.reference() if only else None
        )
        return RoleGrantConnection.of(page, RoleGrant.of)

    @field(description="The claim rules where you manage access, oldest first.")
    async def claim_rules(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> ClaimRuleConnection:
        page = await info.context.services.claim_rules.page(
            window=to_window(first, after, last, before)
        )
        return ClaimRuleConnection.of(page, ClaimRule.of)

    @field(
        description=(
            "The users with a role where you manage access, by name; all users if you manage "
            "access in the whole organization."
        )
    )
    async def users(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> UserConnection:
        page = await info.context.services.identities.page(
            window=to_window(first, after, last, before)
        )
        return UserConnection.of(page, User.of)

    @field(
        description=(
            "The audit log where you can read it, newest first: changes, and deliveries of values."
        )
    )
    async def audit_events(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        filter: Annotated[AuditFilter | None, FILTER] = UNSET,
    ) -> AuditEventConnection:
        page = await info.context.services.audit.page(
            window=to_window(first, after, last, before), only=to_event_filter(filter)
        )
        return AuditEventConnection.of(
            page, partial(AuditEvent.of, info.context.services.audit.id_of)
        )

    @field(
        description=(
            "The position of this answer in the change feed. Pass it to a subscription as `after` "
            "to receive every later change."
        )
    )
    async def change_cursor(self, info: Info) -> str:
        return await info.context.services.change_feed.cursor()

    @field(
        description=(
            "All secrets that you can see, of any holder: to search them by key, type, time of the "
            "last change, or the part of the hierarchy."
        )
    )
    async def secrets(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        filter: Annotated[SecretSearch | None, FILTER] = UNSET,
        order_by: Annotated[SecretSearchOrder | None, ORDER] = UNSET,
    ) -> SecretConnection:
        page = await info.context.services.secrets.search(
            window=to_window(first, after, last, before),
            order=to_order(order_by),
            only=to_search(filter),
            admit=info.context.surcharge,
        )
        return SecretConnection.of(page, Secret.of)

    @field(description="A secret by its id.")
    async def secret(self, info: Info, id: Id) -> Secret | None:
        return await _secret(info, id)

    @field(
        description=(
            "The versions of a secret by its id, deleted or not, the newest first; null if you "
            "cannot see it."
        )
    )
    async def secret_versions(
        self,
        info: Info,
        id: Id,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> SecretVersionConnection | None:
        page = await info.context.services.history.versions_by_id(
            secret_id=id, window=to_window(first, after, last, before)
        )
        return SecretVersionConnection.of(page, SecretVersion.of) if page else None

    @field(description="A deleted secret by the id that it had, while it is kept.")
    async def deleted_secret(self, info: Info, id: Id) -> DeletedSecret | None:
        found = await info.context.services.history.find_deleted(secret_id=id)
        return DeletedSecret.of(found) if found else None


async def _node(info: Info, node_id: str) -> Node | None:
    return await _holder(info, node_id, SecretHolder) or await _secret(info, node_id)


async def _holder(info: Info, holder_id: str, kind: type[Kind]) -> Kind | None:
    found = await info.context.holders.load(holder_id)
    wrapped = holder_type(found) if found else None
    return wrapped if isinstance(wrapped, kind) else None


async def _secret(info: Info, secret_id: str) -> Secret | None:
    found = await info.context.secrets.load(secret_id)
    return Secret.of(found) if found else None
