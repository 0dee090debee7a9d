"""The schema as text: `python -m schema.snapshot` writes the committed one anew."""

from pathlib import Path
from typing import Final

from schema.root import build_schema

SNAPSHOT: Final = Path(__file__).parent / "schema.graphql"


def printed() -> str:
    """Return the schema definition language of the schema."""
    return f"{build_schema().as_str()}\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(printed(), encoding="utf-8")
