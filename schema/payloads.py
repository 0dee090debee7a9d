"""What a mutation answers, and how a use case's outcome becomes it."""

from collections.abc import Awaitable, Iterable, Mapping
from typing import Final, Self

import strawberry

from gateway.domain.change_warnings import ChangeWarning, collecting_warnings
from gateway.domain.errors import Argument, BusinessError
from gateway.domain.holders import Holder
from gateway.domain.pages import BY_KEY
from gateway.domain.secrets import Secret as DomainSecret
from gateway.services.changes import Deletion
from gateway.services.imports import ImportedRow as DomainRow
from gateway.services.imports import ImportReport, ImportRow
from gateway.services.removal import HolderDeletion
from schema.context import Info
from schema.enums import ImportAction, MutationWarningCode
from schema.errors import MutationError, typed_error
from schema.holders import SecretHolder, holder_type
from schema.secrets import Secret, SecretEdge

ArgumentPaths = Mapping[Argument, list[str]]


@strawberry.type(description="What a change does besides what was asked for.")
class MutationWarning:
    code: MutationWarningCode = strawberry.field(
        description="What it is about, for programs: never renamed."
    )
    message: str = strawberry.field(description="For people; may change.")
    path: list[str] | None = strawberry.field(
        description='Which argument, e.g. ["input", "value"]: for a form.'
    )

    @classmethod
    def all_of(cls, warnings: Iterable[ChangeWarning], paths: ArgumentPaths) -> list[Self]:
        """Show the warnings of one change."""
        return [
            cls(code=warning.code, message=warning.message, path=paths.get(warning.argument))
            for warning in warnings
        ]


WARNINGS_DESCRIPTION: Final = (
    "What a client can show beside the outcome. A dry run has the same warnings."
)


def to_errors(error: BusinessError, paths: ArgumentPaths) -> list[MutationError]:
    """Tell why a use case wrote nothing."""
    return [typed_error(error, paths.get(error.argument) if error.argument else None)]


@strawberry.type(description="`secret` is set exactly where `errors` is empty.")
class SecretPayload:
    secret: Secret | None = None
    secret_edge: SecretEdge | None = strawberry.field(
        default=None,
        description="The secret as an entry of its holder's list by key, for Relay's @appendEdge.",
    )
    holder: SecretHolder | None = strawberry.field(
        default=None,
        description="Select a list or a count again here, and any client's cache is up to date.",
    )
    errors: list[MutationError]
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    async def of(cls, info: Info, work: Awaitable[DomainSecret], paths: ArgumentPaths) -> Self:
        """Wait for the use case; tell what it wrote, or why it wrote nothing."""
        try:
            with collecting_warnings() as warnings:
                secret = await info.context.finish(work)
        except BusinessError as error:
            return cls(errors=to_errors(error, paths))
        await info.context.renew()
        wrapped = Secret.of(secret)
        cursor = info.context.services.secrets.cursor_of(secret, order=BY_KEY)
        return cls(
            secret=wrapped,
            secret_edge=SecretEdge(cursor=cursor, node=wrapped),
            holder=holder_type(secret.holder),
            errors=[],
            warnings=MutationWarning.all_of(warnings, paths),
        )


@strawberry.type(description="What went, where `errors` is empty.")
class DeleteSecretPayload:
    deleted_secret_ids: list[strawberry.ID] = strawberry.field(
        description=(
            "For Relay's @deleteRecord: the secret, and the aliases and overrides which went "
            "with it."
        )
    )
    holder: SecretHolder | None = None
    errors: list[MutationError]
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    async def of(cls, info: Info, work: Awaitable[Deletion], paths: ArgumentPaths) -> Self:
        """Wait for the use case; tell what went, or why nothing did."""
        try:
            with collecting_warnings() as warnings:
                deletion = await info.context.finish(work)
        except BusinessError as error:
            return cls(deleted_secret_ids=[], errors=to_errors(error, paths))
        await info.context.renew()
        return cls(
            deleted_secret_ids=[strawberry.ID(gone) for gone in deletion.ids],
            holder=holder_type(deletion.holder),
            errors=[],
            warnings=MutationWarning.all_of(warnings, paths),
        )


@strawberry.type(description="What became of one row of an import.")
class ImportedSecret:
    key: str = strawberry.field(description="The row's key, as it was sent.")
    action: ImportAction
    secret: Secret | None = strawberry.field(description="Null where the row failed.")


@strawberry.type(
    description="What became of an import. Rows fail one by one; the others go through."
)
class ImportSecretsPayload:
    total_count: int = strawberry.field(description="How many rows were sent.")
    imported: list[Secret] = strawberry.field(
        description="The secrets that were created, updated or overridden."
    )
    rows: list[ImportedSecret] = strawberry.field(description="Every row, in the order sent.")
    holder: SecretHolder | None = None
    errors: list[MutationError] = strawberry.field(
        description='Why rows failed; the path says which: ["secrets", "3", "key"].'
    )
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    async def of(
        cls,
        info: Info,
        work: Awaitable[ImportReport],
        sent: list[ImportRow],
        paths: ArgumentPaths,
    ) -> Self:
        """Wait for the use case; tell what became of each row."""
        try:
            with collecting_warnings() as warnings:
                report = await info.context.finish(work)
        except BusinessError as error:
            return cls(total_count=len(sent), imported=[], rows=[], errors=to_errors(error, paths))
        await info.context.renew()
        written = [row.secret for row in report.rows if row.secret and _is_written(row)]
        return cls(
            total_count=len(sent),
            imported=[Secret.of(secret) for secret in written],
            rows=[
                ImportedSecret(
                    key=asked.draft.key,
                    action=row.action,
                    secret=Secret.of(row.secret) if row.secret else None,
                )
                for asked, row in zip(sent, report.rows, strict=True)
            ],
            holder=holder_type(report.holder),
            errors=[
                typed_error(row.error, _row_path(index, row.error))
                for index, row in enumerate(report.rows)
                if row.error
            ],
            warnings=_row_warnings(warnings, report),
        )


def _row_warnings(warnings: Iterable[ChangeWarning], report: ImportReport) -> list[MutationWarning]:
    rows = {row.secret.id: index for index, row in enumerate(report.rows) if row.secret}
    return [
        MutationWarning(
            code=warning.code,
            message=warning.message,
            path=[
                "secrets",
                str(rows[warning.secret_id]),
                _ROW_FIELDS.get(warning.argument, "key"),
            ],
        )
        for warning in warnings
    ]


def _is_written(row: DomainRow) -> bool:
    return row.action not in {ImportAction.SKIPPED, ImportAction.FAILED}


_ROW_FIELDS: Mapping[Argument | None, str] = {
    Argument.VALUE: "value",
    Argument.MOUNT_PATH: "mountPath",
    Argument.DESCRIPTION: "description",
    Argument.SCOPE: "scope",
}


def _row_path(index: int, error: BusinessError) -> list[str]:
    return ["secrets", str(index), _ROW_FIELDS.get(error.argument, "key")]


@strawberry.type(description="`holder` is set exactly where `errors` is empty.")
class HolderPayload:
    holder: SecretHolder | None = None
    errors: list[MutationError]

    @classmethod
    async def of(cls, info: Info, work: Awaitable[Holder], paths: ArgumentPaths) -> Self:
        """Wait for the use case; tell what it wrote, or why it wrote nothing."""
        try:
            holder = await info.context.finish(work)
        except BusinessError as error:
            return cls(errors=to_errors(error, paths))
        await info.context.renew()
        return cls(holder=holder_type(holder), errors=[])


@strawberry.type(description="What went, where `errors` is empty.")
class DeleteHolderPayload:
    deleted_holder_ids: list[strawberry.ID]
    deleted_secret_ids: list[strawberry.ID]
    errors: list[MutationError]

    @classmethod
    async def of(cls, info: Info, work: Awaitable[HolderDeletion], paths: ArgumentPaths) -> Self:
        """Wait for the use case; tell what went, or why nothing did."""
        try:
            deletion = await info.context.finish(work)
        except BusinessError as error:
            errors = to_errors(error, paths)
            return cls(deleted_holder_ids=[], deleted_secret_ids=[], errors=errors)
        await info.context.renew()
        return cls(
            deleted_holder_ids=[strawberry.ID(gone) for gone in deletion.holder_ids],
            deleted_secret_ids=[strawberry.ID(gone) for gone in deletion.secret_ids],
            errors=[],
        )
