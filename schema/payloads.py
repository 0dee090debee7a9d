"""The payloads of mutations, built from the outcomes of use cases."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Self

import strawberry

from gateway.domain.drafts import ChangeWarning
from gateway.domain.errors import Argument
from gateway.domain.holders import Holder
from gateway.domain.pages import BY_KEY, Entry
from gateway.domain.secrets import Secret as DomainSecret
from gateway.services.changes import Deletion
from gateway.services.hierarchy import HolderDeletion
from gateway.services.imports import ImportedRow, ImportReport, ImportRow
from gateway.services.secrets import cursor_of
from schema.enums import ImportAction
from schema.errors import Errors, MutationError, typed_error
from schema.holders import SecretHolder, holder_type
from schema.run_mutation import WARNINGS_DESCRIPTION, MutationWarning, Result
from schema.secrets import Secret, SecretEdge


@strawberry.type(description="`secret` is set exactly if `errors` is empty.")
class SecretPayload:
    secret: Secret | None = strawberry.field(
        default=None, description="The secret as it is now; null if nothing was written."
    )
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
    errors: Errors
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    def of(cls, result: Result[DomainSecret]) -> Self:
        if (secret := result.outcome) is None:
            return cls(errors=result.errors)
        node = Secret.of(secret)
        entry = Entry(secret, partial(cursor_of, secret, order=BY_KEY))
        return cls(
            secret=node,
            secret_edge=SecretEdge(entry=entry, node=node),
            holder=holder_type(secret.holder),
            errors=[],
            warnings=result.warnings,
        )


@strawberry.type(description="What was deleted, if `errors` is empty.")
class DeleteSecretPayload:
    deleted_secret_ids: list[strawberry.ID] = strawberry.field(
        description=(
            "The secret and the aliases and overrides that were deleted with it, for Relay's "
            "@deleteRecord."
        )
    )
    holder: SecretHolder | None = strawberry.field(
        default=None, description="The holder that the secret was defined at."
    )
    errors: Errors
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    def of(cls, result: Result[Deletion]) -> Self:
        if (deletion := result.outcome) is None:
            return cls(deleted_secret_ids=[], errors=result.errors)
        return cls(
            deleted_secret_ids=list(map(strawberry.ID, deletion.ids)),
            holder=holder_type(deletion.holder),
            errors=[],
            warnings=result.warnings,
        )


@strawberry.type(description="The result of one row of an import.")
class ImportedSecret:
    key: str = strawberry.field(description="The key of the row, as it was sent.")
    action: ImportAction = strawberry.field(description="What the import did with the row.")
    secret: Secret | None = strawberry.field(description="The secret; null if the row failed.")

    @classmethod
    def of(cls, key: str, row: ImportedRow) -> Self:
        secret = Secret.of(row.secret) if row.secret else None
        return cls(key=key, action=row.action, secret=secret)


@strawberry.type(
    description="The result of an import. A row can fail; the other rows are still written."
)
class ImportSecretsPayload:
    total_count: int = strawberry.field(description="The number of rows sent.")
    imported: list[Secret] = strawberry.field(
        description="The secrets that were created, updated or overridden."
    )
    rows: list[ImportedSecret] = strawberry.field(description="All rows, in the order sent.")
    holder: SecretHolder | None = strawberry.field(
        default=None,
        description="The holder that was written to. Select it to update a client's cache.",
    )
    errors: list[MutationError] = strawberry.field(
        description='Why rows failed. The path names the row, e.g. ["secrets", "3", "key"].'
    )
    warnings: list[MutationWarning] = strawberry.field(
        default_factory=list, description=WARNINGS_DESCRIPTION
    )

    @classmethod
    def of(cls, sent: Sequence[ImportRow], result: Result[ImportReport]) -> Self:
        if (report := result.outcome) is None:
            return cls(total_count=len(sent), imported=[], rows=[], errors=result.errors)
        pairs = zip(sent, report.rows, strict=True)
        return cls(
            total_count=len(sent),
            imported=list(map(Secret.of, report.written)),
            rows=[ImportedSecret.of(sent_row.draft.key, row) for sent_row, row in pairs],
            holder=holder_type(report.holder),
            errors=[
                typed_error(row.error, _row_path(index, row.error.argument))
                for index, row in enumerate(report.rows)
                if row.error
            ],
            warnings=_row_warnings(result.raised_warnings, report),
        )


def _row_warnings(warnings: Iterable[ChangeWarning], report: ImportReport) -> list[MutationWarning]:
    rows = {row.secret.id: index for index, row in enumerate(report.rows) if row.secret}
    return [
        MutationWarning.of(warning, _row_path(rows[warning.secret_id], warning.argument))
        for warning in warnings
    ]


_ROW_FIELDS: Final[Mapping[Argument | None, str]] = {
    Argument.VALUE: "value",
    Argument.MOUNT_PATH: "mountPath",
    Argument.DESCRIPTION: "description",
    Argument.SCOPE: "scope",
}


def _row_path(index: int, argument: Argument | None) -> list[str]:
    return ["secrets", str(index), _ROW_FIELDS.get(argument, "key")]


@strawberry.type(description="`holder` is set exactly if `errors` is empty.")
class HolderPayload:
    holder: SecretHolder | None = strawberry.field(
        default=None, description="The holder as it is now; null if nothing was written."
    )
    errors: Errors

    @classmethod
    def of(cls, result: Result[Holder]) -> Self:
        holder = holder_type(result.outcome) if result.outcome else None
        return cls(holder=holder, errors=result.errors)


@strawberry.type(description="What was deleted, if `errors` is empty.")
class DeleteHolderPayload:
    deleted_holder_ids: list[strawberry.ID] = strawberry.field(
        description="The ids of the holder and of all holders below it."
    )
    deleted_secret_ids: list[strawberry.ID] = strawberry.field(
        description="The ids of the secrets that were deleted with them."
    )
    errors: Errors

    @classmethod
    def of(cls, result: Result[HolderDeletion]) -> Self:
        deletion = result.outcome or HolderDeletion((), ())
        return cls(
            deleted_holder_ids=list(map(strawberry.ID, deletion.holder_ids)),
            deleted_secret_ids=list(map(strawberry.ID, deletion.secret_ids)),
            errors=result.errors,
        )
