"""Grants: who has which role, and on which holder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.domain.content import utf8_length
from gateway.domain.errors import (
    Argument,
    Conflict,
    ErrorCode,
    GatewayError,
    InvalidInput,
    NotFound,
)
from gateway.domain.holders import Holder
from gateway.domain.permissions import ROLES, Permission, Role
from gateway.domain.tokens import ApiToken

MAX_GRANTS: Final = 100
MAX_IDENTITY_LENGTH: Final = 255
# Who fetches the values of one service can ask for it by its name. A wider grant names nothing, or
# a stolen token would find all services whose values it can fetch.
_RUNTIME_OF_SERVICE: Final = ROLES[Role.RUNTIME] | {Permission.HIERARCHY_READ}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignment:
    role: Role
    holder: Holder | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        is_of_service = self.holder is not None and self.holder.kind.is_service
        if is_of_service and self.role is Role.RUNTIME:
            return _RUNTIME_OF_SERVICE
        return ROLES[self.role]

    def reaches(self, holder: Holder | None) -> bool:
        """Return whether it applies to the holder; for None, to the whole organization."""
        if self.holder is None:
            return True
        return holder is not None and self.holder.id in holder.chain_ids


class GranteeKind(StrEnum):
    TOKEN = "TOKEN"  # noqa: S105 - a kind of grantee
    USER = "USER"


@dataclass(frozen=True, slots=True, kw_only=True)
class GranteeReference:
    kind: GranteeKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    id: str
    organization_id: str
    grantee: GranteeReference
    grantee_name: str
    held: RoleAssignment
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person, identified by issuer and subject, never by e-mail address."""

    id: str
    organization_id: str
    issuer: str
    subject: str
    display_name: str
    created_at: datetime
    # True until the identity has signed in without naming this organization.
    is_invited: bool = False


def ensure_identity(issuer: str, subject: str) -> None:
    """Refuse an issuer or a subject that no provider can have.

    Raises:
        InvalidInput: naming the rule.

    """
    ensure_issuer(issuer)
    _ensure_fit(subject, Argument.SUBJECT)


def ensure_issuer(issuer: str) -> None:
    """Refuse an issuer that no provider can have.

    Raises:
        InvalidInput: naming the rule.

    """
    _ensure_fit(issuer, Argument.ISSUER)


def _ensure_fit(text: str, argument: Argument) -> None:
    if not 0 < utf8_length(text, argument) <= MAX_IDENTITY_LENGTH or not text.isprintable():
        raise InvalidInput(
            argument,
            f"The {argument.lower()} must have 1 to {MAX_IDENTITY_LENGTH} bytes and no control "
            "characters.",
        )


class TokenAlreadyShown(Conflict):
    code = ErrorCode.TOKEN_ALREADY_SHOWN

    def __init__(self, token: ApiToken, grant: Grant) -> None:
        super().__init__(
            f"Token {token.id} was created by the first request with this idempotency key. Only "
            "the response to that request has the token's text. If it is lost, revoke the token "
            "and create another.",
            Argument.IDEMPOTENCY_KEY,
        )
        self.token = token
        self.grant = grant


class OrganizationNotNamed(GatewayError):
    code = ErrorCode.ORGANIZATION_REQUIRED

    def __init__(self, organization_ids: Iterable[str]) -> None:
        super().__init__(
            "Several organizations have registered this identity. Set the header X-Organization-Id "
            f"to one of them: {', '.join(sorted(organization_ids))}."
        )


def choose_registration(registered: Sequence[User], organization_id: str | None) -> User | None:
    """Return the registration that a request is about; None if there is none.

    A registration is an invitation until the identity uses it. The first one that it uses is its
    home. A request without an organization means the home, even if other organizations register
    the identity later. A single registration needs no name either.

    Raises:
        OrganizationNotNamed: if there are several and none is the home.

    """
    if organization_id is not None:
        return next((item for item in registered if item.organization_id == organization_id), None)
    homes = [user for user in registered if not user.is_invited]
    possible = homes or registered
    if len(possible) > 1:
        raise OrganizationNotNamed(user.organization_id for user in possible)
    return next(iter(possible), None)


class TokenNotFound(NotFound):
    def __init__(self, token_id: str) -> None:
        super().__init__("token", token_id, Argument.TOKEN)


class UserNotFound(NotFound):
    def __init__(self, user_id: str) -> None:
        super().__init__("user", user_id, Argument.USER)


class GrantNotFound(NotFound):
    def __init__(self, grant_id: str) -> None:
        super().__init__("grant", grant_id, Argument.GRANT)


class GrantConflict(Conflict):
    def __init__(self) -> None:
        super().__init__("The grantee already has this role there.", Argument.ROLE)


class TooManyGrants(Conflict):
    """The grantee has the maximum of grants. Every request reads them, so they are bounded."""

    def __init__(self) -> None:
        super().__init__(
            f"A grantee must have at most {MAX_GRANTS} grants. Grant a role on a wider scope.",
            Argument.ROLE,
        )


class UserConflict(Conflict):
    def __init__(self) -> None:
        super().__init__("The identity is already registered.", Argument.SUBJECT)
