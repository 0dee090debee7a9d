"""Former names of settings and commands. Each works for one release after the renaming."""

from collections.abc import Mapping
from typing import Final

FORMER_SETTINGS: Final[Mapping[str, str]] = {
    "audit_anchor_file": "audit_checkpoint_file",
    "audit_anchor_seconds": "audit_checkpoint_seconds",
    "scrub_seconds": "integrity_scan_seconds",
}


def renaming_notice(former: str, current: str) -> str:
    return f"{former} is now called {current}: the former name works in this release only."
