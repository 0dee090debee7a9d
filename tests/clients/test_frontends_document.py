"""What docs/frontends.md shows is what the programs run."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from tests.clients.frontends import FOLDER

_DOCUMENT = Path(__file__).parents[2] / "docs" / "frontends.md"
_SOURCES = (
    "*.mjs",
    "apollo/*.mjs",
    "live/*.mjs",
    "relay/*.js",
    "typescript/*.ts",
    "typescript/src/*.ts",
    "urql/*.mjs",
)
_REGION = re.compile(
    r"^ *// docs: (?P<name>\S+)\n(?P<text>.*?)^ *// end$", re.MULTILINE | re.DOTALL
)
_FENCE = re.compile(
    r"^```(?P<language>\w+) ?(?P<name>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def _programs() -> Mapping[str, str]:
    """Return the marked regions of the programs by their names."""
    sources = (path for pattern in _SOURCES for path in FOLDER.glob(pattern))
    found = [region for path in sources for region in _REGION.finditer(path.read_text())]
    regions = {region["name"]: dedent(region["text"]) for region in found}
    assert len(regions) == len(found)
    return regions


def test_each_fragment_but_commands_is_a_part_of_a_program() -> None:
    """The word after the language is the name of the region; `sh` has none."""
    fences = list(_FENCE.finditer(_DOCUMENT.read_text()))

    shown = {fence["name"]: fence["text"] for fence in fences if fence["name"]}

    assert shown == _programs()
    assert len(shown) > 20
    assert {fence["language"] for fence in fences if not fence["name"]} == {"sh", "http"}


def test_the_versions_are_those_that_the_programs_run_on() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    versions = package["dependencies"] | package["devDependencies"]

    named = dict(re.findall(r"^\| `([^`]+)` \| (\S+) \|$", _DOCUMENT.read_text(), re.MULTILINE))

    assert {"@apollo/client", "@urql/core", "relay-runtime", "graphql-ws"} <= named.keys()
    assert named == {name: versions[name] for name in named}
