"""Builds the mutations that change the hierarchy."""

from typing import Annotated, Any, Final

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


def project_creation() -> Any:  # noqa: ANN401 - what strawberry.mutation returns
    """Build the mutation that creates a project."""

    async def resolve(
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

    return mutation(resolve, "Create a project.", permission=_SHAPES)


def environment_creation() -> Any:  # noqa: ANN401 - as above
    """Build the mutation that creates an environment."""

    async def resolve(
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

    return mutation(resolve, "Create an environment in a project.", permission=_SHAPES)


def service_creation() -> Any:  # noqa: ANN401 - as above
    """Build the mutation that creates a service."""

    async def resolve(
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

    words = (
        "Create a service in an environment. A DATABASE cannot be created, because it holds no "
        "secrets."
    )
    return mutation(resolve, words, permission=_SHAPES)


def holder_renaming() -> Any:  # noqa: ANN401 - as above
    """Build the mutation that renames a holder."""

    async def resolve(
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

    return mutation(resolve, "Rename a project, an environment or a service.", permission=_SHAPES)


def holder_deletion() -> Any:  # noqa: ANN401 - as above
    """Build the mutation that deletes a holder."""

    async def resolve(
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

    words = (
        "Delete a project, an environment or a service. Set `withContent` to also delete its "
        "secrets and all that is below it; without that, a HolderNotEmptyError says how much would "
        "be deleted."
    )
    return mutation(resolve, words, permission=_SHAPES)


def registration() -> Any:  # noqa: ANN401 - as above
    """Build the mutation that registers a provided secret."""

    async def resolve(
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

    words = (
        "Register a BUILT_IN of the platform, or an EXTERNAL_SECRET. It is visible from the holder "
        "and all below it."
    )
    return mutation(resolve, words, permission=_SHAPES)


def rotation() -> Any:  # noqa: ANN401 - as above
    """Build the mutation that sets the next value of a provided secret."""

    async def resolve(
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
                expected_version=expected_version,
                idempotency_key=idempotency_key,
                dry_run=dry_run,
            ),
        )
        return await run_mutation(info, work, SecretPayload.of, _VALUE_IS_ARGUMENT)

    words = "Set the next value of a BUILT_IN or an EXTERNAL_SECRET."
    return mutation(resolve, words, permission=_SHAPES)
