#!/usr/bin/env python3
"""Tell what the gateway is made of, or ask whether something of it is known to be vulnerable.

Usage: supply_chain.py sbom FILE | supply_chain.py audit

The audit ends with 0 if every pinned package was looked at and nothing is known; with 1 if
something is known, or some packages were passed over; with 3 if it could not be done at all, for
example where the package index has no service for advisories. A tool that passes over what it does
not find, and then reports that it found nothing, is not believed.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker

ROOT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = "requirements.lock"
PIN: Final = re.compile(r"^([a-z0-9][a-z0-9-]*)==[^ ]+(?: ; ([^\\]+))? \\$", re.MULTILINE)

CLEAN, BAD, NOT_DONE = 0, 1, 3


def main(arguments: list[str]) -> int:
    """Do what the command line asks; return the exit status."""
    match arguments:
        case ["sbom", file]:
            return sbom(Path(file))
        case ["audit"]:
            return audit()
        case _:
            print(__doc__)
            return 2


def sbom(file: Path) -> int:
    """Write a bill of materials of what is shipped, as CycloneDX, from the lock."""
    file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", LOCK]
    command += ["--pyproject=pyproject.toml", "--spec-version=1.6", "--output-reproducible"]
    # The addresses of an index are a workplace's own business.
    command += ["--short-PURLs", f"--output-file={file.resolve()}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def audit() -> int:
    """Ask for known vulnerabilities of every pinned package."""
    command = [sys.executable, "-m", "pip_audit", f"--requirement={LOCK}", "--require-hashes"]
    command += ["--disable-pip", "--format=json", "--progress-spinner=off"]
    completed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    status, sentences = verdict(pinned_here(), report_of(completed.stdout))
    print("\n".join(sentences))
    return status


def pinned_here() -> set[str]:
    """Return the packages that the lock names for this platform, which alone are looked at."""
    pins = PIN.findall((ROOT / LOCK).read_text())
    return {name for name, marker in pins if not marker or Marker(marker).evaluate()}


def report_of(text: str) -> Sequence[Mapping[str, Any]]:
    """Return what the tool says of each package; nothing, if it says nothing we can read."""
    try:
        found: Sequence[Mapping[str, Any]] = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return ()
    return found


def verdict(pinned: set[str], report: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Return the exit status, and why, from what was pinned and what the tool says of it."""
    seen = {item["name"] for item in report if "skip_reason" not in item}
    known = [
        f"{item['name']} {item['version']}: {vulnerability['id']}"
        for item in report
        for vulnerability in item.get("vulns", ())
    ]
    passed_over = sorted(pinned - seen)
    if known:
        return BAD, ["Known vulnerabilities:", *known]
    if not seen:
        return NOT_DONE, ["NOT DONE: no advisories can be asked for from here, of any package."]
    if passed_over:
        return BAD, [f"These packages were passed over: {', '.join(passed_over)}."]
    return CLEAN, [f"No vulnerability of {len(seen)} packages is known."]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
