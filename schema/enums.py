"""Enums, spelled as in the REST API. Most belong to the domain, which does not know GraphQL."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any, TypeAlias

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from gateway.domain.change_feed import ChangeKind as _ChangeKind
from gateway.domain.delivery_formats import DeliveryFormat as _DeliveryFormat
from gateway.domain.drafts import WarningCode as _WarningCode
from gateway.domain.effective import Absence as _Absence
from gateway.domain.effective import Provenance as _Provenance
from gateway.domain.errors import ErrorCode
from gateway.domain.interpolation import OnUnresolved as _OnUnresolved
from gateway.domain.origins import ActorKind as _ActorKind
from gateway.domain.pages import SecretOrderField as _SecretOrderField
from gateway.domain.permissions import Permission, Role
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import SecretType
from gateway.services.imports import ImportAction as _ImportAction


def expose(enum: type[Enum], name: str, description: str, members: Mapping[str, str]) -> None:
    """Make an enum part of the schema, with a description of each member.

    Raises:
        ValueError: naming the enum, if the descriptions are not those of its members.

    """
    if members.keys() != enum.__members__.keys():
        raise ValueError(name)
    exposed: Any = strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = exposed.__strawberry_definition__
    for member in definition.values:
        member.description = members[member.name]


expose(
    Scope,
    "APIVariableScopeEnum",
    "The scope that a secret belongs to, widest first. All service scopes are equally narrow.",
    {
        "BUILT_IN": (
            "The platform. The secret is visible from the holder it is registered for, and below."
        ),
        "PROJECT": "A project. All its environments and services see the secret.",
        "ENVIRONMENT": "An environment. All its services see the secret.",
        "APPLICATION": "One application. Only this application sees the secret.",
        "CONTAINER": "One container. Only this container sees the secret.",
        "JOB": "One job. Only this job sees the secret.",
        "HELM": "One Helm chart. Only this chart sees the secret.",
        "TERRAFORM": "One Terraform stack. Only this stack sees the secret.",
        "AGENTIC_WORKFLOW": "One agentic workflow. Only this workflow sees the secret.",
    },
)
APIVariableScopeEnum: TypeAlias = Scope

expose(
    SecretType,
    "APIVariableTypeEnum",
    (
        "The kind of secret. VALUE and FILE have a value of their own. An ALIAS gives another "
        "secret a second key. An OVERRIDE gives a secret of a wider scope another value. A "
        "BUILT_IN comes from the platform, and an EXTERNAL_SECRET from an external secret manager."
    ),
    {
        "VALUE": "A value of its own, delivered as an environment variable.",
        "ALIAS": "A second key for another secret, whose value it follows.",
        "OVERRIDE": "Another value for a secret of a wider scope, from this scope down.",
        "BUILT_IN": (
            "A secret that the platform creates, such as a database password; read-only here."
        ),
        "FILE": "A value of its own, delivered as a file at its mount path.",
        "EXTERNAL_SECRET": (
            "A secret that an external secret manager stores and that is imported from there."
        ),
    },
)
APIVariableTypeEnum: TypeAlias = SecretType

expose(
    ServiceType,
    "LinkedServiceTypeEnum",
    "The kinds of service a secret can belong to or come from.",
    {
        "APPLICATION": "A service built from source.",
        "CONTAINER": "A service run from an image.",
        "DATABASE": "A managed database. Built-in secrets come from it; it holds no secrets.",
        "JOB": "A service that runs to completion, on an event or a schedule.",
        "HELM": "A Helm chart.",
        "TERRAFORM": "A Terraform stack.",
        "AGENTIC_WORKFLOW": "An agentic workflow.",
    },
)
LinkedServiceTypeEnum: TypeAlias = ServiceType

expose(
    _SecretOrderField,
    "SecretOrderField",
    (
        "The field that secrets are ordered by. SCOPE: the widest first; targets before their "
        "aliases and overrides."
    ),
    {
        "KEY": "By key.",
        "CREATED_AT": "By time of creation.",
        "UPDATED_AT": "By time of the last change.",
        "SCOPE": "By scope, widest first; targets before their aliases and overrides.",
    },
)
SecretOrderField: TypeAlias = _SecretOrderField


class SecretSearchOrderField(StrEnum):
    KEY = "KEY"
    UPDATED_AT = "UPDATED_AT"


expose(
    SecretSearchOrderField,
    "SecretSearchOrderField",
    "The field that all secrets are ordered by.",
    {"KEY": "By key.", "UPDATED_AT": "By time of the last change."},
)

expose(
    _Provenance,
    "SecretProvenance",
    (
        "How a service gets a key. OWN: defined on the service. INHERITED: defined on a wider "
        "scope and visible unchanged. OVERRIDE: defined on a narrower scope than the secret that "
        "it replaces. ALIAS: another secret under a second key."
    ),
    {
        "OWN": "Defined on the service itself.",
        "INHERITED": "Defined on a wider scope and visible unchanged.",
        "OVERRIDE": "Defined on a narrower scope than the secret that it replaces.",
        "ALIAS": "An alias: another secret under a second key.",
    },
)
SecretProvenance: TypeAlias = _Provenance

expose(
    _Absence,
    "SecretAbsence",
    (
        "Why a service does not see a key: no holder has it, or only a sibling service, another "
        "environment of the project, or another project has it."
    ),
    {
        "NEVER_DEFINED": "No holder has the key.",
        "ON_A_SIBLING": "Only another service of the same environment has it.",
        "IN_ANOTHER_ENVIRONMENT": "Only another environment of the same project has it.",
        "IN_ANOTHER_PROJECT": "Only another project has it.",
    },
)
SecretAbsence: TypeAlias = _Absence

expose(
    _ChangeKind,
    "SecretChangeKind",
    "What happened to a secret.",
    {
        "CREATED": "The secret was created.",
        "UPDATED": "The secret's value, key or metadata was changed.",
        "DELETED": "The secret was deleted.",
    },
)
SecretChangeKind: TypeAlias = _ChangeKind

expose(
    _WarningCode,
    "MutationWarningCode",
    (
        "REFERENCE_UNKNOWN: the value refers to a name that no secret in the holder's chain or "
        "below it has. REFERENCE_BROKEN: a reference in another value no longer resolves. "
        "VALUE_EMPTIED: a value that was not empty is now empty. "
        "NOT_RESTORED: aliases or overrides of a restored secret stay deleted."
    ),
    {
        "REFERENCE_UNKNOWN": (
            "The value refers to a name that no secret in the holder's chain or below it has."
        ),
        "REFERENCE_BROKEN": "References in other values no longer resolve.",
        "VALUE_EMPTIED": "A value that was not empty is now empty.",
        "NOT_RESTORED": "Aliases or overrides of a restored secret stay deleted.",
    },
)
MutationWarningCode: TypeAlias = _WarningCode

expose(
    _ImportAction,
    "ImportAction",
    "What the import did with a secret.",
    {
        "CREATED": "The key was new: a secret was created.",
        "UPDATED": "The holder had the key: the secret has the new value.",
        "OVERRIDDEN": "A wider scope had the key: an override was created.",
        "SKIPPED": "The holder had the key, and `overwrite` was false.",
        "FAILED": "The row was not written; `errors` says why.",
    },
)
ImportAction: TypeAlias = _ImportAction

expose(
    Role,
    "Role",
    (
        "What a grantee can do on a holder and all below it. VIEWER: see the hierarchy and the "
        "secrets, but not values. EDITOR: also write secrets. RUNTIME: see the hierarchy and get "
        "values. ADMIN: all of these, change the hierarchy and manage access. AUDITOR: read the "
        "audit log and the hierarchy. OPERATOR: all permissions."
    ),
    {
        "VIEWER": "See the hierarchy and the secrets, but not values.",
        "EDITOR": "See the hierarchy and the secrets, but not values; write secrets.",
        "RUNTIME": "See the hierarchy and get the values of services, but no list of secrets.",
        "ADMIN": "Write secrets, get values, change the hierarchy and manage access.",
        "AUDITOR": "Read the audit log and the hierarchy, but not the lists of secrets.",
        "OPERATOR": "All permissions.",
    },
)
RoleEnum: TypeAlias = Role

expose(
    Permission,
    "Permission",
    "What a principal can do on a holder and all below it. Roles are bundles of permissions.",
    {
        "SECRET_READ": "See secrets, but not values.",
        "SECRET_WRITE": "Create, change and delete secrets.",
        "SECRET_DELIVER": "Get the values of services.",
        "SECRET_PURGE": "Destroy the values of former versions of secrets.",
        "HIERARCHY_READ": "See projects, environments and services.",
        "HIERARCHY_WRITE": "Create, rename and delete projects, environments and services.",
        "ACCESS_MANAGE": "See and change tokens, users, grants and claim rules.",
        "AUDIT_READ": "Read the audit log.",
        "INSTANCE_WRITE": "Grant and revoke the role OPERATOR.",
    },
)
PermissionEnum: TypeAlias = Permission

expose(
    _ActorKind,
    "ActorKind",
    (
        "Who acted: an API token, a user, an identity that is not a user, the operator at the "
        "command line, or the gateway itself."
    ),
    {
        "TOKEN": "A program with an API token.",
        "USER": "A person authenticated by an OpenID Connect provider.",
        "IDENTITY": (
            "A subject of an OpenID Connect provider that is not registered as a user: claim rules "
            "give it its roles."
        ),
        "OPERATOR": "The person at the gateway's command line.",
        "SYSTEM": "The gateway itself.",
    },
)
ActorKind: TypeAlias = _ActorKind


class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


expose(
    OrderDirection,
    "OrderDirection",
    "The direction of a list's order.",
    {
        "ASC": "Ascending: A before B, old before new.",
        "DESC": "Descending: B before A, new before old.",
    },
)


class PlannedChange(StrEnum):
    EDIT = "EDIT"
    DELETE = "DELETE"


expose(
    PlannedChange,
    "PlannedChange",
    "A planned change to a secret.",
    {
        "EDIT": "The secret gets another value.",
        "DELETE": "The secret is deleted with its aliases and overrides.",
    },
)


expose(
    _OnUnresolved,
    "OnUnresolved",
    (
        "What a delivery does with a reference whose name the service does not have, or that leads "
        "into a cycle."
    ),
    {
        "KEEP": "Deliver the reference as text, as it is written.",
        "FAIL": (
            "Deliver nothing. The error REFERENCE_UNRESOLVED names the keys and their references."
        ),
    },
)
OnUnresolved: TypeAlias = _OnUnresolved

expose(
    _DeliveryFormat,
    "DeliveryFormat",
    "A text that the values of a service are written as.",
    {
        "JSON": "One JSON object.",
        "DOTENV": "A `.env` file.",
        "SHELL": "Commands for a POSIX shell.",
        "DOCKER": "An env-file of Docker. It cannot hold values with line ends.",
        "K8S": "The manifest of a Kubernetes Secret, of at most 1 MiB.",
    },
)
DeliveryFormat: TypeAlias = _DeliveryFormat


def _rest(code: ErrorCode, status: int) -> Any:  # noqa: ANN401 - what strawberry.enum_value returns
    return strawberry.enum_value(code, description=f"REST: {status}")


@strawberry.enum(description="Why a mutation failed. Each code corresponds to one REST status.")
class MutationErrorCode(Enum):
    BAD_USER_INPUT = _rest(ErrorCode.BAD_USER_INPUT, 400)
    SCOPE_VIOLATION = _rest(ErrorCode.SCOPE_VIOLATION, 400)
    ALIAS_OF_ALIAS = _rest(ErrorCode.ALIAS_OF_ALIAS, 400)
    NOT_OVERRIDABLE = _rest(ErrorCode.NOT_OVERRIDABLE, 400)
    READ_ONLY = _rest(ErrorCode.READ_ONLY, 403)
    NOT_FOUND = _rest(ErrorCode.NOT_FOUND, 404)
    CONFLICT = _rest(ErrorCode.CONFLICT, 409)
    IDEMPOTENCY_CONFLICT = _rest(ErrorCode.IDEMPOTENCY_CONFLICT, 409)
    TOKEN_ALREADY_SHOWN = _rest(ErrorCode.TOKEN_ALREADY_SHOWN, 409)
    VERSION_CONFLICT = _rest(ErrorCode.VERSION_CONFLICT, 412)
    VERSION_NOT_KEPT = _rest(ErrorCode.VERSION_NOT_KEPT, 410)
    NOT_EMPTY = _rest(ErrorCode.NOT_EMPTY, 409)
    SECRET_IN_USE = _rest(ErrorCode.SECRET_IN_USE, 409)
    QUOTA_EXCEEDED = _rest(ErrorCode.QUOTA_EXCEEDED, 409)
    DELIVERY_LIMIT_EXCEEDED = _rest(ErrorCode.DELIVERY_LIMIT_EXCEEDED, 409)
    REFERENCES_NOT_UPDATED = _rest(ErrorCode.REFERENCES_NOT_UPDATED, 409)
