"""Identifiers: UUIDs in their canonical spelling only."""

import re
from typing import Final
from uuid import uuid4

_CANONICAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_canonical_id(text: str) -> bool:
    """Return whether the text is a lower-case UUID in 8-4-4-4-12 form.

    `uuid.UUID` also accepts braces, `urn:`, missing dashes and full-width digits. Two spellings of
    one id would give one object two cache keys and two ids in the audit log.
    """
    return _CANONICAL.fullmatch(text) is not None


def new_id() -> str:
    return str(uuid4())
