#!/usr/bin/env python3
"""Compare a wheel with the source tree and with the environment that it was installed into.

Usage: wheel_contents.py WHEEL SOURCE, run by that environment's Python.
"""

import importlib
import sys
from collections import defaultdict
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

PACKAGES = ("gateway", "schema")
SHIPPED_SUFFIXES = {".py", ".graphql", ".mako", ".css", ".js"}
ASSETS = "gateway/pages/npm/assets"
NEVER_SHIPPED = ("tests/", "node_modules/", "__pycache__/", ".npmrc")
# Without these the comparison with the source tree would prove nothing.
LANDMARKS = ("schema/schema.graphql", "gateway/app.py", "gateway/storage/migrations/env.py")


def main(wheel: Path, source: Path) -> int:
    """Print what is wrong; return the exit status."""
    shipped = set(ZipFile(wheel).namelist())
    expected = expected_files(source)
    complaints = [
        *(f"the source tree lacks {name}" for name in LANDMARKS if name not in expected),
        *(f"the wheel lacks {name}" for name in sorted(expected - shipped)),
        *(f"the wheel holds {name}" for name in sorted(shipped) if is_foreign(name)),
        *(f"{name} was not imported from the wheel" for name in PACKAGES if is_elsewhere(name)),
        *(f"{file} belongs to {' and '.join(owners)}" for file, owners in shared_files()),
    ]
    for complaint in complaints:
        print(f"wheel-smoke: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def expected_files(source: Path) -> set[str]:
    """Return what the wheel must hold: the packages' files, and the assets if they are built."""
    code = {
        path
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.suffix in SHIPPED_SUFFIXES and "node_modules" not in path.parts
    }
    assets = set((source / ASSETS).glob("*"))
    return {path.relative_to(source).as_posix() for path in code | assets}


def is_foreign(name: str) -> bool:
    """Tell whether a file has no place in the wheel."""
    ours = name.startswith((*(f"{package}/" for package in PACKAGES), "secrets_gateway-"))
    return not ours or any(part in name for part in NEVER_SHIPPED)


def is_elsewhere(name: str) -> bool:
    """Tell whether a package comes from outside the environment."""
    origin = importlib.import_module(name).__file__
    return origin is None or not origin.startswith(sys.prefix)


def shared_files() -> list[tuple[str, list[str]]]:
    """Return files that more than one installed distribution claims, with the claimants."""
    owners = defaultdict(list)
    for distribution in distributions():
        for file in distribution.files or ():
            owners[str(file)].append(distribution.name)
    return sorted((file, sorted(names)) for file, names in owners.items() if len(names) > 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
