"""Names of settings as variables, and former names of settings and commands.

A former name works for one release after the renaming.
"""

from collections.abc import Mapping
from typing import Final

PREFIX: Final = "SECRETS_GATEWAY_"
# What the command line reads as a client of a gateway; they are no settings of a server.
CLIENT_VARIABLES: Final = frozenset(
    f"{PREFIX}{name}" for name in ("URL", "TOKEN", "TOKEN_FILE", "CA_FILE")
)
FORMER_SETTINGS: Final[Mapping[str, str]] = {
    "audit_anchor_file": "audit_checkpoint_file",
    "audit_anchor_seconds": "audit_checkpoint_seconds",
    "scrub_seconds": "integrity_scan_seconds",
}


def renaming_notice(former: str, current: str) -> str:
    return f"{former} is now called {current}: the former name works in this release only."
