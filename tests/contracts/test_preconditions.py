"""Each mutation takes an idempotency key, and each that changes something a precondition."""

from typing import Final

import pytest

from tests.contracts.walking import mutations

MAKING: Final = ("create", "register", "grant", "import")
CHANGING: Final = (
    *("edit", "rename", "rotate", "delete", "revoke", "remove", "end"),
    *("rollback", "restore", "purge"),
)
# The preconditions, each with a value that is never right.
WRONG: Final = {"expectedVersion": 999, "expectedName": "other"}
# A grant, a claim rule, a user and a former version are never edited, and a token's end is only
# brought forward: their ids say all that a version could.
NEVER_EDITED: Final = {
    "deleteClaimRule",
    "endApiToken",
    "revokeApiToken",
    "revokeRole",
    "removeUser",
    "purgeSecretVersions",
    "purgeHolderVersions",
}
CHANGED: Final = [
    name for name in mutations() if name.startswith(CHANGING) and name not in NEVER_EDITED
]


def test_each_mutation_makes_or_changes_something() -> None:
    """So that a new one is known to need a precondition or not."""
    assert [name for name in mutations() if not name.startswith(MAKING + CHANGING)] == []


@pytest.mark.rule("H2")
def test_each_mutation_takes_an_idempotency_key() -> None:
    assert [name for name, value in mutations().items() if "idempotencyKey" not in value.args] == []


@pytest.mark.rule("H2")
def test_each_change_takes_a_precondition() -> None:
    assert [name for name in CHANGED if not WRONG.keys() & mutations()[name].args.keys()] == []
