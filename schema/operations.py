"""Builds the mutations on secrets: one builder per operation, for one kind of holder or any."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import strawberry

from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret
from gateway.services.container import BoundServices
from schema.arguments import (
    DATA,
    DryRun,
    ExpectedVersion,
    Holder,
    IdempotencyKey,
    IfMatch,
    SecretId,
    UpdateReferences,
    holder_paths,
    mutation,
    options,
    reference,
    scope_phrase,
)
from schema.context import Info
from schema.inputs import (
    ImportSecretInput,
    SecretAliasInput,
    SecretEditInput,
    SecretInput,
    SecretOverrideInput,
    unset_to_none,
)
from schema.payloads import DeleteSecretPayload, ImportSecretsPayload, SecretPayload
from schema.run_mutation import run_mutation

WithDependents = Annotated[
    bool | None,
    strawberry.argument(
        description="Delete the secret even if others refer to it, with its aliases and overrides."
    ),
]
Rows = Annotated[
    list[ImportSecretInput], strawberry.argument(description="The secrets to import, one per row.")
]
Overwrite = Annotated[
    bool,
    strawberry.argument(
        description="Whether to replace the values of keys that the holder already has."
    ),
]
Referral = SecretAliasInput | SecretOverrideInput
_UseCase = Callable[[BoundServices], Callable[..., Awaitable[Secret]]]


def creation(scope: Scope | None) -> Any:  # noqa: ANN401 - what strawberry.mutation returns
    """Build the mutation that creates a secret."""
    paths = holder_paths(scope)

    async def resolve(
        info: Info,
        holder: Holder,
        input: Annotated[SecretInput, DATA],
        idempotency_key: IdempotencyKey = strawberry.UNSET,
        dry_run: DryRun = strawberry.UNSET,
    ) -> SecretPayload:
        work = info.context.services.secrets.create(
            holder_reference=reference(scope, holder),
            draft=input.draft(),
            options=options(idempotency_key=idempotency_key, dry_run=dry_run),
        )
        return await run_mutation(info, work, SecretPayload.of, paths)

    words = f"Create a secret{scope_phrase(scope)}. A mount path makes it a FILE."
    return mutation(words, scope=scope)(resolve)


def aliasing(scope: Scope | None) -> Any:  # noqa: ANN401 - as above
    """Build the mutation that creates an alias."""
    words = (
        f"Create an alias{scope_phrase(scope)}: a second key for a secret of the same or a wider "
        "scope. The alias follows its target; an alias cannot be aliased."
    )
    return _referring(scope, SecretAliasInput, lambda services: services.aliases.create, words)


def overriding(scope: Scope | None) -> Any:  # noqa: ANN401 - as above
    """Build the mutation that creates an override."""
    words = (
        f"Create an override{scope_phrase(scope)}: another value for a VALUE or a FILE of a wider "
        "scope, for the holder and all below it."
    )
    return _referring(scope, SecretOverrideInput, lambda services: services.overrides.create, words)


def _referring(scope: Scope | None, takes: type[Referral], use_case: _UseCase, words: str) -> Any:  # noqa: ANN401 - as above
    paths = holder_paths(scope)

    async def resolve(
        info: Info,
        holder: Holder,
        secret_id: SecretId,
        input: Referral,
        idempotency_key: IdempotencyKey = strawberry.UNSET,
        dry_run: DryRun = strawberry.UNSET,
    ) -> SecretPayload:
        work = use_case(info.context.services)(
            holder_reference=reference(scope, holder),
            target_id=secret_id,
            draft=input.draft(),
            options=options(
                idempotency_key=idempotency_key,
                dry_run=dry_run,
                supports_external=info.context.supports_external,
            ),
        )
        return await run_mutation(info, work, SecretPayload.of, paths)

    resolve.__annotations__["input"] = Annotated[takes, DATA]
    return mutation(words, scope=scope)(resolve)


def editing(scope: Scope) -> Any:  # noqa: ANN401 - as above
    """Build the mutation that edits a secret of a holder of one kind."""
    paths = holder_paths(scope)

    async def resolve(
        info: Info,
        holder: Holder,
        secret_id: SecretId,
        input: Annotated[SecretEditInput, DATA],
        expected_version: ExpectedVersion = strawberry.UNSET,
        if_match: IfMatch = strawberry.UNSET,
        idempotency_key: IdempotencyKey = strawberry.UNSET,
        update_references: UpdateReferences = strawberry.UNSET,
        dry_run: DryRun = strawberry.UNSET,
    ) -> SecretPayload:
        work = info.context.services.changes.edit(
            holder_reference=reference(scope, holder),
            secret_id=secret_id,
            draft=input.draft(),
            update_references=bool(unset_to_none(update_references)),
            options=options(
                expected_version=expected_version,
                if_match=if_match,
                idempotency_key=idempotency_key,
                dry_run=dry_run,
                supports_external=info.context.supports_external,
            ),
        )
        return await run_mutation(info, work, SecretPayload.of, paths)

    return mutation(f"Change a secret defined{scope_phrase(scope)}.", scope=scope)(resolve)


def deletion(scope: Scope) -> Any:  # noqa: ANN401 - as above
    """Build the mutation that deletes a secret of a holder of one kind."""
    paths = holder_paths(scope)

    async def resolve(
        info: Info,
        holder: Holder,
        secret_id: SecretId,
        expected_version: ExpectedVersion = strawberry.UNSET,
        if_match: IfMatch = strawberry.UNSET,
        idempotency_key: IdempotencyKey = strawberry.UNSET,
        dry_run: DryRun = strawberry.UNSET,
    ) -> DeleteSecretPayload:
        work = info.context.services.changes.delete(
            holder_reference=reference(scope, holder),
            secret_id=secret_id,
            options=options(
                expected_version=expected_version,
                if_match=if_match,
                idempotency_key=idempotency_key,
                dry_run=dry_run,
            ),
        )
        return await run_mutation(info, work, DeleteSecretPayload.of, paths)

    words = f"Delete a secret defined{scope_phrase(scope)}, with its aliases and overrides."
    return mutation(words, scope=scope)(resolve)


@mutation("Change a secret, wherever it is defined.")
async def edit_secret(
    info: Info,
    secret_id: SecretId,
    input: Annotated[SecretEditInput, DATA],
    expected_version: ExpectedVersion = strawberry.UNSET,
    if_match: IfMatch = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    update_references: UpdateReferences = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> SecretPayload:
    work = info.context.services.changes.edit(
        secret_id=secret_id,
        draft=input.draft(),
        update_references=bool(unset_to_none(update_references)),
        options=options(
            expected_version=expected_version,
            if_match=if_match,
            idempotency_key=idempotency_key,
            dry_run=dry_run,
        ),
    )
    return await run_mutation(info, work, SecretPayload.of)


@mutation(
    "Delete a secret, wherever it is defined. If other secrets refer to it, a SecretInUseError "
    "lists them; `withDependents` deletes the secret and its aliases and overrides."
)
async def delete_secret(
    info: Info,
    secret_id: SecretId,
    with_dependents: WithDependents = strawberry.UNSET,
    expected_version: ExpectedVersion = strawberry.UNSET,
    if_match: IfMatch = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> DeleteSecretPayload:
    work = info.context.services.changes.delete(
        secret_id=secret_id,
        with_dependents=unset_to_none(with_dependents) is True,
        options=options(
            expected_version=expected_version,
            if_match=if_match,
            idempotency_key=idempotency_key,
            dry_run=dry_run,
        ),
    )
    return await run_mutation(info, work, DeleteSecretPayload.of)


@mutation(
    "Import up to 1,000 secrets in one transaction. A key that the holder already has is "
    "updated if `overwrite` is true, and skipped otherwise. A key of a wider scope is "
    "overridden."
)
async def import_secrets(
    info: Info,
    holder: Holder,
    secrets: Rows,
    overwrite: Overwrite,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> ImportSecretsPayload:
    rows = [secret.row() for secret in secrets]
    work = info.context.services.imports.run(
        holder_reference=reference(None, holder),
        rows=rows,
        overwrite=overwrite,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, partial(ImportSecretsPayload.of, rows))
