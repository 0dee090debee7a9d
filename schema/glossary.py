"""Words for what says nothing of itself where it is defined: what many places share, and enums.

The domain's enumerations know no GraphQL, and an id is an id wherever it stands. A name alone is
for every type that has it; with a type before it, for that type.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WHOLE: Final = (
    "**Secrets** live at a **holder**: a project, an environment of it, or a service that runs "
    "there. A service sees its own, its environment's, its project's, and the **built-in** ones of "
    "the platform. Under one key, the narrowest scope wins. An **alias** gives a secret a second "
    "key and follows its target; an **override** gives a key of a wider scope another value, from "
    "there on. Values are written here and never read: they leave through `runtimeSecrets` only."
)

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "Its UUID, as in the paths of the REST API.",
        "name": "What people call it; unique among its kind where it is.",
        "code": "What stood in the way, for programs: never renamed.",
        "errors": "Why nothing was written; empty where it was.",
        "holder": "Where it was written: select it, and a client's cache is up to date.",
        "createdAt": "When it was made.",
        # Pages.
        "edges": "The entries of this page, in the list's order.",
        "node": "The entry itself.",
        "cursor": "Where the entry stands in the list: give it as `after` or `before`.",
        "pageInfo": "Whether there is more, and where to go on.",
        "PageInfo.hasNextPage": "Whether there is more after this page.",
        "PageInfo.hasPreviousPage": "Whether there is more before this page.",
        "PageInfo.startCursor": "The first entry's cursor: give it as `before`.",
        "PageInfo.endCursor": "The last entry's cursor: give it as `after`.",
        # Secrets.
        "key": "The name under which a service gets the value, as an environment variable.",
        "scope": "What kind of place it lives at.",
        "variableType": "What kind of secret it is.",
        "description": "What it is for, in its author's words.",
        "enableInterpolationInFile": (
            "Whether keys in double braces in a file's content are replaced when it is delivered."
        ),
        "Secret.createdAt": "When it was first written.",
        "Secret.updatedAt": "When it was last changed.",
        "Secret.serviceName": "The name of that service.",
        "Secret.serviceType": "The kind of that service.",
        "Secret.organizationId": "The organization that it belongs to.",
        "Secret.projectId": "The project that it lives in.",
        "EffectiveSecret.provenance": "How the service comes by the key.",
        "SecretExplanation.key": "The key that was asked about.",
        "SecretPayload.secret": "The secret as it is now; null if it was not written.",
        "ImportedSecret.action": "What became of the row.",
        "RuntimeFile.mountPath": "Where the file is in the service's file system.",
        "RuntimeFile.content": "What is in it, references resolved where that is enabled.",
        "RuntimeSecret.file": "The file itself, of a FILE or an alias of one.",
        # Outcomes.
        "HolderPayload.holder": "The holder as it is now; null if it was not written.",
        "DeleteSecretPayload.holder": "Where the secret was defined.",
        "DeleteHolderPayload.deletedHolderIds": "The holder, and what was below it.",
        "DeleteHolderPayload.deletedSecretIds": "The secrets which went with them.",
        "NotFoundError.missingId": "The id that was asked for.",
        "NotOverridableError.variableType": "What kind of secret the target is.",
        "ReadOnlyError.scope": "Where the secret lives.",
        "VersionConflictError.expectedVersion": "The version that was asked for.",
        "VersionConflictError.actualVersion": "The version that the secret has.",
        # Who may do what.
        "ApiToken.name": "What it is for, in its maker's words.",
        "ApiToken.revokedAt": "Since when it is refused; null where it is not.",
        "apiToken": "What is known of the token; null if nothing was written.",
        "grant": "The role at a place; null if nothing was written.",
        "RoleGrant.role": "What may be done there.",
        "RoleGrant.granteeName": "The name of the token or the user.",
        "UserPayload.user": "The user; null if nothing was written.",
        "User.issuer": "The OpenID Connect provider that vouches for them.",
        "User.subject": "Who they are there: the claim `sub` of their access tokens.",
        "User.displayName": "What people call them.",
        # The audit trail.
        "AuditEvent.at": "When it was done.",
        "AuditEvent.action": "What was done.",
        "AuditEvent.actorKind": "What kind of caller did it.",
        "AuditEvent.face": "Through what they came in.",
        "AuditEvent.subject": "What kind of thing it was done to.",
        "AuditEvent.subjectId": "The thing's id, which it keeps here when it is gone.",
        "AuditEvent.projectId": "The project that the thing is in, if it is in one.",
    },
)

INPUTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "Its UUID.",
        "ids": "Their UUIDs.",
        "projectId": "A project, by its UUID.",
        "environmentId": "An environment, by its UUID.",
        "applicationId": "An application, by its UUID.",
        "containerId": "A container, by its UUID.",
        "jobId": "A job, by its UUID.",
        "helmId": "A Helm chart, by its UUID.",
        "terraformId": "A Terraform stack, by its UUID.",
        "agenticWorkflowId": "An agentic workflow, by its UUID.",
        "serviceId": "A service of any kind, by its UUID.",
        "secretId": "The secret; for an alias or an override, what it refers to.",
        "tokenId": "An API token, by its UUID.",
        "userId": "A user, by their UUID.",
        "grantId": "The grant, by its UUID.",
        "holder": "The project, the environment or the service.",
        "input": "What to write.",
        "filter": "Only what matches; all if left out.",
        "orderBy": "In which order; by key if left out.",
        "enableInterpolationInFile": (
            "Whether keys in double braces in a file's content are replaced when it is delivered."
        ),
        "name": "What people call it; unique among its kind where it is.",
        "role": "What may be done there.",
        "grantee": "The token or the user.",
        "Query.explainSecret.key": "Case-sensitive; it need not be there.",
        "Environment.services.types": "Only these kinds; all if left out.",
        "Secret.impact.of": "What is going to be done to the secret.",
        "Mutation.importSecrets.secrets": "One row a secret.",
        "Mutation.importSecrets.overwrite": "Whether keys that the holder has get the new values.",
        "Mutation.createService.type": "Which kind of service.",
        "Mutation.rotateProvidedSecret.value": "The next value, at most 64 KiB of UTF-8.",
        "Mutation.createApiToken.name": "What it is for.",
        "Mutation.registerUser.issuer": "The OpenID Connect provider, as it names itself.",
        "Mutation.registerUser.subject": "Who they are there: the claim `sub`.",
        "Mutation.registerUser.displayName": "What to call them.",
        "AuditFilter.actorId": "By whom: the id of a token or a user.",
        "AuditFilter.actions": "Any of these.",
        "SecretFilter.keys": "Any of these keys.",
        "SecretFilter.scopes": "At any of these kinds of place.",
        "SecretFilter.variableTypes": "Of any of these kinds.",
        "SecretOrder.field": "By what.",
        "SecretOrder.direction": "Which way.",
        "ProvidedSecretInput.key": "The name under which services get the value.",
        "ProvidedSecretInput.value": "At most 64 KiB of UTF-8.",
        "ProvidedSecretInput.source": "The service it comes from; for a BUILT_IN only.",
        "ProvidedSecretInput.description": "What it is for, at most 255 characters.",
        "ServiceReferenceInput.id": "The service's UUID at the platform.",
        "ServiceReferenceInput.name": "The service's name there.",
        "ServiceReferenceInput.type": "Which kind of service it is.",
    },
)
