"""Where things are drawn: nothing lies on anything else."""

import time
from itertools import combinations

import pytest

from gateway.domain.effective import Picture
from gateway.drawing.placing import BOX_HEIGHT, BOX_WIDTH, Layout, lay_out
from gateway.drawing.plan import fold
from tests.drawing.gallery import Studio, crowded, small, star

PICTURES = [small(), crowded(), star(30), star(1_000), Studio().picture()]
IDS = ["small", "crowded", "star", "large star", "empty"]


def _overlaps(layout: Layout) -> list[tuple[str, str]]:
    return [
        (one.label, other.label)
        for (one, at), (other, there) in combinations(layout.boxes, 2)
        if abs(at.x - there.x) < BOX_WIDTH and abs(at.y - there.y) < BOX_HEIGHT
    ]


@pytest.mark.parametrize("is_whole", [False, True])
@pytest.mark.parametrize("picture", PICTURES, ids=IDS)
def test_no_box_lies_on_another(picture: Picture, *, is_whole: bool) -> None:
    layout = lay_out(fold(picture, is_whole=is_whole))

    assert _overlaps(layout) == []


@pytest.mark.parametrize("picture", PICTURES, ids=IDS)
def test_boxes_stand_in_their_columns_from_left_to_right(picture: Picture) -> None:
    layout = lay_out(fold(picture))

    for box, at in layout.boxes:
        span = layout.columns[box.column]
        assert span.left <= at.x <= span.right - BOX_WIDTH
        assert 0 <= at.y <= layout.height - BOX_HEIGHT
    lefts = [span.left for span in layout.columns]
    assert lefts == sorted(lefts)
    assert lefts[0] == 0


@pytest.mark.parametrize("picture", PICTURES, ids=IDS)
def test_a_line_goes_from_what_refers_to_what_it_refers_to(picture: Picture) -> None:
    layout = lay_out(fold(picture))
    corners = {box.id: at for box, at in layout.boxes}

    for line, way in layout.lines:
        source, target = corners[line.source.id], corners[line.target.id]
        assert way[0].x == pytest.approx(source.x)
        assert source.y <= way[0].y <= source.y + BOX_HEIGHT
        assert way[-1].x == pytest.approx(target.x + BOX_WIDTH)
        assert target.y <= way[-1].y <= target.y + BOX_HEIGHT


def test_rows_without_lines_stand_below_those_with_lines() -> None:
    plan = fold(crowded())
    layout = lay_out(plan)

    loose = {box.id for box in plan.loose}
    assert min(at.y for box, at in layout.boxes if box.id in loose) == layout.band
    assert max(at.y for box, at in layout.boxes if box.id not in loose) < layout.band


def test_places_are_the_same_each_time() -> None:
    plan = fold(crowded())

    assert lay_out(plan) == lay_out(plan)


def test_the_largest_drawings_take_well_below_a_second() -> None:
    plan = fold(star(1_000), is_whole=True)
    begun = time.process_time()

    lay_out(plan)

    assert time.process_time() - begun < 1
