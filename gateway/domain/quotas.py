"""Quotas of an organization, a project or a holder."""

from dataclasses import dataclass

from gateway.domain.errors import Argument, Conflict, ErrorCode


class QuotaExceeded(Conflict):
    code = ErrorCode.QUOTA_EXCEEDED

    def __init__(self, maximum: int, contents: str, argument: Argument) -> None:
        super().__init__(
            f"{contents} must be at most {maximum}. Delete what is not needed, or ask the "
            "gateway's operator to raise the quota.",
            argument,
        )
        self.maximum = maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The bounds; each method raises `QuotaExceeded` if there is no room for one more."""

    tokens_per_organization: int = 10_000
    users_per_organization: int = 10_000
    projects_per_organization: int = 1_000
    holders_per_project: int = 10_000
    secrets_per_holder: int = 10_000

    def ensure_room_for_token(self, count: int) -> None:
        _ensure(count, self.tokens_per_organization, "Valid API tokens of an organization")

    def ensure_room_for_user(self, count: int) -> None:
        _ensure(count, self.users_per_organization, "Users of an organization")

    def ensure_room_for_project(self, count: int) -> None:
        _ensure(count, self.projects_per_organization, "Projects of an organization")

    def ensure_room_for_holder(self, count: int) -> None:
        _ensure(count, self.holders_per_project, "Environments and services of a project")

    def ensure_room_for_secret(self, count: int) -> None:
        _ensure(count, self.secrets_per_holder, "Secrets of a holder", Argument.KEY)


def _ensure(count: int, maximum: int, contents: str, argument: Argument = Argument.NAME) -> None:
    if count >= maximum:
        raise QuotaExceeded(maximum, contents, argument)
