"""Descriptions for the parts of the schema that are defined without one.

Many types share fields such as `id`. A bare name describes that field in every type; a name with a
type before it (`Type.field`) describes that type's field only.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WHOLE: Final = (
    "A **secret** belongs to a **holder**: a project, an environment of a project, or a service in "
    "an environment. A service sees its own secrets, those of its environment and its project, and "
    "the **built-in** secrets of the platform. If several have the same key, the one with the "
    "narrowest scope wins. An **alias** gives a secret a second key and follows its target. An "
    "**override** gives the key of a wider scope another value, for its holder and all below it. "
    "You can write values but not read them: only `runtimeSecrets` returns them."
)

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "The UUID, the same as in the paths of the REST API.",
        "name": "The display name, unique among siblings of the same kind.",
        "code": "The error code, for programs. Codes are never renamed.",
        "errors": "Why nothing was written; empty on success.",
        "holder": "The holder that was written to. Select it to update a client's cache.",
        "createdAt": "When it was created.",
        # Pages.
        "edges": "The entries of this page, in list order.",
        "node": "The entry itself.",
        "cursor": "The position of the entry in the list. Pass it as `after` or `before`.",
        "pageInfo": "Whether there are more entries, and the cursors to continue from.",
        "PageInfo.hasNextPage": "Whether there are entries after this page.",
        "PageInfo.hasPreviousPage": "Whether there are entries before this page.",
        "PageInfo.startCursor": "The cursor of the first entry. Pass it as `before`.",
        "PageInfo.endCursor": "The cursor of the last entry. Pass it as `after`.",
        # Secrets.
        "key": "The name of the environment variable that delivers the value.",
        "scope": "The scope that the secret belongs to.",
        "variableType": "The kind of secret.",
        "description": "What the secret is for, in its author's words.",
        "enableInterpolationInFile": (
            "Whether a delivery replaces keys in double braces in a file's content."
        ),
        "Secret.createdAt": "When the secret was created.",
        "Secret.updatedAt": "When the secret was last changed.",
        "Secret.serviceName": "The name of the service in `serviceId`.",
        "Secret.serviceType": "The kind of the service in `serviceId`.",
        "Secret.organizationId": "The organization that the secret belongs to.",
        "Secret.projectId": "The project that the secret belongs to.",
        "EffectiveSecret.provenance": "How the service gets the key.",
        "SecretExplanation.key": "The requested key.",
        "SecretPayload.secret": "The secret as it is now; null if nothing was written.",
        "ImportedSecret.action": "What the import did with the row.",
        "RuntimeFile.mountPath": "The path of the file in the service's file system.",
        "RuntimeFile.content": "The content, with references resolved if interpolation is enabled.",
        "RuntimeSecret.file": "The file; set for a FILE and for an alias of a FILE.",
        # Outcomes.
        "HolderPayload.holder": "The holder as it is now; null if nothing was written.",
        "DeleteSecretPayload.holder": "The holder that the secret was defined at.",
        "DeleteHolderPayload.deletedHolderIds": (
            "The ids of the holder and of all holders below it."
        ),
        "DeleteHolderPayload.deletedSecretIds": (
            "The ids of the secrets that were deleted with them."
        ),
        "NotFoundError.missingId": "The requested id.",
        "NotOverridableError.variableType": "The type of the target.",
        "ReadOnlyError.scope": "The scope that the secret belongs to.",
        "VersionConflictError.expectedVersion": "The version that the request expects.",
        "VersionConflictError.actualVersion": "The version that the secret has now.",
        # Access.
        "ApiToken.name": "What the token is for, in its creator's words.",
        "ApiToken.revokedAt": "When the token was revoked; null if it is not revoked.",
        "apiToken": "The token without its text; null if nothing was written.",
        "grant": "The granted role; null if nothing was written.",
        "RoleGrant.role": "The granted role.",
        "RoleGrant.granteeName": "The name of the token or the user.",
        "UserPayload.user": "The user; null if nothing was written.",
        "User.issuer": "The OpenID Connect provider that authenticates the user.",
        "User.subject": "The user's id at the provider: the claim `sub` of their access tokens.",
        "User.displayName": "The display name.",
        # The audit log.
        "AuditEvent.at": "When it happened.",
        "AuditEvent.action": "What happened.",
        "AuditEvent.actorKind": "The kind of principal that acted.",
        "AuditEvent.face": "The interface that the actor used.",
        "AuditEvent.subject": "The kind of object that was acted on.",
        "AuditEvent.subjectId": "The object's id. The entry keeps it after the object is deleted.",
        "AuditEvent.projectId": "The project of the object, if it has one.",
    },
)

INPUTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "The UUID.",
        "ids": "The UUIDs.",
        "projectId": "The UUID of a project.",
        "environmentId": "The UUID of an environment.",
        "applicationId": "The UUID of an application.",
        "containerId": "The UUID of a container.",
        "jobId": "The UUID of a job.",
        "helmId": "The UUID of a Helm chart.",
        "terraformId": "The UUID of a Terraform stack.",
        "agenticWorkflowId": "The UUID of an agentic workflow.",
        "serviceId": "The UUID of a service of any kind.",
        "secretId": "The UUID of the secret; for a new alias or override, of its target.",
        "tokenId": "The UUID of an API token.",
        "userId": "The UUID of a user.",
        "grantId": "The UUID of the grant.",
        "holder": "The project, the environment or the service.",
        "input": "The data to write.",
        "filter": "Which entries to return; all if omitted.",
        "orderBy": "The order of the entries; by key if omitted.",
        "enableInterpolationInFile": (
            "Whether a delivery replaces keys in double braces in a file's content."
        ),
        "name": "The display name, unique among siblings of the same kind.",
        "role": "The role to grant.",
        "grantee": "The API token or the user.",
        "Query.explainSecret.key": (
            "The key to explain, case-sensitive. The service does not need to have it."
        ),
        "Environment.services.types": "The kinds of service to return; all if omitted.",
        "Secret.impact.of": "The planned change to the secret.",
        "Mutation.importSecrets.secrets": "The secrets to import, one per row.",
        "Mutation.importSecrets.overwrite": (
            "Whether to replace the values of keys that the holder already has."
        ),
        "Mutation.createService.type": "The kind of service.",
        "Mutation.rotateProvidedSecret.value": "The new value, at most 64 KiB of UTF-8.",
        "Mutation.createApiToken.name": "What the token is for.",
        "Mutation.registerUser.issuer": "The issuer identifier of the OpenID Connect provider.",
        "Mutation.registerUser.subject": "The user's id at the provider: the claim `sub`.",
        "Mutation.registerUser.displayName": "The display name.",
        "AuditFilter.actorId": "The id of the token or the user who acted.",
        "AuditFilter.actions": "Any of these actions.",
        "SecretFilter.keys": "Any of these keys.",
        "SecretFilter.scopes": "Any of these scopes.",
        "SecretFilter.variableTypes": "Any of these types.",
        "SecretOrder.field": "The field to order by.",
        "SecretOrder.direction": "The direction of the order.",
        "ProvidedSecretInput.key": "The name of the environment variable that delivers the value.",
        "ProvidedSecretInput.value": "The value, at most 64 KiB of UTF-8.",
        "ProvidedSecretInput.source": (
            "The service that the secret comes from; for a BUILT_IN only."
        ),
        "ProvidedSecretInput.description": "What the secret is for, at most 255 characters.",
        "ServiceReferenceInput.id": "The service's UUID on the platform.",
        "ServiceReferenceInput.name": "The service's name on the platform.",
        "ServiceReferenceInput.type": "The kind of service.",
    },
)
