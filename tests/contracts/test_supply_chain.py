"""What the gateway is made of is told in full; an audit that looked at nothing is none."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / ".ci" / "supply_chain.py"
PINNED: Final = {"alembic", "orjson"}
SEEN: Final = [{"name": name, "version": "1.0", "vulns": []} for name in sorted(PINNED)]
SKIPPED: Final = {"name": "orjson", "skip_reason": "not found"}
VULNERABLE: Final = {"name": "orjson", "version": "1.0", "vulns": [{"id": "PYSEC-1"}]}


@pytest.fixture(scope="module")
def supply_chain() -> Any:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("supply_chain", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.rule("S60")
@pytest.mark.parametrize(
    ("report", "status", "answer"),
    [
        (SEEN, 0, "No vulnerability of 2 packages is known."),
        ([SEEN[0], VULNERABLE], 1, "orjson 1.0: PYSEC-1"),
        ([SEEN[0], SKIPPED], 1, "passed over: orjson"),
        ([SEEN[0]], 1, "passed over: orjson"),
        ([{"name": "alembic", "skip_reason": "not found"}, SKIPPED], 3, "NOT DONE"),
        ([], 3, "NOT DONE"),
    ],
    ids=["clean", "known", "passed over", "missing", "all passed over", "nothing"],
)
def test_an_audit_counts_what_it_looked_at(
    supply_chain: Any, report: Any, status: int, answer: str
) -> None:
    """The tool itself calls all of them clean but the second."""
    found, sentences = supply_chain.verdict(PINNED, report)

    assert found == status
    assert answer in "\n".join(sentences)


@pytest.mark.rule("S60")
@pytest.mark.parametrize("text", ["", "no JSON", "[]", "null", "{}"])
def test_a_report_that_cannot_be_read_is_none(supply_chain: Any, text: str) -> None:
    assert supply_chain.report_of(text) == ()


@pytest.mark.rule("S60")
def test_every_pin_of_this_platform_is_asked_for(supply_chain: Any) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    unconditional = set(re.findall(r"^([a-z0-9-]+)==[^ ;]+ \\$", lock, re.MULTILINE))

    assert unconditional
    assert unconditional <= supply_chain.pinned_here()


@pytest.mark.rule("S60")
def test_the_bill_of_materials_names_every_pin_with_its_hashes(tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"

    subprocess.run([sys.executable, SCRIPT, "sbom", str(target)], check=True)

    answer = json.loads(target.read_text())
    pins = re.findall(
        r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    listed = {(component["name"], component["version"]) for component in answer["components"]}
    references = [component.get("externalReferences", []) for component in answer["components"]]
    assert answer["bomFormat"] == "CycloneDX"
    assert answer["metadata"]["component"]["name"] == "secrets-gateway"
    assert listed == set(pins)
    assert all(any(item.get("hashes") for item in answer) for answer in references)
