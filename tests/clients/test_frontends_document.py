"""What docs/frontends.md shows is what the programs run."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from tests.clients.frontends import FOLDER

_DOCUMENT = Path(__file__).parents[2] / "docs" / "frontends.md"
_GENERATED = {"node_modules", "__generated__", "build", "gql"}
_REGION = re.compile(
    r"^ *// docs: (?P<name>\S+)\n(?P<text>.*?)^ *// end$", re.MULTILINE | re.DOTALL
)
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def _programs() -> Mapping[str, str]:
    """Return the marked regions of the programs by their names."""
    sources = (path for path in FOLDER.rglob("*.*s") if not _GENERATED & set(path.parts))
    found = [region for path in sorted(sources) for region in _REGION.finditer(path.read_text())]
    regions = {region["name"]: dedent(region["text"]) for region in found}
    assert len(regions) == len(found)
    return regions


def _fences() -> Mapping[str, str]:
    return {fence["info"]: fence["text"] for fence in _FENCE.finditer(_DOCUMENT.read_text())}


def test_each_fragment_is_a_part_of_a_program() -> None:
    shown = {info.split()[1]: text for info, text in _fences().items() if " " in info}

    assert shown == _programs()
    assert len(shown) > 10


def test_no_fragment_but_commands_is_without_a_program() -> None:
    assert [info for info in _fences() if " " not in info] == ["sh"]


def test_the_versions_are_those_that_the_programs_run_on() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    versions = package["dependencies"] | package["devDependencies"]

    named = dict(re.findall(r"^\| `([^`]+)` \| (\S+) \|$", _DOCUMENT.read_text(), re.MULTILINE))

    assert {"@apollo/client", "@urql/core", "relay-runtime", "graphql-ws"} <= named.keys()
    assert named == {name: versions[name] for name in named}
