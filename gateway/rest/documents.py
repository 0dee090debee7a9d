"""The GraphQL documents behind the REST paths.

The models of the bodies say what the documents pass and select. GraphQL aliases and variable names
use the wire format's snake_case, so no code converts names: a body field becomes the variable of
the same name, and a selection's alias becomes a field of the answer, in the model's order.
"""

from collections.abc import Mapping
from typing import Final, get_args

from pydantic.fields import FieldInfo

from gateway.domain.pages import LIST_PAGE_SIZE
from gateway.rest.openapi.bodies import ExistingVariable
from gateway.rest.openapi.fields import Model, graphql_names
from gateway.rest.openapi.secrets import Secret, VariableResponse
from gateway.rest.openapi.versions import VariableVersion

# Name of an argument or input field → its variable and type.
Arguments = Mapping[str, tuple[str, str]]


def _select(model: type[Model], *, only_required: bool = False) -> str:
    """Return the selection of an answer's fields, under their names on the wire."""
    fields = model.model_fields
    return " ".join(
        _select_field(name, graphql, fields[name].annotation)
        for name, graphql in graphql_names(model).items()
        if fields[name].is_required() or not only_required
    )


def _select_field(name: str, graphql: str, kind: object) -> str:
    alias = "" if name == graphql else f"{name}: "
    below = f" {{ {_select(kind)} }}" if isinstance(kind, type) and issubclass(kind, Model) else ""
    return f"{alias}{graphql}{below}"


SECRET_FRAGMENT: Final = f"fragment Fields on Secret {{ {_select(Secret)} }}"
VARIABLE_FRAGMENT: Final = f"fragment Fields on Secret {{ {_select(VariableResponse)} }}"
# For a secret that the principal cannot see, the error has the key and the holder's ids itself.
ERROR_FRAGMENT: Final = f"""
fragment Error on MutationError {{
  code message
  ... on SecretKeyConflictError {{
    existing_variable: existing {{ {_select(ExistingVariable)} }}
    {_select(ExistingVariable, only_required=True)}
  }}
}}
"""
_TYPES: Final[Mapping[object, str]] = {str: "String", bool: "Boolean"}
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
      visibleSecrets(first: {LIST_PAGE_SIZE}, after: $after) {{
        nodes {{ ...Fields }}
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


def versions_document(name: str) -> str:
    """Return the query for a page of the versions of a secret, deleted or not."""
    return f"""
query {name}($target: ID!, $after: String) {{
  versions: secretVersions(id: $target, first: 100, after: $after) {{
    nodes {{ {_select(VariableVersion)} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


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
    return {
        graphql: (name, _graphql_type(request.model_fields[name]))
        for name, graphql in graphql_names(request).items()
    }


def _graphql_type(field: FieldInfo) -> str:
    kind: object = field.annotation
    # `Annotated[X, …] | None` and `Annotated[X, …]` are X.
    while parts := get_args(kind):
        kind = parts[0]
    return f"{_TYPES[kind]}!" if field.is_required() else _TYPES[kind]


def _declare(arguments: Arguments) -> str:
    return ", ".join(f"${variable}: {kind}" for variable, kind in arguments.values())


def _pass(arguments: Arguments) -> str:
    return ", ".join(f"{name}: ${variable}" for name, (variable, _) in arguments.items())
