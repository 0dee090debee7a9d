"""The drawing as DOT, read by a program that draws it."""

import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from gateway.domain.effective import Picture
from gateway.drawing import words
from gateway.drawing.flowcharts import dot
from gateway.drawing.plan import fold
from tests.drawing.gallery import HOSTILE, crowded, small, star
from tests.patience import PATIENCE

PROGRAM = Path(sys.executable).parent / "graphviz-pure"
pytestmark = pytest.mark.skipif(
    not PROGRAM.is_file(), reason="graphviz-pure has no wheel for this machine"
)
NAMESPACE = "{http://www.w3.org/2000/svg}"


def _drawn(text: str) -> list[str]:
    """Return the texts that are drawn, with blanks of one kind."""
    answer = subprocess.run(
        [str(PROGRAM), "-Tsvg"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=PATIENCE,
    )
    drawing = fromstring(answer.stdout)  # noqa: S314 - the program is our own choice
    return [" ".join("".join(item.itertext()).split()) for item in drawing.iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_drawn_as_it_is(name: str) -> None:
    drawn = _drawn(dot(fold(small(name))))

    assert " ".join(f"Job {words.showable(name)}".split()) in drawn
    assert {"URL", "LINK (alias)", "URL (override)", "Project shop"} <= set(drawn)


def test_control_a_name_that_is_not_escaped_is_drawn_otherwise() -> None:
    text = dot(fold(small("MARK")))

    assert "Job \\G" not in _drawn(text.replace("MARK", "\\G"))
    with pytest.raises(subprocess.CalledProcessError):
        _drawn(text.replace("MARK", '"'))


@pytest.mark.parametrize("picture", [crowded(), star(30)], ids=["crowded", "star"])
def test_larger_pictures_are_drawn_whole(picture: Picture) -> None:
    drawn = _drawn(dot(fold(picture, is_whole=True)))

    assert len(drawn) >= len(picture.rows)
