#!/usr/bin/env python3
"""Make the lock files from pyproject.toml, or check that they still belong to it.

Usage: locks.py make [--upgrade] | locks.py check

A lock names exact versions and the hashes of their files, and no place to download them from. The
check needs no network: the first line of each lock holds a digest of the requirements behind it.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"

# Each lock keeps to the versions of the one above it, so that all can share an environment.
COMPILED_FROM = {
    "requirements.lock": ["pyproject.toml"],
    "requirements-aws.lock": ["pyproject.toml", "--extra=aws", "--constraint=requirements.lock"],
    "requirements-keyring.lock": [
        "pyproject.toml",
        "--extra=keyring",
        "--constraint=requirements-aws.lock",
    ],
    "requirements-dev.lock": [
        "pyproject.toml",
        "--extra=aws",
        "--extra=keyring",
        "--group=dev",
        "--constraint=requirements-aws.lock",
        "--constraint=requirements-keyring.lock",
    ],
    "requirements-build.lock": ["--group=build", "--constraint=requirements-dev.lock"],
}
# The distribution `schema` would put its files on top of our package of that name.
FORBIDDEN_DISTRIBUTIONS = {"schema", "gateway"}

PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[\w.!+]+)(?P<marker> ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
COMMENT = re.compile(r"^\s*#(?!.*://)")


def main(arguments: list[str]) -> int:
    """Do what the command line asks; return the exit status."""
    match arguments:
        case ["make"]:
            make()
        case ["make", "--upgrade"]:
            make("--upgrade")
        case ["check"]:
            pass
        case _:
            print(__doc__)
            return 2
    complaints = find_complaints()
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def make(*options: str) -> None:
    """Write every lock, keeping the versions that are already there and still fit."""
    for name, sources in COMPILED_FROM.items():
        compile_lock(name, [*sources, *options])
        lock = ROOT / name
        lock.write_text(header() + strip_header(lock.read_text()))


def compile_lock(name: str, arguments: list[str]) -> None:
    """Resolve one lock for every platform and every supported Python at once."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *arguments, f"--output-file={name}"]
    command += ["--universal", "--python-version=3.11", "--generate-hashes", "--quiet"]
    command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    subprocess.run(command, cwd=ROOT, check=True)


def header() -> str:
    """Return the first line of a fresh lock."""
    pyproject = tomllib.loads(PYPROJECT.read_text())
    project = pyproject["project"]
    requirements = [
        project["requires-python"],
        project["dependencies"],
        project["optional-dependencies"],
        pyproject["dependency-groups"],
    ]
    digest = hashlib.sha256(json.dumps(requirements).encode()).hexdigest()
    return f"# Made by `make lock` from requirements with the digest {digest[:16]}.\n"


def strip_header(text: str) -> str:
    """Return a lock's text without our first line."""
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("# Made by")
    )


def find_complaints() -> list[str]:
    """Return what is wrong with the locks, one sentence each."""
    texts = {name: (ROOT / name).read_text() for name in COMPILED_FROM}
    complaints = [f"{name}: {fault}" for name, text in texts.items() for fault in faults(text)]
    dev = pins(texts["requirements-dev.lock"])
    others = set().union(*(pins(text) for text in texts.values())) - dev
    return complaints + [f"requirements-dev.lock: lacks {pin}" for pin in sorted(others)]


def faults(text: str) -> Iterator[str]:
    """Yield what is wrong with one lock."""
    if not text.startswith(header()):
        yield "was made from other requirements than pyproject.toml has now: make lock"
    for number, line in strange_lines(text):
        yield f"line {number} is neither a pin, nor a hash, nor a comment: {line}"
    for pin in pins_without_hash(text):
        yield f"no hash follows {pin}"
    for pin in sorted(pins(text)):
        if pin.split("==")[0] in FORBIDDEN_DISTRIBUTIONS:
            yield f"{pin} would overwrite files of this project"


def strange_lines(text: str) -> list[tuple[int, str]]:
    """Return lines that are neither a pin, nor a hash, nor a comment: options, URLs, paths."""
    return [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if not (PIN.match(line) or HASH.match(line) or COMMENT.match(line))
    ]


def pins(text: str) -> set[str]:
    """Return the `name==version` of each line that has one."""
    found = (PIN.match(line) for line in text.splitlines())
    return {f"{pin['name']}=={pin['version']}" for pin in found if pin}


def pins_without_hash(text: str) -> list[str]:
    """Return the pins that no hash follows."""
    lines = text.splitlines()
    following = zip(lines, [*lines[1:], ""], strict=True)
    return [line for line, after in following if PIN.match(line) and not HASH.match(after)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
