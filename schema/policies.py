"""What may be read, declared: a field of a root or a type without a line here fails the build.

A type's line holds wherever the type is reached from: its rows are judged by where they hang, not
by the field that led to them. Mutations declare their permission where they are made. All of it is
enforced in `schema/enforcement.py`.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from graphql import GraphQLObjectType, GraphQLSchema

from gateway.domain.permissions import Permission

# It has nothing of its own: each thing in it is judged by that thing's own line.
CARRIES: Final = "carries"
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
        # Sealed for the organization, and moved by what happens there only.
        "Query.changeCursor": CARRIES,
        "Subscription.secretChanged": _SECRETS,
        "Subscription.effectiveSecretsChanged": _SECRETS,
        "Query.explainSecret": _SECRETS,
        "Query.runtimeSecrets": _DELIVERY,
        "Query.auditEvents": _AUDIT,
        "Query.apiTokens": _ACCESS,
        "Query.grants": _ACCESS,
        "Query.users": _ACCESS,
    },
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
        "SecretChange": _SECRETS,
        "EffectiveSecretsChange": _SECRETS,
        "RuntimeSecret": _DELIVERY,
        "RuntimeFile": _DELIVERY,
        "AuditEvent": _AUDIT,
        "ApiToken": _ACCESS,
        "ApiTokenCreator": _ACCESS,
        "RoleGrant": _ACCESS,
        "User": _ACCESS,
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
                "EffectiveSecretConnection",
                "EffectiveSecretEdge",
                "AuditEventConnection",
                "AuditEventEdge",
                "ApiTokenConnection",
                "ApiTokenEdge",
                "RoleGrantConnection",
                "RoleGrantEdge",
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
                "RoleGrantPayload",
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
    },
)


class UndeclaredPolicy(Exception):
    """A schema tells something of which nobody said who may read it."""


def ensure_declared(schema: GraphQLSchema) -> None:
    """Refuse a schema with a readable field or a type that has no line.

    Raises:
        UndeclaredPolicy: naming all of them.

    """
    if undeclared := sorted({*_undeclared_fields(schema), *_undeclared_types(schema)}):
        raise UndeclaredPolicy(", ".join(undeclared))


def _undeclared_fields(schema: GraphQLSchema) -> Iterator[str]:
    for root in filter(None, (schema.query_type, schema.subscription_type)):
        for name in root.fields:
            if f"{root.name}.{name}" not in FIELDS:
                yield f"{root.name}.{name}"


def _undeclared_types(schema: GraphQLSchema) -> Iterator[str]:
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    for name, kind in schema.type_map.items():
        is_object = isinstance(kind, GraphQLObjectType) and not name.startswith("__")
        if is_object and kind not in roots and name not in TYPES:
            yield name
