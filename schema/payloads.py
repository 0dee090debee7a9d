"""The payloads of mutations, built from the outcomes of use cases."""

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


@strawberry.type(description="A side effect of a change.")
class MutationWarning:
    code: MutationWarningCode = strawberry.field(
        description="The warning code, for programs. Codes are never renamed."
    )
    message: str = strawberry.field(description="A text for people. It can change.")
    path: list[str] | None = strawberry.field(
        description=(
            'The argument concerned, e.g. ["input", "value"], to show the warning in a form.'
        )
    )

    @classmethod
    def all_of(cls, warnings: Iterable[ChangeWarning], paths: ArgumentPaths) -> list[Self]:
        """Convert the domain object."""
        return [
            cls(code=warning.code, message=warning.message, path=paths.get(warning.argument))
            for warning in warnings
        ]


WARNINGS_DESCRIPTION: Final = (
    "Warnings to show beside the result. A dry run returns the same warnings."
)


def to_errors(error: BusinessError, paths: ArgumentPaths) -> list[MutationError]:
    """Convert a use case's error, with the path of its argument."""
    return [typed_error(error, paths.get(error.argument) if error.argument else None)]


@strawberry.type(description="`secret` is set exactly if `errors` is empty.")
class SecretPayload:
    secret: Secret | None = None
    secret_edge: SecretEdge | None = strawberry.field(
        default=None,
        description="The secret as an entry of its holder's list by key, for Relay's @appendEdge.",
    )
    holder: SecretHolder | None = strawberry.field(
        default=None,
        description=(
            "The holder of the secret. Select its lists or counts again to update a client's cache."
        ),
    )
    errors: list[MutationError]
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    async def of(cls, info: Info, work: Awaitable[DomainSecret], paths: ArgumentPaths) -> Self:
        """Await the use case; return what it wrote or the errors."""
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


@strawberry.type(description="What was deleted, if `errors` is empty.")
class DeleteSecretPayload:
    deleted_secret_ids: list[strawberry.ID] = strawberry.field(
        description=(
            "The secret and the aliases and overrides that were deleted with it, for Relay's "
            "@deleteRecord."
        )
    )
    holder: SecretHolder | None = None
    errors: list[MutationError]
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    async def of(cls, info: Info, work: Awaitable[Deletion], paths: ArgumentPaths) -> Self:
        """Await the use case; return what it deleted or the errors."""
        try:
            with collecting_warnings() as warnings:
                deletion = await info.context.finish(work)
        except BusinessError as error:
            return cls(deleted_secret_ids=[], errors=to_errors(error, paths))
        await info.context.renew()
        return cls(
            deleted_secret_ids=[strawberry.ID(deleted_id) for deleted_id in deletion.ids],
            holder=holder_type(deletion.holder),
            errors=[],
            warnings=MutationWarning.all_of(warnings, paths),
        )


@strawberry.type(description="The result of one row of an import.")
class ImportedSecret:
    key: str = strawberry.field(description="The key of the row, as it was sent.")
    action: ImportAction
    secret: Secret | None = strawberry.field(description="The secret; null if the row failed.")


@strawberry.type(
    description="The result of an import. A row can fail; the other rows are still written."
)
class ImportSecretsPayload:
    total_count: int = strawberry.field(description="The number of rows sent.")
    imported: list[Secret] = strawberry.field(
        description="The secrets that were created, updated or overridden."
    )
    rows: list[ImportedSecret] = strawberry.field(description="All rows, in the order sent.")
    holder: SecretHolder | None = None
    errors: list[MutationError] = strawberry.field(
        description='Why rows failed. The path names the row, e.g. ["secrets", "3", "key"].'
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
        """Await the use case; return the result of each row."""
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
                    key=sent_row.draft.key,
                    action=row.action,
                    secret=Secret.of(row.secret) if row.secret else None,
                )
                for sent_row, row in zip(sent, report.rows, strict=True)
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


@strawberry.type(description="`holder` is set exactly if `errors` is empty.")
class HolderPayload:
    holder: SecretHolder | None = None
    errors: list[MutationError]

    @classmethod
    async def of(cls, info: Info, work: Awaitable[Holder], paths: ArgumentPaths) -> Self:
        """Await the use case; return what it wrote or the errors."""
        try:
            holder = await info.context.finish(work)
        except BusinessError as error:
            return cls(errors=to_errors(error, paths))
        await info.context.renew()
        return cls(holder=holder_type(holder), errors=[])


@strawberry.type(description="What was deleted, if `errors` is empty.")
class DeleteHolderPayload:
    deleted_holder_ids: list[strawberry.ID]
    deleted_secret_ids: list[strawberry.ID]
    errors: list[MutationError]

    @classmethod
    async def of(cls, info: Info, work: Awaitable[HolderDeletion], paths: ArgumentPaths) -> Self:
        """Await the use case; return what it deleted or the errors."""
        try:
            deletion = await info.context.finish(work)
        except BusinessError as error:
            errors = to_errors(error, paths)
            return cls(deleted_holder_ids=[], deleted_secret_ids=[], errors=errors)
        await info.context.renew()
        return cls(
            deleted_holder_ids=[strawberry.ID(deleted_id) for deleted_id in deletion.holder_ids],
            deleted_secret_ids=[strawberry.ID(deleted_id) for deleted_id in deletion.secret_ids],
            errors=[],
        )
