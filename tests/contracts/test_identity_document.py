"""What an issuer can be given, and why a token can be refused, is documented, and no more."""

import re
from pathlib import Path

from gateway.identity.claims import Reason
from gateway.identity.issuers import Algorithm, Issuer

DOCUMENT = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")
SETTING = re.compile(
    r"^\| `(?P<name>[a-z_]+)` \| (?P<default>[^|]+) \| [A-Z][^|]+ \|$", re.MULTILINE
)
REASONS = re.compile(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| [A-Z`][^|]+ \|$", re.MULTILINE)


def test_every_setting_of_an_issuer_is_there_with_its_default() -> None:
    documented = {row["name"]: row["default"] for row in SETTING.finditer(DOCUMENT)}

    assert list(documented) == list(Issuer.model_fields)
    for name in ("leeway_seconds", "refresh_seconds", "stale_seconds"):
        assert documented[name] == f"`{Issuer.model_fields[name].default}`"


def test_every_setting_of_an_issuer_describes_itself() -> None:
    assert [name for name, value in Issuer.model_fields.items() if not value.description] == []


def test_every_algorithm_is_named() -> None:
    assert [item for item in Algorithm if f"`{item}`" not in DOCUMENT] == []


def test_every_reason_is_explained() -> None:
    rows = [row[1] for row in REASONS.finditer(DOCUMENT)]

    assert sorted(re.findall(r"[a-z_]+", " ".join(rows))) == sorted(Reason)
