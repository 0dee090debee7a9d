"""Every setting is documented, and nothing is that is none."""

import re
from pathlib import Path

from gateway.config.former_names import PREFIX
from gateway.config.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
ROW = re.compile(
    r"^\| *`?(?P<name>[A-Z][A-Z_]+)`? *\|(?P<default>[^|]*)\|(?P<meaning>[^|]*)\|", re.MULTILINE
)


def test_the_document_has_every_setting_and_no_other() -> None:
    documented = [row["name"] for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]

    assert documented == [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]


def test_every_setting_has_its_default_and_its_meaning() -> None:
    rows = [row.groupdict() for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]

    assert [row["name"] for row in rows if not row["default"].strip()] == []
    assert [row["name"] for row in rows if not row["meaning"].strip().endswith(".")] == []


def test_every_setting_describes_itself() -> None:
    assert [name for name, value in Settings.model_fields.items() if not value.description] == []
