"""The GraphQL documents that the command line sends; a test checks them against the schema."""

from typing import Final

_PAGE: Final = "pageInfo { hasNextPage endCursor }"
_HOLDER: Final = "holder { __typename id name }"
_SECRET: Final = f"""
    id key variableType scope version description mountPath createdAt updatedAt {_HOLDER}
    aliasedSecret {{ id key }} overriddenSecret {{ id key }}
"""
_OUTCOME: Final = "errors { code message path }"
_WARNED: Final = f"warnings {{ message path }} {_OUTCOME}"
_SERVICE: Final = "id name environment { id name project { id name } }"
_GRANTED: Final = "grants { role holder { __typename id name } }"
_ISSUED: Final = (
    f"id name createdAt expiresAt revokedAt lastUsedAt createdBy {{ kind id }} {_GRANTED}"
)
_GRANT: Final = f"id role tokenId userId granteeName {_HOLDER}"
_CLAIM_RULE: Final = f"id name issuer conditions {{ claim pattern }} role expiresAt {_HOLDER}"

# ------------------------------------------------------------------------------------- hierarchy

VIEWER: Final = "query Viewer { viewer { kind name organization { name } } }"
PROJECTS: Final = f"""
query Projects($after: String) {{
  projects(first: 100, after: $after) {{ edges {{ node {{ id name }} }} {_PAGE} }}
}}
"""
ENVIRONMENTS: Final = f"""
query Environments($projectId: ID!, $after: String) {{
  project(id: $projectId) {{
    environments(first: 100, after: $after) {{ edges {{ node {{ id name }} }} {_PAGE} }}
  }}
}}
"""
SERVICES: Final = f"""
query Services($environmentId: ID!, $after: String) {{
  environment(id: $environmentId) {{
    services(first: 100, after: $after) {{
      edges {{ node {{ __typename id name }} }} {_PAGE}
    }}
  }}
}}
"""
HOLDER: Final = """
query Holder($id: ID!) { node(id: $id) { __typename id ... on SecretHolder { name } } }
"""

_CHANGED_HOLDER: Final = f"holder {{ __typename id name }} {_OUTCOME}"
CREATE_PROJECT: Final = f"""
mutation CreateProject($name: String!) {{ createProject(name: $name) {{ {_CHANGED_HOLDER} }} }}
"""
CREATE_ENVIRONMENT: Final = f"""
mutation CreateEnvironment($projectId: ID!, $name: String!) {{
  createEnvironment(projectId: $projectId, name: $name) {{ {_CHANGED_HOLDER} }}
}}
"""
CREATE_SERVICE: Final = f"""
mutation CreateService($environmentId: ID!, $type: LinkedServiceTypeEnum!, $name: String!) {{
  createService(environmentId: $environmentId, type: $type, name: $name) {{ {_CHANGED_HOLDER} }}
}}
"""
RENAME_HOLDER: Final = f"""
mutation RenameHolder($holder: SecretHolderRef!, $name: String!) {{
  renameHolder(holder: $holder, name: $name) {{ {_CHANGED_HOLDER} }}
}}
"""
DELETE_HOLDER: Final = f"""
mutation DeleteHolder($holder: SecretHolderRef!, $withContent: Boolean, $dryRun: Boolean) {{
  deleteHolder(holder: $holder, withContent: $withContent, dryRun: $dryRun) {{
    deletedHolderIds {_OUTCOME}
  }}
}}
"""
CONTENTS: Final = """
query Contents($ids: [ID!]!) {
  nodes(ids: $ids) { __typename ... on SecretHolder { id name secrets(first: 1) { totalCount } } }
}
"""

# --------------------------------------------------------------------------------------- secrets

VISIBLE_SECRETS: Final = f"""
query VisibleSecrets($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on SecretHolder {{
      visibleSecrets(first: 100, after: $after) {{ edges {{ node {{ {_SECRET} }} }} {_PAGE} }}
    }}
  }}
}}
"""
OWN_SECRETS: Final = f"""
query OwnSecrets($id: ID!, $filter: SecretFilter, $after: String) {{
  node(id: $id) {{
    ... on SecretHolder {{
      secrets(first: 100, after: $after, filter: $filter) {{
        edges {{ node {{ {_SECRET} }} }} {_PAGE}
      }}
    }}
  }}
}}
"""
SEARCH: Final = f"""
query Search($filter: SecretSearch!, $after: String) {{
  secrets(first: 100, after: $after, filter: $filter) {{
    edges {{
      node {{
        {_SECRET}
        at: holder {{
          ... on Service {{ name environment {{ name project {{ name }} }} }}
          ... on Environment {{ name project {{ name }} }}
          ... on Project {{ name }}
        }}
      }}
    }}
    {_PAGE}
  }}
}}
"""
_OF_KEY: Final = (
    f"secrets(first: 1, filter: {{ keys: $keys }}) {{ edges {{ node {{ {_SECRET} }} }} }}"
)
SECRETS_OF_KEY: Final = f"""
query SecretsOfKey($id: ID!, $keys: [String!]!) {{
  node(id: $id) {{
    ... on Service {{
      effectiveSecrets(first: 1, filter: {{ keys: $keys }}) {{
        edges {{ node {{ secret {{ {_SECRET} }} shadows {{ {_SECRET} }} }} }}
      }}
    }}
    ... on Environment {{ {_OF_KEY} project {{ {_OF_KEY} }} }}
    ... on Project {{ {_OF_KEY} }}
  }}
}}
"""
CREATE_SECRET: Final = f"""
mutation CreateSecret($holder: SecretHolderRef!, $input: SecretInput!, $dryRun: Boolean) {{
  createSecret(holder: $holder, input: $input, dryRun: $dryRun) {{
    secret {{ {_SECRET} }} {_WARNED}
  }}
}}
"""
EDIT_SECRET: Final = f"""
mutation EditSecret(
  $id: ID!, $input: SecretEditInput!, $version: Int, $updateReferences: Boolean, $dryRun: Boolean
) {{
  editSecret(
    secretId: $id, input: $input, expectedVersion: $version, updateReferences: $updateReferences,
    dryRun: $dryRun
  ) {{ secret {{ {_SECRET} }} {_WARNED} }}
}}
"""
CREATE_ALIAS: Final = f"""
mutation CreateAlias(
  $holder: SecretHolderRef!, $id: ID!, $input: SecretAliasInput!, $dryRun: Boolean
) {{
  createSecretAlias(holder: $holder, secretId: $id, input: $input, dryRun: $dryRun) {{
    secret {{ {_SECRET} }} {_WARNED}
  }}
}}
"""
CREATE_OVERRIDE: Final = f"""
mutation CreateOverride(
  $holder: SecretHolderRef!, $id: ID!, $input: SecretOverrideInput!, $dryRun: Boolean
) {{
  createSecretOverride(holder: $holder, secretId: $id, input: $input, dryRun: $dryRun) {{
    secret {{ {_SECRET} }} {_WARNED}
  }}
}}
"""
DELETE_SECRET: Final = f"""
mutation DeleteSecret($id: ID!, $version: Int, $withDependents: Boolean, $dryRun: Boolean) {{
  deleteSecret(
    secretId: $id, expectedVersion: $version, withDependents: $withDependents, dryRun: $dryRun
  ) {{ deletedSecretIds {_WARNED} }}
}}
"""
_AUTHOR: Final = (
    "{ ... on ApiToken { name } ... on User { displayName } ... on Identity { subject } "
    "... on Operator { name } }"
)
VERSIONS: Final = f"""
query Versions($id: ID!, $after: String) {{
  secretVersions(id: $id, first: 100, after: $after) {{
    edges {{
      node {{
        version key description isNewValue isValueKept at endedHow face by {_AUTHOR}
      }}
    }}
    {_PAGE}
  }}
}}
"""
DELETED_SECRETS: Final = f"""
query DeletedSecrets($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on SecretHolder {{
      deletedSecrets(first: 100, after: $after) {{
        edges {{
          node {{ id key variableType version isValueKept deletedAt deletedBy {_AUTHOR} }}
        }}
        {_PAGE}
      }}
    }}
  }}
}}
"""
ROLLBACK_SECRET: Final = f"""
mutation RollbackSecret($id: ID!, $toVersion: Int!, $version: Int, $dryRun: Boolean) {{
  rollbackSecret(
    secretId: $id, toVersion: $toVersion, expectedVersion: $version, dryRun: $dryRun
  ) {{ secret {{ {_SECRET} }} {_WARNED} }}
}}
"""
RESTORE_SECRET: Final = f"""
mutation RestoreSecret($id: ID!, $version: Int, $dryRun: Boolean) {{
  restoreSecret(secretId: $id, expectedVersion: $version, dryRun: $dryRun) {{
    secret {{ {_SECRET} }} alsoRestored {{ {_SECRET} }} {_WARNED}
  }}
}}
"""
PURGE_VERSIONS: Final = f"""
mutation PurgeVersions($id: ID!, $dryRun: Boolean) {{
  purgeSecretVersions(secretId: $id, dryRun: $dryRun) {{ purgedCount {_OUTCOME} }}
}}
"""
IMPORT_SECRETS: Final = f"""
mutation ImportSecrets(
  $holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!, $overwrite: Boolean!, $dryRun: Boolean
) {{
  importSecrets(holder: $holder, secrets: $secrets, overwrite: $overwrite, dryRun: $dryRun) {{
    rows {{ action secret {{ id }} }} {_HOLDER} {_WARNED}
  }}
}}
"""

# -------------------------------------------------------------------------- what a service gets

DELIVERY: Final = """
query Delivery($serviceId: ID!, $keys: [String!], $onUnresolved: OnUnresolved!) {
  runtimeSecrets(serviceId: $serviceId, keys: $keys, onUnresolved: $onUnresolved) {
    key value file { mountPath content }
  }
}
"""
FINGERPRINTS: Final = """
query Fingerprints($serviceId: ID!) {
  service(id: $serviceId) { environment { project { id } } }
  runtimeSecrets(serviceId: $serviceId) { key fingerprint }
}
"""
DELIVERY_IF_CHANGED: Final = """
query DeliveryIfChanged($serviceId: ID!, $onUnresolved: OnUnresolved!, $tag: String) {
  delivery(serviceId: $serviceId, onUnresolved: $onUnresolved, ifNoneMatch: $tag) {
    fingerprint isUnchanged secrets { key value file { mountPath content } }
  }
}
"""
_EXPLAINED: Final = f"id key variableType scope {_HOLDER}"
EXPLANATION: Final = f"""
query Explanation($serviceId: ID!, $key: String!) {{
  service(id: $serviceId) {{ __typename id name }}
  explainSecret(serviceId: $serviceId, key: $key) {{
    key absence rule
    effective {{
      provenance
      secret {{ {_EXPLAINED} }} shadows {{ {_EXPLAINED} }} resolvesTo {{ id key variableType }}
    }}
    elsewhere {{ {_EXPLAINED} }}
    references {{ key isResolved resolvesTo {{ id key }} }}
  }}
}}
"""
IMPACT: Final = f"""
query Impact($id: ID!, $of: PlannedChange!, $after: String) {{
  secret(id: $id) {{
    impact(of: $of, first: 100, after: $after) {{
      edges {{ node {{ __typename {_SERVICE} }} }} {_PAGE}
    }}
  }}
}}
"""
DEPENDENTS: Final = f"""
query Dependents($id: ID!, $after: String) {{
  secret(id: $id) {{
    dependents(first: 100, after: $after) {{ edges {{ node {{ {_EXPLAINED} }} }} {_PAGE} }}
  }}
}}
"""
EFFECTIVE_CHANGES: Final = """
subscription EffectiveChanges($serviceId: ID!) {
  effectiveSecretsChanged(serviceId: $serviceId) { at keys hasMoreKeys }
}
"""

# ---------------------------------------------------------------------------------------- access

TOKENS: Final = f"""
query Tokens($after: String) {{
  apiTokens(first: 100, after: $after) {{ edges {{ node {{ {_ISSUED} }} }} {_PAGE} }}
}}
"""
CREATE_TOKEN: Final = f"""
mutation CreateToken($name: String!, $role: Role!, $holder: SecretHolderRef, $days: Int) {{
  createApiToken(name: $name, role: $role, holder: $holder, days: $days) {{
    token apiToken {{ id createdAt expiresAt }} {_OUTCOME}
  }}
}}
"""
REVOKE_TOKEN: Final = f"""
mutation RevokeToken($id: ID!, $keepCreated: Boolean, $dryRun: Boolean) {{
  revokeApiToken(tokenId: $id, keepCreated: $keepCreated, dryRun: $dryRun) {{
    apiToken {{ id name }} alsoRevoked {{ id name }} {_OUTCOME}
  }}
}}
"""
END_TOKEN: Final = f"""
mutation EndToken($id: ID!, $at: DateTime!, $keepCreated: Boolean, $dryRun: Boolean) {{
  endApiToken(tokenId: $id, at: $at, keepCreated: $keepCreated, dryRun: $dryRun) {{
    apiToken {{ id name expiresAt }} alsoEnded {{ id name }} {_OUTCOME}
  }}
}}
"""
USERS: Final = f"""
query Users($after: String) {{
  users(first: 100, after: $after) {{
    edges {{ node {{ id displayName issuer subject createdAt }} }} {_PAGE}
  }}
}}
"""
REGISTER_USER: Final = f"""
mutation RegisterUser($issuer: String!, $subject: String!, $name: String!) {{
  registerUser(issuer: $issuer, subject: $subject, displayName: $name) {{
    user {{ id displayName }} {_OUTCOME}
  }}
}}
"""
REMOVE_USER: Final = f"""
mutation RemoveUser($id: ID!, $keepCreated: Boolean, $dryRun: Boolean) {{
  removeUser(userId: $id, keepCreated: $keepCreated, dryRun: $dryRun) {{
    user {{ id }} revokedTokens {{ id name }} {_OUTCOME}
  }}
}}
"""
GRANTS: Final = f"""
query Grants($after: String) {{
  grants(first: 100, after: $after) {{ edges {{ node {{ {_GRANT} }} }} {_PAGE} }}
}}
"""
GRANT_ROLE: Final = f"""
mutation GrantRole($grantee: GranteeRef!, $role: Role!, $holder: SecretHolderRef) {{
  grantRole(grantee: $grantee, role: $role, holder: $holder) {{ grant {{ {_GRANT} }} {_OUTCOME} }}
}}
"""
REVOKE_ROLE: Final = f"""
mutation RevokeRole($id: ID!) {{ revokeRole(grantId: $id) {{ grant {{ id }} {_OUTCOME} }} }}
"""
CLAIM_RULES: Final = f"""
query ClaimRules($after: String) {{
  claimRules(first: 100, after: $after) {{ edges {{ node {{ {_CLAIM_RULE} }} }} {_PAGE} }}
}}
"""
CREATE_CLAIM_RULE: Final = f"""
mutation CreateClaimRule(
  $name: String!, $issuer: String!, $conditions: [ClaimConditionInput!]!, $role: Role!,
  $holder: SecretHolderRef, $days: Int
) {{
  createClaimRule(
    name: $name, issuer: $issuer, conditions: $conditions, role: $role, holder: $holder, days: $days
  ) {{ claimRule {{ {_CLAIM_RULE} }} {_OUTCOME} }}
}}
"""
DELETE_CLAIM_RULE: Final = f"""
mutation DeleteClaimRule($id: ID!) {{
  deleteClaimRule(claimRuleId: $id) {{ claimRule {{ id }} {_OUTCOME} }}
}}
"""

# ------------------------------------------------------------------------------------- audit log

AUDIT: Final = f"""
query Audit($first: Int!, $after: String, $filter: AuditFilter!) {{
  auditEvents(first: $first, after: $after, filter: $filter) {{
    edges {{
      node {{
        id at action actorKind actorId face requestId subject subjectId holderId key details
      }}
    }}
    {_PAGE}
  }}
}}
"""
NAMES: Final = """
query Names($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on SecretHolder { id name } } }
"""
