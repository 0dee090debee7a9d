"""Tables of grants, claim rules, tokens, users, references and deletions."""

from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from gateway.domain.audit import AuditSubject
from gateway.domain.content import MAX_NAME_LENGTH
from gateway.domain.grants import MAX_IDENTITY_LENGTH
from gateway.domain.permissions import Role
from gateway.storage.columns import (
    Audited,
    InMac,
    Model,
    blob,
    identifier,
    in_mac,
    moment,
    one_of,
    reference,
    row_mac,
    text_column,
)

CREATOR_LENGTH: Final = 64


class ApiTokenRow(Model, table=True):
    """An API token: its keyed hash, never the token itself."""

    __tablename__ = "api_token"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.TOKEN, facts=("expires_at", "revoked_at")
    )
    __table_args__ = (
        UniqueConstraint("digest"),
        Index("uq_api_token_id_organization_id", "id", "organization_id", unique=True),
        Index(None, "organization_id", "created_at", "id"),
    )

    id: str = identifier(primary_key=True)
    organization_id: str = reference("organization.id", nullable=False)
    name: str = text_column(MAX_NAME_LENGTH, nullable=False)
    created_at: datetime = moment(nullable=False)
    expires_at: datetime | None = moment(nullable=True)
    revoked_at: datetime | None = moment(nullable=True)
    digest: bytes = blob(nullable=False)
    # `KIND:id` of the creator; null for tokens that are older than this column.
    created_by: str | None = text_column(
        CREATOR_LENGTH, nullable=True, index=True, **in_mac(InMac.IF_SET)
    )
    last_used_at: datetime | None = moment(nullable=True, **in_mac(InMac.NEVER))
    mac: bytes | None = row_mac()


class UserRow(Model, table=True):
    """A user, authenticated by an OpenID Connect provider, in one organization."""

    __tablename__ = "user_account"
    audited: ClassVar[Audited | None] = Audited(subject=AuditSubject.USER)
    __table_args__ = (
        # In this order, because a sign-in looks up a user by the first two.
        UniqueConstraint("issuer", "subject", "organization_id"),
        # An identity has one organization that it does not need to name.
        Index(
            "uq_user_account_home",
            "issuer",
            "subject",
            unique=True,
            sqlite_where=text("is_invited IS NULL"),
            postgresql_where=text("is_invited IS NULL"),
        ),
        CheckConstraint("is_invited = 1", name="is_invited"),
        Index("uq_user_account_id_organization_id", "id", "organization_id", unique=True),
        ForeignKeyConstraint(["organization_id"], ["organization.id"], ondelete="RESTRICT"),
        Index(None, "organization_id", "display_name", "id"),
    )

    id: str = identifier(primary_key=True)
    organization_id: str = identifier(nullable=False)
    issuer: str = text_column(MAX_IDENTITY_LENGTH, nullable=False)
    subject: str = text_column(MAX_IDENTITY_LENGTH, nullable=False)
    display_name: str = text_column(MAX_NAME_LENGTH, nullable=False)
    created_at: datetime = moment(nullable=False)
    # 1 until the identity uses it without naming the organization; null from then on.
    is_invited: int | None = Field(
        default=None, sa_column=Column(Integer, nullable=True, **in_mac(InMac.IF_SET))
    )
    mac: bytes | None = row_mac()


class RoleGrantRow(Model, table=True):
    """A role of a token or a user, on one holder or, without a holder, on the whole organization.

    Foreign keys that include the organization prevent a grant across two organizations.
    """

    __tablename__ = "role_grant"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.GRANT,
        holder="holder_id",
        above=("holder", "holder_id"),
        facts=("token_id", "user_id", "role"),
    )
    __table_args__ = (
        CheckConstraint(one_of("role", tuple(Role)), name="role"),
        CheckConstraint("(token_id IS NULL) <> (user_id IS NULL)", name="grantee"),
        ForeignKeyConstraint(
            ["token_id", "organization_id"],
            ["api_token.id", "api_token.organization_id"],
        ),
        ForeignKeyConstraint(
            ["user_id", "organization_id"],
            ["user_account.id", "user_account.organization_id"],
        ),
        ForeignKeyConstraint(
            ["holder_id", "organization_id"],
            ["holder.id", "holder.organization_id"],
        ),
        Index(
            "uq_role_grant_once",
            text("coalesce(token_id, user_id)"),
            "role",
            text("coalesce(holder_id, '')"),
            unique=True,
        ),
        Index(None, "token_id"),
        Index(None, "user_id"),
        Index(None, "holder_id"),
        Index(None, "organization_id", "created_at", "id"),
    )

    id: str = identifier(primary_key=True)
    organization_id: str = identifier(nullable=False)
    token_id: str | None = identifier(nullable=True)
    user_id: str | None = identifier(nullable=True)
    role: Role = Field(sa_column=Column(String(16), nullable=False))
    holder_id: str | None = identifier(nullable=True)
    created_at: datetime = moment(nullable=False)
    mac: bytes | None = row_mac()


class ClaimRuleRow(Model, table=True):
    """A role of all identities of an issuer whose claims meet conditions, where a grant can be."""

    __tablename__ = "claim_rule"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.CLAIM_RULE,
        holder="holder_id",
        above=("holder", "holder_id"),
        # A deleted rule leaves no other trace of whom it let in.
        facts=("issuer", "conditions", "role", "expires_at"),
    )
    __table_args__ = (
        CheckConstraint(one_of("role", tuple(Role)), name="role"),
        ForeignKeyConstraint(["organization_id"], ["organization.id"], ondelete="RESTRICT"),
        ForeignKeyConstraint(
            ["holder_id", "organization_id"],
            ["holder.id", "holder.organization_id"],
        ),
        Index(
            "uq_claim_rule_once",
            "organization_id",
            "issuer",
            "conditions",
            "role",
            text("coalesce(holder_id, '')"),
            unique=True,
        ),
        # A sign-in looks up the rules of its issuer.
        Index(None, "issuer", "organization_id"),
        Index(None, "holder_id"),
        Index(None, "organization_id", "created_at", "id"),
    )

    id: str = identifier(primary_key=True)
    organization_id: str = identifier(nullable=False)
    name: str = text_column(MAX_NAME_LENGTH, nullable=False)
    issuer: str = text_column(MAX_IDENTITY_LENGTH, nullable=False)
    # A JSON list of pairs of a claim and a pattern, in their order.
    conditions: str = Field(sa_column=Column(Text, nullable=False))
    role: Role = Field(sa_column=Column(String(16), nullable=False))
    holder_id: str | None = identifier(nullable=True)
    created_at: datetime = moment(nullable=False)
    expires_at: datetime | None = moment(nullable=True)
    # `KIND:id` of the creator.
    created_by: str = text_column(CREATOR_LENGTH, nullable=False)
    mac: bytes | None = row_mac()


class ValueReferenceRow(Model, table=True):
    """The names that one value refers to as `{{KEY}}`, each as a keyed hash.

    A value without references has no row. A name in braces can be part of a secret value, so it is
    never stored in clear.
    """

    __tablename__ = "value_reference"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.SECRET, organization=None, above=("secret", "secret_id")
    )
    __table_args__ = (
        Index(None, "project_id", "secret_id"),
        CheckConstraint("length(names) > 0", name="names"),
    )

    secret_id: str = reference("secret.id", ondelete=None, primary_key=True)
    project_id: str = identifier(nullable=False)
    # The version of the value that has these names.
    value_version: int
    names: bytes = blob(nullable=False)
    mac: bytes | None = row_mac()


class ReferenceReadingRow(Model, table=True):
    """Progress in reading the values that are older than stored references: one row, or no row."""

    __tablename__ = "reference_reading"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    # The id of the last secret that was read; null after the last one.
    position: str | None = identifier(nullable=True)
    mac: bytes | None = row_mac()


class DeletionRow(Model, table=True):
    """A deleted holder or organization whose rows are not all gone yet.

    It hides them, so it counts as an access row: the log's head proves which deletions there are.
    """

    __tablename__ = "deletion"
    audited: ClassVar[Audited | None] = Audited(
        subject=AuditSubject.HOLDER, facts=("holders", "secrets")
    )

    # The id of the holder or the organization.
    id: str = identifier(primary_key=True)
    organization_id: str = identifier(nullable=False)
    # The row itself has another name meanwhile, so that a new one can have this name.
    name: str = text_column(MAX_NAME_LENGTH, nullable=False)
    created_at: datetime = moment(nullable=False)
    # The numbers of holders and secrets that are deleted with it.
    holders: int
    secrets: int
    # Whose deletion it is, as JSON: the events of all its steps name it.
    origin: str = Field(sa_column=Column(Text, nullable=False))
    mac: bytes | None = row_mac()
