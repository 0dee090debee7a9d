"""Builds the mutations that change the hierarchy."""

from typing import Annotated, Final

import strawberry
from strawberry import ID, argument

from gateway.domain.drafts import HolderReference
from gateway.domain.errors import Argument
from gateway.domain.permissions import Permission
from gateway.domain.scopes import Scope
from schema.arguments import (
    DATA,
    DryRun,
    ExpectedName,
    ExpectedVersion,
    Holder,
    IdempotencyKey,
    SecretId,
    holder_paths,
    mutation,
    options,
    reference,
)
from schema.context import Info
from schema.enums import LinkedServiceTypeEnum
from schema.fields import NewName
from schema.inputs import ProvidedSecretInput
from schema.payloads import DeleteHolderPayload, HolderPayload, SecretPayload
from schema.run_mutation import ARGUMENT_PATHS, run_mutation

WithContent = Annotated[
    bool | None,
    strawberry.argument(description="Also delete the holders below it and all their secrets."),
]
_IN_PROJECT: Final = holder_paths(Scope.PROJECT)
_IN_ENVIRONMENT: Final = holder_paths(Scope.ENVIRONMENT)
# A holder has no version; only its name can change, so the name is the precondition.
_NAME_IS_EXPECTED: Final = ARGUMENT_PATHS | {Argument.VERSION: ["expectedName"]}
_VALUE_IS_ARGUMENT: Final = ARGUMENT_PATHS | {Argument.VALUE: ["value"]}
_SHAPES = Permission.HIERARCHY_WRITE


@mutation("Create a project.", permission=_SHAPES)
async def create_project(
    info: Info,
    name: NewName,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> HolderPayload:
    work = info.context.services.administration.create_holder(
        kind=Scope.PROJECT,
        name=name,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, HolderPayload.of)


@mutation("Create an environment in a project.", permission=_SHAPES)
async def create_environment(
    info: Info,
    project_id: Annotated[ID, argument(description="The UUID of a project.")],
    name: NewName,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> HolderPayload:
    work = info.context.services.administration.create_holder(
        kind=Scope.ENVIRONMENT,
        name=name,
        parent=HolderReference(Scope.PROJECT, project_id),
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, HolderPayload.of, _IN_PROJECT)


@mutation(
    "Create a service in an environment. A DATABASE cannot be created, because it holds no "
    "secrets.",
    permission=_SHAPES,
)
async def create_service(
    info: Info,
    environment_id: Annotated[ID, argument(description="The UUID of an environment.")],
    type: Annotated[LinkedServiceTypeEnum, argument(description="The kind of service.")],
    name: NewName,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> HolderPayload:
    work = info.context.services.administration.create_service(
        environment_id=environment_id,
        service_type=type,
        name=name,
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, HolderPayload.of, _IN_ENVIRONMENT)


@mutation("Rename a project, an environment or a service.", permission=_SHAPES)
async def rename_holder(
    info: Info,
    holder: Holder,
    name: NewName,
    expected_name: ExpectedName = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> HolderPayload:
    work = info.context.services.administration.rename_holder(
        holder_reference=reference(None, holder),
        name=name,
        options=options(
            expected_name=expected_name, idempotency_key=idempotency_key, dry_run=dry_run
        ),
    )
    return await run_mutation(info, work, HolderPayload.of, _NAME_IS_EXPECTED)


@mutation(
    "Delete a project, an environment or a service. Set `withContent` to also delete its "
    "secrets and all that is below it; without that, a HolderNotEmptyError says how much would "
    "be deleted.",
    permission=_SHAPES,
)
async def delete_holder(
    info: Info,
    holder: Holder,
    with_content: WithContent = strawberry.UNSET,
    expected_name: ExpectedName = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> DeleteHolderPayload:
    work = info.context.services.administration.delete_holder(
        holder_reference=reference(None, holder),
        with_content=with_content is True,
        options=options(
            expected_name=expected_name, idempotency_key=idempotency_key, dry_run=dry_run
        ),
    )
    return await run_mutation(info, work, DeleteHolderPayload.of, _NAME_IS_EXPECTED)


@mutation(
    "Register a BUILT_IN of the platform, or an EXTERNAL_SECRET. It is visible from the holder "
    "and all below it.",
    permission=_SHAPES,
)
async def register_provided_secret(
    info: Info,
    holder: Holder,
    input: Annotated[ProvidedSecretInput, DATA],
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> SecretPayload:
    work = info.context.services.administration.register(
        holder_reference=reference(None, holder),
        draft=input.draft(),
        options=options(idempotency_key=idempotency_key, dry_run=dry_run),
    )
    return await run_mutation(info, work, SecretPayload.of)


@mutation("Set the next value of a BUILT_IN or an EXTERNAL_SECRET.", permission=_SHAPES)
async def rotate_provided_secret(
    info: Info,
    secret_id: SecretId,
    value: Annotated[str, argument(description="The new value, at most 64 KiB of UTF-8.")],
    expected_version: ExpectedVersion = strawberry.UNSET,
    idempotency_key: IdempotencyKey = strawberry.UNSET,
    dry_run: DryRun = strawberry.UNSET,
) -> SecretPayload:
    work = info.context.services.administration.rotate(
        secret_id=secret_id,
        value=value,
        options=options(
            expected_version=expected_version, idempotency_key=idempotency_key, dry_run=dry_run
        ),
    )
    return await run_mutation(info, work, SecretPayload.of, _VALUE_IS_ARGUMENT)
