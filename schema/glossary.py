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
        "errors": "Why nothing was written; empty on success.",
        "holder": "The holder that was written to. Select it to update a client's cache.",
        "SecretPayload.secret": "The secret as it is now; null if nothing was written.",
        "ImportedSecret.action": "What the import did with the row.",
        "HolderPayload.holder": "The holder as it is now; null if nothing was written.",
        "DeleteSecretPayload.holder": "The holder that the secret was defined at.",
        "DeleteHolderPayload.deletedHolderIds": (
            "The ids of the holder and of all holders below it."
        ),
        "DeleteHolderPayload.deletedSecretIds": (
            "The ids of the secrets that were deleted with them."
        ),
        "apiToken": "The token without its text; null if nothing was written.",
        "grant": "The granted role; null if nothing was written.",
        "UserPayload.user": "The user; null if nothing was written.",
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
        "serviceId": "The UUID of a service of any kind.",
        "secretId": "The UUID of the secret; for a new alias or override, of its target.",
        "tokenId": "The UUID of an API token.",
        "userId": "The UUID of a user.",
        "grantId": "The UUID of the grant.",
        "holder": "The project, the environment or the service.",
        "input": "The data to write.",
        "filter": "Which entries to return; all if omitted.",
        "name": "The display name, unique among siblings of the same kind.",
        "role": "The role to grant.",
        "grantee": "The API token or the user.",
        "Query.explainSecret.key": (
            "The key to explain, case-sensitive. The service does not need to have it."
        ),
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
    },
)
