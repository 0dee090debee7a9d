"""Identifiers: UUIDs in their canonical spelling, and nothing else."""

import re
from typing import Final
from uuid import uuid4

_CANONICAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_canonical_id(text: str) -> bool:
    """Tell whether the text is a lower-case UUID in 8-4-4-4-12 form.

    `uuid.UUID` also takes braces, `urn:`, missing dashes and full-width digits; two spellings of
    one id would make two cache keys and two audit trails of one thing.
    """
    return _CANONICAL.fullmatch(text) is not None


def new_id() -> str:
    """Return a fresh random id."""
    return str(uuid4())
