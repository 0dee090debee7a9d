"""Grants: who has which role, and where."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignment:
    """A role at a place: on one holder and all below it, or on the whole organization."""

    role: Role
    holder: Holder | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role carries."""
        return ROLES[self.role]

    def reaches(self, holder: Holder | None) -> bool:
        """Tell whether it counts on the holder; without one, on the whole organization."""
        if self.holder is None:
            return True
        return holder is not None and self.holder.id in holder.chain_ids


class GranteeKind(StrEnum):
    """Who can be granted a role."""

    TOKEN = "TOKEN"  # noqa: S105 - a kind of grantee, no token
    USER = "USER"


@dataclass(frozen=True, slots=True, kw_only=True)
class GranteeReference:
    """Names a token or a user."""

    kind: GranteeKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant as it is told: who has it, and what."""

    id: str
    organization_id: str
    grantee: GranteeReference
    grantee_name: str
    held: RoleAssignment
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person whom an OpenID Connect provider vouches for. Never known by an e-mail address."""

    id: str
    organization_id: str
    issuer: str
    subject: str
    display_name: str
    created_at: datetime
    # Until the identity has signed in without naming this organization.
    is_invited: bool = False


def ensure_identity(issuer: str, subject: str) -> None:
    """Refuse an issuer or a subject that no provider has.

    Raises:
        InvalidInput: naming the rule.

    """
    for text, argument in ((issuer, Argument.ISSUER), (subject, Argument.SUBJECT)):
        if not 0 < utf8_length(text, argument) <= MAX_IDENTITY_LENGTH or not text.isprintable():
            raise InvalidInput(
                argument, f"It has 1 to {MAX_IDENTITY_LENGTH} bytes and no control characters."
            )


class TokenAlreadyShown(Conflict):
    """The request that created the token is repeated; the token's text was in its first answer."""

    code = ErrorCode.TOKEN_ALREADY_SHOWN

    def __init__(self, token: ApiToken, grant: Grant) -> None:
        super().__init__(
            f"Token {token.id} was created by the first request with this idempotency key, whose "
            "answer had its text. If that is lost, revoke the token and create another.",
            Argument.IDEMPOTENCY_KEY,
        )
        self.token = token
        self.grant = grant


class OrganizationNotNamed(GatewayError):
    """An identity without a home is registered in several organizations and named none."""

    code = ErrorCode.ORGANIZATION_REQUIRED

    def __init__(self, organization_ids: Iterable[str]) -> None:
        super().__init__(
            "Several organizations have registered this identity. Name the one that is meant in "
            f"the header X-Organization-Id: {', '.join(sorted(organization_ids))}."
        )


def choose_registration(registered: Sequence[User], organization_id: str | None) -> User | None:
    """Return the registration of an identity that a request is about; None if there is none.

    A registration is an invitation until the identity uses it. The first one that it uses is its
    home: that one is meant where a request names no organization, whoever registers the identity
    besides. The only one there is need not be named either.

    Raises:
        OrganizationNotNamed: if there are several, and none of them is the home.

    """
    if organization_id is not None:
        return next((item for item in registered if item.organization_id == organization_id), None)
    homes = [user for user in registered if not user.is_invited]
    possible = homes or registered
    if len(possible) > 1:
        raise OrganizationNotNamed(user.organization_id for user in possible)
    return next(iter(possible), None)


class TokenNotFound(NotFound):
    """The token is not there for the viewer."""

    def __init__(self, token_id: str) -> None:
        super().__init__("token", token_id, Argument.TOKEN)


class UserNotFound(NotFound):
    """The user is not there for the viewer."""

    def __init__(self, user_id: str) -> None:
        super().__init__("user", user_id, Argument.USER)


class GrantNotFound(NotFound):
    """The grant is not there for the viewer."""

    def __init__(self, grant_id: str) -> None:
        super().__init__("grant", grant_id, Argument.GRANT)


class GrantConflict(Conflict):
    """The grantee has that role at that place already."""

    def __init__(self) -> None:
        super().__init__("The role is granted there already.", Argument.ROLE)


class TooManyGrants(Conflict):
    """A grantee's grants are read with every request, so they are bounded."""

    def __init__(self) -> None:
        super().__init__(
            f"Nobody has more than {MAX_GRANTS} grants: grant at a wider place.", Argument.ROLE
        )


class UserConflict(Conflict):
    """The identity is registered already."""

    def __init__(self) -> None:
        super().__init__("The identity is registered already.", Argument.SUBJECT)
