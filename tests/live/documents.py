"""What the tests of this folder listen to."""

from collections.abc import Mapping
from typing import Any, Final

from tests.live.listening import Json

CHANGES: Final = """
subscription ($holder: SecretHolderRef!, $wide: Boolean! = false, $after: String) {
    secretChanged(holder: $holder, includeInherited: $wide, after: $after) {
        cursor kind secretId key formerKey holderId at
        secret { id key version description holder { id } }
        holder { id name }
    }
}"""
EFFECTIVE: Final = """
subscription ($service: ID!, $after: String) {
    effectiveSecretsChanged(serviceId: $service, after: $after) {
        cursor at keys hasMoreKeys
        effectiveSecrets { key provenance secret { id version } resolvesTo { id } }
        change { kind secretId key }
        service { id effectiveSecrets(first: 1) { totalCount } }
    }
}"""

IMPORT: Final = """mutation ($holder: SecretHolderRef!, $rows: [ImportSecretInput!]!) {
    importSecrets(holder: $holder, secrets: $rows, overwrite: false) { totalCount } }"""


def change_in(answer: Json | str) -> Mapping[str, Any]:
    """Return the change that an answer tells of."""
    assert isinstance(answer, dict), answer
    assert "errors" not in answer, answer
    (result,) = answer["data"].values()
    return dict(result)


def code_in(answer: Json | str) -> str:
    """Return the code of the error that an answer tells of."""
    assert isinstance(answer, dict), answer
    assert answer.get("data") is None, answer
    return str(answer["errors"][0]["extensions"]["code"])
