"""Queries read holders, organizations and secrets without what deletions hide."""

import re
from pathlib import Path
from typing import Final

import gateway

_ROOT: Final = Path(gateway.__file__).parent
_TABLE: Final = re.compile(
    r"\b(?:HolderRow|OrganizationRow|SecretRow)\.__table__"
    r"|\b(?:HOLDERS|ORGANIZATIONS|SECRETS)\.(?:table|selection)\b"
)
# They write, check or delete rows, read the values of secrets that a query has found, or find ids
# among which a query over the live rows then chooses.
_ALLOWED: Final = {
    "storage/deletions.py",
    "storage/live_rows.py",
    "storage/secret_batches.py",
    "storage/secret_search.py",
    "storage/values.py",
}


def _modules() -> dict[str, str]:
    return {
        str(path.relative_to(_ROOT)): path.read_text(encoding="utf-8")
        for path in _ROOT.rglob("*.py")
    }


def test_only_these_modules_name_the_tables_themselves() -> None:
    naming = {name for name, text in _modules().items() if _TABLE.search(text)}

    assert naming == _ALLOWED


def test_a_query_over_a_table_itself_would_be_found() -> None:
    """The control of the test above."""
    assert _TABLE.search("rows = await unit.rows(select(HolderRow.__table__.c.id))")
    assert _TABLE.search("unit.rows(SECRETS.selection())")
