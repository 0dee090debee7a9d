"""Runs the use case of a mutation and turns its outcome into a payload."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar

import strawberry

from gateway.domain.drafts import ChangeWarning, collecting_warnings
from gateway.domain.errors import Argument, BusinessError
from gateway.domain.request_records import note_refusal
from schema.context import Info
from schema.enums import MutationWarningCode
from schema.errors import MutationError, typed_error

Outcome = TypeVar("Outcome")
Payload = TypeVar("Payload")
ArgumentPaths = dict[Argument | None, list[str]]
# The path of each of the domain's arguments in the arguments of most mutations.
ARGUMENT_PATHS: Final[ArgumentPaths] = {
    Argument.HOLDER: ["holder"],
    Argument.KIND: ["type"],
    Argument.SECRET: ["secretId"],
    Argument.KEY: ["input", "key"],
    Argument.VALUE: ["input", "value"],
    Argument.MOUNT_PATH: ["input", "mountPath"],
    Argument.DESCRIPTION: ["input", "description"],
    Argument.NAME: ["name"],
    Argument.IDEMPOTENCY_KEY: ["idempotencyKey"],
    Argument.VERSION: ["expectedVersion"],
    Argument.ENTITY_TAGS: ["ifMatch"],
    Argument.ROWS: ["secrets"],
    Argument.SOURCE: ["input", "source", "id"],
    Argument.ROLE: ["role"],
    Argument.TOKEN: ["tokenId"],
    Argument.USER: ["userId"],
    Argument.GRANT: ["grantId"],
    Argument.CLAIM_RULE: ["claimRuleId"],
    Argument.CONDITIONS: ["conditions"],
    Argument.ISSUER: ["issuer"],
    Argument.SUBJECT: ["subject"],
    Argument.LIFETIME: ["days"],
    Argument.END: ["at"],
}
WARNINGS_DESCRIPTION: Final = (
    "Warnings to show beside the result. A dry run returns the same warnings."
)


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
    def of(cls, warning: ChangeWarning, path: list[str] | None) -> Self:
        return cls(code=warning.code, message=warning.message, path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Generic[Outcome]):
    """The outcome of a use case, or the error that refused it. Exactly one of them is set."""

    paths: ArgumentPaths
    outcome: Outcome | None = None
    error: BusinessError | None = None
    raised_warnings: Sequence[ChangeWarning] = ()

    @property
    def errors(self) -> list[MutationError]:
        """The error, with the path of its argument."""
        return [typed_error(self.error, self.paths.get(self.error.argument))] if self.error else []

    @property
    def warnings(self) -> list[MutationWarning]:
        """The warnings, with the paths of their arguments."""
        return [
            MutationWarning.of(warning, self.paths.get(warning.argument))
            for warning in self.raised_warnings
        ]


async def run_mutation(
    info: Info,
    work: Awaitable[Outcome],
    to_payload: Callable[[Result[Outcome]], Payload],
    paths: ArgumentPaths = ARGUMENT_PATHS,
) -> Payload:
    """Await a use case and return its payload; `paths` says where the arguments are.

    The use case finishes even if the request ends. The payload's fields see what it wrote.
    """
    try:
        with collecting_warnings() as warnings:
            outcome = await info.context.services.finish(work)
    except BusinessError as error:
        note_refusal(error.code)
        return to_payload(Result(paths=paths, error=error))
    return to_payload(Result(paths=paths, outcome=outcome, raised_warnings=warnings))
