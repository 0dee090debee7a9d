"""Declares the permission to read each root field and each type; a missing line fails the build.

A type's line applies wherever the type is reached from: its rows are judged by their holder, not by
the field that led to them. Mutations declare their permission where they are built.
`gateway/graphql/schema.py` enforces all of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.domain.permissions import Permission

# A container without data of its own: each object in it is judged by its own type's line.
CARRIES: Final = "carries"
# What a principal can read about itself, whatever its grants.
OWN: Final = "own"
Policy = Permission | str

_HIERARCHY: Final = Permission.HIERARCHY_READ
_SECRETS: Final = Permission.SECRET_READ
_DELIVERY: Final = Permission.SECRET_DELIVER
_ACCESS: Final = Permission.ACCESS_MANAGE
_AUDIT: Final = Permission.AUDIT_READ

FIELDS: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "Query.node": _HIERARCHY,
        "Query.nodes": _HIERARCHY,
        "Query.project": _HIERARCHY,
        "Query.projects": _HIERARCHY,
        "Query.environment": _HIERARCHY,
        "Query.service": _HIERARCHY,
        "Query.application": _HIERARCHY,
        "Query.container": _HIERARCHY,
        "Query.job": _HIERARCHY,
        "Query.helm": _HIERARCHY,
        "Query.terraform": _HIERARCHY,
        "Query.agenticWorkflow": _HIERARCHY,
        "Query.secret": _SECRETS,
        "Query.secrets": _SECRETS,
        "Query.deletedSecret": _SECRETS,
        "Query.secretVersions": _SECRETS,
        "Query.viewer": OWN,
        "Query.organization": OWN,
        # Sealed for the organization, and advanced only by changes in it.
        "Query.changeCursor": CARRIES,
        "Subscription.secretChanged": _SECRETS,
        "Subscription.effectiveSecretsChanged": _SECRETS,
        "Query.explainSecret": _SECRETS,
        "Query.runtimeSecrets": _DELIVERY,
        "Query.delivery": _DELIVERY,
        "Query.auditEvents": _AUDIT,
        "Query.apiTokens": _ACCESS,
        "Query.grants": _ACCESS,
        "Query.claimRules": _ACCESS,
        "Query.users": _ACCESS,
    }
)

TYPES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "Project": _HIERARCHY,
        "Environment": _HIERARCHY,
        "Application": _HIERARCHY,
        "Container": _HIERARCHY,
        "Job": _HIERARCHY,
        "Helm": _HIERARCHY,
        "Terraform": _HIERARCHY,
        "AgenticWorkflow": _HIERARCHY,
        "Secret": _SECRETS,
        "SecretAlias": _SECRETS,
        "SecretOverride": _SECRETS,
        "EffectiveSecret": _SECRETS,
        "SecretExplanation": _SECRETS,
        "SecretReference": _SECRETS,
        "SecretVersion": _SECRETS,
        "DeletedSecret": _SECRETS,
        "SecretChange": _SECRETS,
        "EffectiveSecretsChange": _SECRETS,
        "Delivery": _DELIVERY,
        "RuntimeSecret": _DELIVERY,
        "RuntimeFile": _DELIVERY,
        "AuditEvent": _AUDIT,
        "Operator": _AUDIT,
        "Identity": _AUDIT,
        "LastDelivery": _AUDIT,
        "ApiToken": _ACCESS,
        "ApiTokenCreator": _ACCESS,
        "RoleGrant": _ACCESS,
        "ClaimRule": _ACCESS,
        "ClaimCondition": _ACCESS,
        "User": _ACCESS,
        "Viewer": OWN,
        "ViewerClaimRule": OWN,
        "Organization": OWN,
        **dict.fromkeys(
            (
                "PageInfo",
                "ProjectConnection",
                "ProjectEdge",
                "EnvironmentConnection",
                "EnvironmentEdge",
                "ServiceConnection",
                "ServiceEdge",
                "SecretConnection",
                "SecretEdge",
                "SecretVersionConnection",
                "SecretVersionEdge",
                "DeletedSecretConnection",
                "DeletedSecretEdge",
                "RestoreSecretPayload",
                "PurgeVersionsPayload",
                "EffectiveSecretConnection",
                "EffectiveSecretEdge",
                "AuditEventConnection",
                "AuditEventEdge",
                "ApiTokenConnection",
                "ApiTokenEdge",
                "RoleGrantConnection",
                "RoleGrantEdge",
                "ClaimRuleConnection",
                "ClaimRuleEdge",
                "UserConnection",
                "UserEdge",
                "SecretPayload",
                "DeleteSecretPayload",
                "ImportSecretsPayload",
                "ImportedSecret",
                "MutationWarning",
                "HolderPayload",
                "DeleteHolderPayload",
                "CreateApiTokenPayload",
                "ApiTokenPayload",
                "EndApiTokenPayload",
                "RoleGrantPayload",
                "ClaimRulePayload",
                "UserPayload",
                "InputError",
                "NotFoundError",
                "ConflictError",
                "SecretKeyConflictError",
                "VersionConflictError",
                "HolderNotEmptyError",
                "SecretInUseError",
                "QuotaExceededError",
                "DeliveryLimitError",
                "MountPathConflictError",
                "ScopeViolationError",
                "AliasOfAliasError",
                "NotOverridableError",
                "ReferencesNotUpdatedError",
                "ReadOnlyError",
            ),
            CARRIES,
        ),
    }
)
