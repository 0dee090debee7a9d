"""Builds the mutations that bring back what was, and those that destroy it."""

from functools import partial
from typing import Annotated, Final, Self

import strawberry
from strawberry import ID, argument

from gateway.domain.errors import Argument
from gateway.domain.pages import BY_KEY, MAX_PAGE_SIZE, Entry
from gateway.domain.permissions import Permission
from gateway.services.purging import Purge
from gateway.services.restored_dependents import MAX_DEPENDENTS
from gateway.services.restoring import Restoration
from gateway.services.secrets import cursor_of
from schema.arguments import (
    DryRun,
    ExpectedVersion,
    Holder,
    IdempotencyKey,
    IfMatch,
    UpdateReferences,
    mutation,
    options,
    reference,
)
from schema.context import Info
from schema.errors import Errors
from schema.holders import SecretHolder, holder_type
from schema.inputs import unset_to_none
from schema.payloads import SecretPayload
from schema.run_mutation import (
    ARGUMENT_PATHS,
    WARNINGS_DESCRIPTION,
    MutationWarning,
    Result,
    run_mutation,
)
from schema.secrets import Secret, SecretEdge

_DELETED: Final = argument(description="The UUID of a deleted secret.")
_ANY: Final = argument(description="The UUID of a secret, deleted or not.")
_PATHS: Final = ARGUMENT_PATHS | {Argument.FORMER_VERSION: ["toVersion"]}
_PURGES: Final = Permission.SECRET_PURGE


@strawberry.type(description="`secret` is set exactly if `errors` is empty.")
class RestoreSecretPayload:
    secret: Secret | None = strawberry.field(
        default=None, description="The secret that came back; null if nothing was written."
    )
    secret_edge: SecretEdge | None = strawberry.field(
        default=None,
        description="The secret as an entry of its holder's list by key, for Relay's @appendEdge.",
    )
    also_restored: list[Secret] = strawberry.field(
        default_factory=list,
        description="The first 100 aliases and overrides that came back with it.",
    )
    holder: SecretHolder | None = strawberry.field(
        default=None, description="The holder of the secret."
    )
    errors: Errors
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    def of(cls, result: Result[Restoration]) -> Self:
        if (restoration := result.outcome) is None:
            return cls(errors=result.errors)
        secret, *others = restoration.secrets
        node = Secret.of(secret)
        entry = Entry(secret, partial(cursor_of, secret, order=BY_KEY))
        return cls(
            secret=node,
            secret_edge=SecretEdge(entry=entry, node=node),
            also_restored=list(map(Secret.of, others[:MAX_PAGE_SIZE])),
            holder=holder_type(secret.holder),
            errors=[],
            warnings=result.warnings,
        )


@strawberry.type(description="How many former values were destroyed, if `errors` is empty.")
class PurgeVersionsPayload:
    purged_count: int = strawberry.field(
        description="How many former values were destroyed; 0 if nothing was written."
    )
    holder: SecretHolder | None = strawberry.field(
        default=None, description="The holder, or that of the secret."
    )
    errors: Errors

    @classmethod
    def of(cls, result: Result[Purge]) -> Self:
        if (purge := result.outcome) is None:
            return cls(purged_count=0, errors=result.errors)
        return cls(purged_count=purge.count, holder=holder_type(purge.holder), errors=[])


@mutation(
    "Give a secret the key, the value and the description of a former version. That is a change "
    "like any other: it makes a new version, and the same rules apply. An override keeps the key "
    "of its target."
)
async def rollback_secret(
    info: Info,
    secret_id: Annotated[ID, argument(description="The UUID of a secret.")],
    to_version: Annotated[int, argument(description="A version of `Secret.versions`.")],
    expected_version: ExpectedVersion = strawberry.UNSET,
    if_match: IfMatch = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    update_references: UpdateReferences = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> SecretPayload:
    work = info.context.services.restoring.rollback(
        secret_id=secret_id,
        to_version=to_version,
        update_references=bool(unset_to_none(update_references)),
        options=options(
            expected_version=expected_version,
            if_match=if_match,
            idempotency_key=idempotency_key,
            dry_run=dry_run,
        ),
    )
    return await run_mutation(info, work, SecretPayload.of, _PATHS)


@mutation(
    "Bring back a deleted secret, with the aliases and overrides that were deleted with it. All of "
    "them come back with their ids and values, or none: a key that was taken meanwhile is a "
    "conflict. Only those of which a value is no longer kept, and those beyond the first "
    f"{MAX_DEPENDENTS}, stay deleted: a warning names them."
)
async def restore_secret(
    info: Info,
    secret_id: Annotated[ID, _DELETED],
    expected_version: ExpectedVersion = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> RestoreSecretPayload:
    work = info.context.services.restoring.restore(
        secret_id=secret_id,
        options=options(
            expected_version=expected_version, idempotency_key=idempotency_key, dry_run=dry_run
        ),
    )
    return await run_mutation(info, work, RestoreSecretPayload.of, _PATHS)


@mutation(
    "Destroy the values of all former versions of a secret, deleted or not. The present value "
    "stays. The versions stay listed, and cannot be brought back.",
    permission=_PURGES,
)
async def purge_secret_versions(
    info: Info,
    secret_id: Annotated[ID, _ANY],
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> PurgeVersionsPayload:
    work = info.context.services.purging.purge_secret(
        secret_id=secret_id, options=options(idempotency_key=idempotency_key, dry_run=dry_run)
    )
    return await run_mutation(info, work, PurgeVersionsPayload.of)


@mutation(
    "Destroy the values of all former versions of the secrets at a holder and below it, deleted "
    "or not. The present values stay.",
    permission=_PURGES,
)
async def purge_holder_versions(
    info: Info,
    holder: Holder,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> PurgeVersionsPayload:
    work = info.context.services.purging.purge_holder(
        holder_reference=reference(None, holder),
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, PurgeVersionsPayload.of)
