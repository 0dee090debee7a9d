"""The schema as text. `python -m schema.snapshot` rewrites the committed file.

With `--release` it writes the file that later changes are compared with.
"""

import sys
from functools import cache
from pathlib import Path
from typing import Final

import strawberry

from schema.root import build_schema

SNAPSHOT: Final = Path(__file__).with_name("schema.graphql")
RELEASED: Final = SNAPSHOT.with_name("released.graphql")


@cache
def printed() -> str:
    """Return the schema definition language of the schema."""
    return f"{build_schema(strawberry.Schema).as_str()}\n"


if __name__ == "__main__":
    target = RELEASED if sys.argv[1:] == ["--release"] else SNAPSHOT
    target.write_text(printed(), encoding="utf-8")
