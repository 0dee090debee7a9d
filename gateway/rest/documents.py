"""The GraphQL documents behind the REST paths.

GraphQL aliases and variable names use the wire format's snake_case, so no code converts names: a
body field becomes the variable of the same name, and a selection's alias becomes a response field.
"""

from collections.abc import Mapping
from typing import Final

_REFERENCE_FIELDS: Final = """
  id key scope description
  mount_path: mountPath
  variable_type: variableType
  enable_interpolation_in_file: enableInterpolationInFile
"""

_OWN_FIELDS: Final = """
  id key scope description
  variable_type: variableType
  enable_interpolation_in_file: enableInterpolationInFile
  owned_by: ownedBy
  created_at: createdAt
  updated_at: updatedAt
  service_id: serviceId
  service_name: serviceName
  service_type: serviceType
"""

SECRET_FRAGMENT: Final = f"""
fragment Row on Secret {{
  {_OWN_FIELDS}
  aliased_secret: aliasedSecret {{ {_REFERENCE_FIELDS} }}
  overridden_secret: overriddenSecret {{ {_REFERENCE_FIELDS} }}
}}
"""

VARIABLE_FRAGMENT: Final = f"""
fragment Row on Secret {{
  {_OWN_FIELDS}
  mount_path: mountPath
  aliased_variable: aliasedSecret {{ {_REFERENCE_FIELDS} }}
  overridden_variable: overriddenSecret {{ {_REFERENCE_FIELDS} }}
}}
"""

ERROR_FRAGMENT: Final = """
fragment Refusal on MutationError {
  code message
  ... on SecretKeyConflictError {
    existing_variable: existing {
      id key scope
      organization_id: organizationId
      project_id: projectId
      environment_id: environmentId
      service_id: serviceId
    }
    key
    organization_id: organizationId
    project_id: projectId
    environment_id: environmentId
    service_id: serviceId
  }
}
"""

# Wire name → input field and type.
Fields = Mapping[str, tuple[str, str]]

_COMMON: Final[Fields] = {
    "description": ("description", "String"),
    "enable_interpolation_in_file": ("enableInterpolationInFile", "Boolean"),
}
NO_FIELDS: Final[Fields] = {}
SECRET_FIELDS: Final[Fields] = {
    "key": ("key", "String!"),
    "value": ("value", "String"),
    "mount_path": ("mountPath", "String"),
    **_COMMON,
}
EDIT_FIELDS: Final[Fields] = {"key": ("key", "String!"), "value": ("value", "String"), **_COMMON}
OVERRIDE_FIELDS: Final[Fields] = {"value": ("value", "String"), **_COMMON}
ALIAS_FIELDS: Final[Fields] = {"key": ("key", "String!"), **_COMMON}
# The newer family requires the value.
VARIABLE_FIELDS: Final[Fields] = {**SECRET_FIELDS, "value": ("value", "String!")}
VARIABLE_OVERRIDE_FIELDS: Final[Fields] = {**OVERRIDE_FIELDS, "value": ("value", "String!")}


# Argument name → variable and type.
Arguments = Mapping[str, tuple[str, str]]

KEYED: Final = {"idempotencyKey": ("idempotency_key", "String")}
MATCHED: Final = {"ifMatch": ("if_match", "String")}
TARGET: Final = {"secretId": ("target", "ID!")}


def list_document(name: str, fragment: str) -> str:
    """Return the query for one page of a holder's visible secrets."""
    return f"""
query {name}($holder: ID!, $after: String) {{
  holder: node(id: $holder) {{
    kind: __typename
    ... on SecretHolder {{
      visibleSecrets(first: 100, after: $after) {{
        edges {{ node {{ ...Row }} }}
        pageInfo {{ hasNextPage endCursor }}
      }}
    }}
  }}
}}
{fragment}"""


def read_document(name: str, fragment: str) -> str:
    return f"""
query {name}($target: ID!) {{
  secret(id: $target) {{ ...Row etag }}
}}
{fragment}"""


def write_document(name: str, arguments: Arguments, fields: Fields, fragment: str) -> str:
    """Return the mutation of that name, with one variable for each input field."""
    given = ", ".join(f"{field}: ${wire}" for wire, (field, _) in fields.items())
    return f"""
mutation {name}({_declare(arguments, fields)}) {{
  payload: {name}({_pass_arguments(arguments)}, input: {{ {given} }}) {{
    secret {{ ...Row etag }}
    errors {{ ...Refusal }}
  }}
}}
{fragment}{ERROR_FRAGMENT}"""


def delete_document(name: str, arguments: Arguments, *, constant: str = "") -> str:
    """Return the mutation that deletes; `constant` is an extra argument with its value."""
    return f"""
mutation {name}({_declare(arguments, NO_FIELDS)}) {{
  payload: {name}({_pass_arguments(arguments)}{constant}) {{
    errors {{ ...Refusal }}
  }}
}}
{ERROR_FRAGMENT}"""


IMPORT_DOCUMENT: Final = """
mutation importSecrets(
  $holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!, $overwrite: Boolean!
  $idempotency_key: String
) {
  payload: importSecrets(
    holder: $holder, secrets: $secrets, overwrite: $overwrite, idempotencyKey: $idempotency_key
  ) {
    rows { key action secret { scope } }
    holder { id }
    errors { code message }
  }
}
"""


def _declare(arguments: Arguments, fields: Fields) -> str:
    kinds = dict(arguments.values()) | {wire: kind for wire, (_, kind) in fields.items()}
    return ", ".join(f"${name}: {kind}" for name, kind in kinds.items())


def _pass_arguments(arguments: Arguments) -> str:
    return ", ".join(f"{name}: ${variable}" for name, (variable, _) in arguments.items())
