"""The GraphQL documents behind the REST paths.

GraphQL aliases and variable names use the wire format's snake_case, so no code converts names: a
body field becomes the variable of the same name, and a selection's alias becomes a response field.
"""

from collections.abc import Mapping
from typing import Final

from gateway.rest.openapi.fields import Model

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
fragment Fields on Secret {{
  {_OWN_FIELDS}
  aliased_secret: aliasedSecret {{ {_REFERENCE_FIELDS} }}
  overridden_secret: overriddenSecret {{ {_REFERENCE_FIELDS} }}
}}
"""

VARIABLE_FRAGMENT: Final = f"""
fragment Fields on Secret {{
  {_OWN_FIELDS}
  mount_path: mountPath
  aliased_variable: aliasedSecret {{ {_REFERENCE_FIELDS} }}
  overridden_variable: overriddenSecret {{ {_REFERENCE_FIELDS} }}
}}
"""

ERROR_FRAGMENT: Final = """
fragment Error on MutationError {
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

# Name of an argument or input field → its variable and type.
Arguments = Mapping[str, tuple[str, str]]

# Field of a body → input field and type.
_INPUT_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "key": ("key", "String"),
    "value": ("value", "String"),
    "mount_path": ("mountPath", "String"),
    "description": ("description", "String"),
    "enable_interpolation_in_file": ("enableInterpolationInFile", "Boolean"),
}
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
        edges {{ node {{ ...Fields }} }}
        pageInfo {{ hasNextPage endCursor }}
      }}
    }}
  }}
}}
{fragment}"""


def read_document(name: str, fragment: str) -> str:
    return f"""
query {name}($target: ID!) {{
  secret(id: $target) {{ ...Fields etag }}
}}
{fragment}"""


def variable_fields(request: type[Model] | None) -> tuple[str, ...]:
    """Return the fields of a body that are variables of the document as they are."""
    return tuple(name for name in request.model_fields if name in _INPUT_FIELDS) if request else ()


def write_document(name: str, arguments: Arguments, request: type[Model], fragment: str) -> str:
    """Return the mutation of that name, with one variable for each input field."""
    fields = _input_fields(request)
    return f"""
mutation {name}({_declare({**arguments, **fields})}) {{
  payload: {name}({_pass(arguments)}, input: {{ {_pass(fields)} }}) {{
    secret {{ ...Fields etag }}
    errors {{ ...Error }}
  }}
}}
{fragment}{ERROR_FRAGMENT}"""


def delete_document(name: str, arguments: Arguments, *, constant: str = "") -> str:
    """Return the mutation that deletes; `constant` is an extra argument with its value."""
    return f"""
mutation {name}({_declare(arguments)}) {{
  payload: {name}({_pass(arguments)}{constant}) {{
    errors {{ ...Error }}
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


def _input_fields(request: type[Model]) -> Arguments:
    fields: dict[str, tuple[str, str]] = {}
    for variable in variable_fields(request):
        name, kind = _INPUT_FIELDS[variable]
        is_required = request.model_fields[variable].is_required()
        fields[name] = (variable, f"{kind}!" if is_required else kind)
    return fields


def _declare(arguments: Arguments) -> str:
    return ", ".join(f"${variable}: {kind}" for variable, kind in arguments.values())


def _pass(arguments: Arguments) -> str:
    return ", ".join(f"{name}: ${variable}" for name, (variable, _) in arguments.items())
