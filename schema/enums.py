"""Enums, spelled as in the REST API."""

from enum import Enum, StrEnum
from typing import TypeAlias

import strawberry

from gateway.domain.audit import AuditAction as _AuditAction
from gateway.domain.audit import AuditSubject as _AuditSubject
from gateway.domain.change_feed import ChangeKind as _ChangeKind
from gateway.domain.change_warnings import WarningCode as _WarningCode
from gateway.domain.effective import Absence as _Absence
from gateway.domain.effective import Provenance as _Provenance
from gateway.domain.errors import ErrorCode
from gateway.domain.origins import ActorKind as _ActorKind
from gateway.domain.origins import AuditFace as _AuditFace
from gateway.domain.pages import SecretOrderField as _SecretOrderField
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.services.imports import ImportAction as _ImportAction

strawberry.enum(
    Scope,
    name="APIVariableScopeEnum",
    description=(
        "The scope that a secret belongs to, widest first. All service scopes are equally narrow."
    ),
)
APIVariableScopeEnum: TypeAlias = Scope

strawberry.enum(
    SecretType,
    name="APIVariableTypeEnum",
    description=(
        "The kind of secret. VALUE and FILE have a value of their own. An ALIAS gives another "
        "secret a second key. An OVERRIDE gives a secret of a wider scope another value. A "
        "BUILT_IN comes from the platform, and an EXTERNAL_SECRET from an external secret manager."
    ),
)
APIVariableTypeEnum: TypeAlias = SecretType

strawberry.enum(
    ServiceType,
    name="LinkedServiceTypeEnum",
    description="The kinds of service a secret can belong to or come from.",
)
LinkedServiceTypeEnum: TypeAlias = ServiceType

strawberry.enum(
    _SecretOrderField,
    name="SecretOrderField",
    description=(
        "The field that secrets are ordered by. SCOPE: the widest first; targets before their "
        "aliases and overrides."
    ),
)
SecretOrderField: TypeAlias = _SecretOrderField


strawberry.enum(
    _Provenance,
    name="SecretProvenance",
    description=(
        "How a service gets a key. OWN: defined on the service. INHERITED: defined on a wider "
        "scope and visible unchanged. OVERRIDE: defined on a narrower scope than the secret that "
        "it replaces. ALIAS: another secret under a second key."
    ),
)
SecretProvenance: TypeAlias = _Provenance

strawberry.enum(
    _Absence,
    name="SecretAbsence",
    description=(
        "Why a service does not see a key: no holder has it, or only a sibling service, another "
        "environment of the project, or another project has it."
    ),
)
SecretAbsence: TypeAlias = _Absence

strawberry.enum(
    Role,
    name="Role",
    description=(
        "What a grantee can do on a holder and all below it. VIEWER: see the hierarchy and the "
        "secrets, but not values. EDITOR: also write secrets. RUNTIME: get values, and nothing "
        "else. ADMIN: all of these, change the hierarchy and manage access. AUDITOR: read the "
        "audit log and the hierarchy. OPERATOR: all permissions."
    ),
)
RoleEnum: TypeAlias = Role

strawberry.enum(
    _ImportAction, name="ImportAction", description="What the import did with a secret."
)
ImportAction: TypeAlias = _ImportAction


strawberry.enum(
    _AuditAction,
    name="AuditAction",
    description=(
        "What happened. VALUES_DELIVERED: a service's values were delivered. INTEGRITY_ALARM: a "
        "row was not as the gateway had written it."
    ),
)
AuditAction: TypeAlias = _AuditAction

strawberry.enum(
    _AuditSubject, name="AuditSubject", description="The kind of object that an entry is about."
)
AuditSubject: TypeAlias = _AuditSubject

strawberry.enum(
    _ActorKind,
    name="ActorKind",
    description=(
        "Who acted: an API token, a user, the operator at the command line, or the gateway itself."
    ),
)
ActorKind: TypeAlias = _ActorKind

strawberry.enum(
    _AuditFace, name="AuditFace", description="The interface that the actor used, if any."
)
AuditFace: TypeAlias = _AuditFace


strawberry.enum(_ChangeKind, name="SecretChangeKind", description="What happened to a secret.")
SecretChangeKind: TypeAlias = _ChangeKind


@strawberry.enum(description="A planned change to a secret.")
class PlannedChange(StrEnum):
    EDIT = "EDIT"
    DELETE = "DELETE"


@strawberry.enum(description="The direction of a list's order.")
class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


strawberry.enum(
    _WarningCode,
    name="MutationWarningCode",
    description=(
        "REFERENCE_UNKNOWN: the value refers to a name that no secret in the holder's chain or "
        "below it has. REFERENCE_BROKEN: a reference in another value no longer resolves. "
        "VALUE_EMPTIED: a value that was not empty is now empty."
    ),
)
MutationWarningCode: TypeAlias = _WarningCode


@strawberry.enum(description="Why a mutation failed. Each code corresponds to one REST status.")
class MutationErrorCode(Enum):
    BAD_USER_INPUT = strawberry.enum_value(ErrorCode.BAD_USER_INPUT, description="REST: 400")
    SCOPE_VIOLATION = strawberry.enum_value(ErrorCode.SCOPE_VIOLATION, description="REST: 400")
    ALIAS_OF_ALIAS = strawberry.enum_value(ErrorCode.ALIAS_OF_ALIAS, description="REST: 400")
    NOT_OVERRIDABLE = strawberry.enum_value(ErrorCode.NOT_OVERRIDABLE, description="REST: 400")
    READ_ONLY = strawberry.enum_value(ErrorCode.READ_ONLY, description="REST: 403")
    NOT_FOUND = strawberry.enum_value(ErrorCode.NOT_FOUND, description="REST: 404")
    CONFLICT = strawberry.enum_value(ErrorCode.CONFLICT, description="REST: 409")
    IDEMPOTENCY_CONFLICT = strawberry.enum_value(
        ErrorCode.IDEMPOTENCY_CONFLICT, description="REST: 409"
    )
    TOKEN_ALREADY_SHOWN = strawberry.enum_value(
        ErrorCode.TOKEN_ALREADY_SHOWN, description="REST: 409"
    )
    VERSION_CONFLICT = strawberry.enum_value(ErrorCode.VERSION_CONFLICT, description="REST: 412")
    NOT_EMPTY = strawberry.enum_value(ErrorCode.NOT_EMPTY, description="REST: 409")
    SECRET_IN_USE = strawberry.enum_value(ErrorCode.SECRET_IN_USE, description="REST: 409")
    QUOTA_EXCEEDED = strawberry.enum_value(ErrorCode.QUOTA_EXCEEDED, description="REST: 409")
    DELIVERY_LIMIT_EXCEEDED = strawberry.enum_value(
        ErrorCode.DELIVERY_LIMIT_EXCEEDED, description="REST: 409"
    )
    REFERENCES_NOT_UPDATED = strawberry.enum_value(
        ErrorCode.REFERENCES_NOT_UPDATED, description="REST: 409"
    )


@strawberry.enum(
    description=(
        "What a delivery does with a reference whose name the service does not have, or that leads "
        "into a cycle."
    )
)
class OnUnresolved(Enum):
    KEEP = strawberry.enum_value(
        "KEEP", description="Deliver the reference as text, as it is written."
    )
    FAIL = strawberry.enum_value(
        "FAIL",
        description=(
            "Deliver nothing. The error REFERENCE_UNRESOLVED names the keys and their references."
        ),
    )
