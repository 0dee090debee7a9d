"""Every subscription. Each event is checked against the principal's permissions at that time."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Self

import strawberry

from gateway.domain.change_feed import SecretChange as DomainChange
from gateway.services.change_feed import EffectiveChange
from schema.context import Info
from schema.effective import EffectiveSecret
from schema.enums import SecretChangeKind
from schema.fields import ANY_HOLDER, ServiceId
from schema.holders import SecretHolder, Service, holder_type, service_type
from schema.inputs import SecretHolderRef, unset_to_none
from schema.secrets import Secret

AfterChange = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Start after this change: the cursor of the last received change, or `changeCursor` of "
            "the data that you show. From now on if omitted."
        )
    ),
]
WithInherited = Annotated[
    bool,
    strawberry.argument(
        description="Whether to include changes of inherited secrets, if you can see them."
    ),
]


@strawberry.type(description="A change of a secret.")
class SecretChange:
    cursor: str = strawberry.field(
        description=(
            "The cursor of the change. Pass it as `after` to continue after a broken connection."
        )
    )
    kind: SecretChangeKind = strawberry.field(description="What happened to the secret.")
    secret_id: strawberry.ID = strawberry.field(
        description="The id of the secret, which can be deleted by now."
    )
    key: str = strawberry.field(
        description="The key after the change, or the key that a deleted secret had."
    )
    former_key: str | None = strawberry.field(
        description="The key before the change, if the secret was renamed."
    )
    holder_id: strawberry.ID = strawberry.field(description="The id of the holder of the secret.")
    at: datetime = strawberry.field(description="When the change was made.")

    @strawberry.field(description="The secret as it is now; null once it is deleted.")
    async def secret(self, info: Info) -> Secret | None:
        found = await info.context.secrets.load(self.secret_id)
        return Secret.of(found) if found else None

    @strawberry.field(description="The holder of the secret; null once it is deleted.")
    async def holder(self, info: Info) -> SecretHolder | None:
        found = await info.context.holders.load(self.holder_id)
        return holder_type(found) if found else None

    @classmethod
    def of(cls, change: DomainChange) -> Self:
        return cls(
            cursor=change.cursor,
            kind=change.kind,
            secret_id=strawberry.ID(change.secret_id),
            key=change.key,
            former_key=change.former_key,
            holder_id=strawberry.ID(change.holder_id),
            at=change.at,
        )


@strawberry.type(description="The keys for which a service gets something else after a change.")
class EffectiveSecretsChange:
    cursor: str = strawberry.field(
        description=(
            "The cursor of the change. Pass it as `after` to continue after a broken connection."
        )
    )
    at: datetime = strawberry.field(description="When the change was made.")
    keys: list[str] = strawberry.field(
        description="The keys whose entry was added, removed or replaced; at most 100."
    )
    has_more_keys: bool = strawberry.field(
        description="Whether there are more such keys. If so, read the service's whole list again."
    )
    effective_secrets: list[EffectiveSecret] = strawberry.field(
        description="The current entries for these keys. A key without an entry here is gone."
    )
    change: SecretChange = strawberry.field(description="The change that caused it.")
    service: Service = strawberry.field(
        description="The service. Select its `effectiveSecrets` to get the whole list again."
    )

    @classmethod
    def of(cls, change: EffectiveChange) -> Self:
        cause = SecretChange.of(change.change)
        return cls(
            cursor=cause.cursor,
            at=cause.at,
            keys=list(change.keys),
            has_more_keys=change.has_more,
            effective_secrets=[EffectiveSecret.of(entry) for entry in change.entries],
            change=cause,
            service=service_type(change.service),
        )


@strawberry.type(description="All subscriptions, over a WebSocket or as Server-Sent Events.")
class Subscription:
    @strawberry.subscription(
        description=(
            "The changes of a holder's secrets, each once and in order. The subscription ends when "
            "the holder is deleted or you can no longer see it."
        )
    )
    async def secret_changed(
        self,
        info: Info,
        holder: Annotated[SecretHolderRef, ANY_HOLDER],
        include_inherited: WithInherited = False,  # noqa: FBT002 - Strawberry passes it by name
        after: AfterChange = strawberry.UNSET,
    ) -> AsyncGenerator[SecretChange, None]:
        changes = info.context.services.change_feed.changes(
            holder_reference=holder.reference(),
            with_inherited=include_inherited,
            after=unset_to_none(after),
        )
        async with aclosing(changes):
            async for change in changes:
                yield SecretChange.of(change)

    @strawberry.subscription(
        description=(
            "The keys for which a service gets something else, whatever the cause. Keys whose "
            "values refer to a changed key are included."
        )
    )
    async def effective_secrets_changed(
        self, info: Info, service_id: ServiceId, after: AfterChange = strawberry.UNSET
    ) -> AsyncGenerator[EffectiveSecretsChange, None]:
        changes = info.context.services.change_feed.effective_changes(
            service_id=service_id, after=unset_to_none(after)
        )
        async with aclosing(changes):
            async for change in changes:
                yield EffectiveSecretsChange.of(change)
