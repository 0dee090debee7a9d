"""Every subscription: what is told as it happens, to whoever may see it then."""

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
from schema.holders import SecretHolder, Service, holder_type, service_type
from schema.inputs import SecretHolderRef, given
from schema.secrets import Secret

AfterChange = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Begin behind this change: the cursor of the last one that was received, or "
            "`changeCursor` of what is shown. From now on, if left out."
        )
    ),
]
WithInherited = Annotated[
    bool,
    strawberry.argument(
        description="Whether changes of what it inherits are told too, as far as they may be seen."
    ),
]


@strawberry.type(description="What became of a secret.")
class SecretChange:
    cursor: str = strawberry.field(
        description="Give it as `after` to go on from here after a broken connection."
    )
    kind: SecretChangeKind = strawberry.field(description="What became of it.")
    secret_id: strawberry.ID = strawberry.field(description="The secret's id; it may be gone.")
    key: str = strawberry.field(description="The key that it has since, or had when it went.")
    former_key: str | None = strawberry.field(description="The key it had, if it was renamed.")
    holder_id: strawberry.ID = strawberry.field(description="The id of what it hangs on.")
    at: datetime = strawberry.field(description="When it was changed.")

    @strawberry.field(description="The secret as it is now; null once it is deleted.")
    async def secret(self, info: Info) -> Secret | None:
        """Load the secret."""
        found = await info.context.secrets.load(self.secret_id)
        return Secret.of(found) if found else None

    @strawberry.field(description="What the secret hangs on; null once that is deleted.")
    async def holder(self, info: Info) -> SecretHolder | None:
        """Load the holder."""
        found = await info.context.holders.load(self.holder_id)
        return holder_type(found) if found else None

    @classmethod
    def of(cls, change: DomainChange) -> Self:
        """Tell a change."""
        return cls(
            cursor=change.cursor,
            kind=change.kind,
            secret_id=strawberry.ID(change.secret_id),
            key=change.key,
            former_key=change.former_key,
            holder_id=strawberry.ID(change.holder_id),
            at=change.at,
        )


@strawberry.type(description="At which keys a service gets something else since a change.")
class EffectiveSecretsChange:
    cursor: str = strawberry.field(
        description="Give it as `after` to go on from here after a broken connection."
    )
    at: datetime = strawberry.field(description="When the change was made.")
    keys: list[str] = strawberry.field(
        description="The keys at which an entry came, went, or is another one now; at most 100."
    )
    has_more_keys: bool = strawberry.field(
        description="Whether there are more such keys: then read the service's whole list again."
    )
    effective_secrets: list[EffectiveSecret] = strawberry.field(
        description="What is at these keys now; a key without an entry here is gone."
    )
    change: SecretChange = strawberry.field(description="The change that brought it about.")
    service: Service = strawberry.field(
        description="Select its `effectiveSecrets` to have the whole list anew."
    )

    @classmethod
    def of(cls, change: EffectiveChange) -> Self:
        """Tell a change."""
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


@strawberry.type(description="What can be watched, over a WebSocket or as Server-Sent Events.")
class Subscription:
    @strawberry.subscription(
        description=(
            "What becomes of the secrets of a holder, each change once and in order. It ends when "
            "the holder is gone, or out of the viewer's sight."
        )
    )
    async def secret_changed(
        self,
        info: Info,
        holder: SecretHolderRef,
        include_inherited: WithInherited = False,  # noqa: FBT002 - Strawberry passes it by name
        after: AfterChange = strawberry.UNSET,
    ) -> AsyncGenerator[SecretChange, None]:
        """Watch a holder."""
        changes = info.context.services.change_feed.changes(
            info.context,
            at=holder.reference(),
            with_inherited=include_inherited,
            after=given(after),
        )
        async with aclosing(changes):
            async for change in changes:
                yield SecretChange.of(change)

    @strawberry.subscription(
        description=(
            "At which keys a service gets something else, whatever brought it about: keys whose "
            "values refer to a changed one are among them."
        )
    )
    async def effective_secrets_changed(
        self, info: Info, service_id: strawberry.ID, after: AfterChange = strawberry.UNSET
    ) -> AsyncGenerator[EffectiveSecretsChange, None]:
        """Watch what a service gets."""
        changes = info.context.services.change_feed.effective_changes(
            info.context, service_id=service_id, after=given(after)
        )
        async with aclosing(changes):
            async for change in changes:
                yield EffectiveSecretsChange.of(change)
