"""The table of roles is the one that the gateway goes by."""

import re
from pathlib import Path

from gateway.domain.permissions import ROLES, Permission, Role

_PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()


def _cells(line: str) -> list[str]:
    return [cell.strip(" `") for cell in line.strip("|").split("|")]


_LINES = [_cells(line) for line in _PAGE.splitlines() if re.match(r"\| [`P]", line)]


def test_the_table_has_every_role_and_every_permission() -> None:
    assert _LINES[0] == ["Permission", *Role]
    assert [line[0] for line in _LINES[1:]] == [
        *(item for item in Permission if item is not Permission.INSTANCE_WRITE),
        Permission.INSTANCE_WRITE,
    ]


def test_the_table_says_who_may_what() -> None:
    answer = {
        role: {line[0] for line in _LINES[1:] if line[column] == "yes"}
        for column, role in enumerate(_LINES[0][1:], start=1)
    }

    assert answer == {role: set(ROLES[role]) for role in Role}
