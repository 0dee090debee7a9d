"""Descriptions of enum members. The enums belong to the domain, which does not know GraphQL."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ENUMS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "APIVariableScopeEnum": {
            "BUILT_IN": (
                "The platform. The secret is visible from the holder it is registered for, and "
                "below."
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
        "APIVariableTypeEnum": {
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
        "LinkedServiceTypeEnum": {
            "APPLICATION": "A service built from source.",
            "CONTAINER": "A service run from an image.",
            "DATABASE": "A managed database. Built-in secrets come from it; it holds no secrets.",
            "JOB": "A service that runs to completion, on an event or a schedule.",
            "HELM": "A Helm chart.",
            "TERRAFORM": "A Terraform stack.",
            "AGENTIC_WORKFLOW": "An agentic workflow.",
        },
        "SecretProvenance": {
            "OWN": "Defined on the service itself.",
            "INHERITED": "Defined on a wider scope and visible unchanged.",
            "OVERRIDE": "Defined on a narrower scope than the secret that it replaces.",
            "ALIAS": "An alias: another secret under a second key.",
        },
        "SecretAbsence": {
            "NEVER_DEFINED": "No holder has the key.",
            "ON_A_SIBLING": "Only another service of the same environment has it.",
            "IN_ANOTHER_ENVIRONMENT": "Only another environment of the same project has it.",
            "IN_ANOTHER_PROJECT": "Only another project has it.",
        },
        "PlannedChange": {
            "EDIT": "The secret gets another value.",
            "DELETE": "The secret is deleted with its aliases and overrides.",
        },
        "MutationWarningCode": {
            "REFERENCE_UNKNOWN": (
                "The value refers to a name that no secret in the holder's chain or below it has."
            ),
            "REFERENCE_BROKEN": "References in other values no longer resolve.",
            "VALUE_EMPTIED": "A value that was not empty is now empty.",
        },
        "SecretChangeKind": {
            "CREATED": "The secret was created.",
            "UPDATED": "The secret's value, key or metadata was changed.",
            "DELETED": "The secret was deleted.",
        },
        "SecretOrderField": {
            "KEY": "By key.",
            "CREATED_AT": "By time of creation.",
            "UPDATED_AT": "By time of the last change.",
            "SCOPE": "By scope, widest first; targets before their aliases and overrides.",
        },
        "OrderDirection": {
            "ASC": "Ascending: A before B, old before new.",
            "DESC": "Descending: B before A, new before old.",
        },
        "ImportAction": {
            "CREATED": "The key was new: a secret was created.",
            "UPDATED": "The holder had the key: the secret has the new value.",
            "OVERRIDDEN": "A wider scope had the key: an override was created.",
            "SKIPPED": "The holder had the key, and `overwrite` was false.",
            "FAILED": "The row was not written; `errors` says why.",
        },
        "Role": {
            "VIEWER": "See the hierarchy and the secrets, but not values.",
            "EDITOR": "See the hierarchy and the secrets, but not values; write secrets.",
            "RUNTIME": "Get the values of services, and nothing else.",
            "ADMIN": "Write secrets, get values, change the hierarchy and manage access.",
            "AUDITOR": "Read the audit log and the hierarchy, but not the lists of secrets.",
            "OPERATOR": "All permissions.",
        },
        "ActorKind": {
            "TOKEN": "A program with an API token.",
            "USER": "A person authenticated by an OpenID Connect provider.",
            "OPERATOR": "The person at the gateway's command line.",
            "SYSTEM": "The gateway itself.",
        },
        "AuditFace": {
            "GRAPHQL": "The GraphQL API.",
            "REST": "The REST API.",
            "CLI": "The command line.",
            "NONE": "No interface: the gateway acted by itself.",
        },
        "AuditSubject": {
            "SECRET": "A secret.",
            "HOLDER": "A project, an environment or a service.",
            "ORGANIZATION": "An organization.",
            "TOKEN": "An API token.",
            "USER": "A user.",
            "GRANT": "A role that a token or a user has on a holder or in the organization.",
            "DATA_KEY": "A data key, which encrypts values.",
            "INSTANCE": "The gateway as a whole.",
        },
        "AuditAction": {
            "VALUES_DELIVERED": "A service's values were delivered.",
            "SECRET_CREATED": "A secret, an alias or an override was created.",
            "SECRET_CHANGED": "A secret, an alias or an override was edited.",
            "SECRET_DELETED": "A secret, an alias or an override was deleted.",
            "HOLDER_CREATED": "A project, an environment or a service was created.",
            "HOLDER_CHANGED": "A project, an environment or a service was renamed.",
            "HOLDER_DELETED": "A project, an environment or a service was deleted.",
            "ORGANIZATION_CREATED": "An organization was created.",
            "ORGANIZATION_CHANGED": "An organization was renamed.",
            "ORGANIZATION_DELETED": "An organization was deleted with all its content.",
            "TOKEN_CREATED": "An API token was created.",
            "TOKEN_CHANGED": "An API token was revoked, or otherwise changed.",
            "TOKEN_DELETED": "An API token was deleted.",
            "USER_CREATED": "A user was registered.",
            "USER_CHANGED": "A user's data was changed.",
            "USER_DELETED": "A user was removed.",
            "GRANT_CREATED": "A role was granted.",
            "GRANT_CHANGED": "A grant was changed.",
            "GRANT_DELETED": "A role was revoked.",
            "DATA_KEY_CREATED": "A data key was created.",
            "DATA_KEY_CHANGED": "A data key was retired or wrapped again.",
            "DATA_KEY_DELETED": "A data key was destroyed; the values that it encrypted are lost.",
            "INTEGRITY_ALARM": "A row was not as the gateway had written it.",
            "REFERENCES_READ": (
                "Values written before an upgrade were read to find their references."
            ),
            "AUDIT_BEGUN": "The audit log begins here.",
            "AUDIT_PRUNED": "Entries older than the retention period were removed.",
            "AUDIT_ACKNOWLEDGED": "An operator accepted the database's current state as correct.",
        },
    },
)
