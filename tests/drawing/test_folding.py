"""What is drawn row by row, and what is folded."""

from itertools import pairwise

from gateway.domain.secrets import SecretType
from gateway.drawing.plan import MAX_AT_ONE, MAX_LINKED, MAX_LOOSE, Box, Plan, fold
from tests.drawing.gallery import Studio, crowded, small, star


def _labels(boxes: tuple[Box, ...]) -> list[tuple[str, int]]:
    return [(box.label, len(box.rows)) for box in boxes]


def _keys(plan: Plan) -> list[str]:
    return sorted(row.secret.id for box in (*plan.linked, *plan.loose) for row in box.rows)


def test_rows_with_references_are_drawn_one_by_one() -> None:
    plan = fold(small())

    assert sorted(box.label for box in plan.linked) == ["LINK", "URL", "URL"]
    assert {(line.source.label, line.kind, line.target.label) for line in plan.lines} == {
        ("LINK", SecretType.ALIAS, "URL"),
        ("URL", SecretType.OVERRIDE, "URL"),
    }
    assert plan.loose == ()


def test_a_column_of_few_rows_is_not_folded() -> None:
    studio = Studio()
    studio.put_all(studio.job, (f"A_{number}" for number in range(MAX_LOOSE)))

    plan = fold(studio.picture())

    assert all(box.row for box in plan.loose)
    assert len(plan.loose) == MAX_LOOSE


def test_many_rows_are_folded_by_how_their_keys_begin() -> None:
    studio = Studio()
    studio.put_all(studio.job, (f"AWS_{number}" for number in range(MAX_LOOSE)))
    studio.put_all(studio.job, ("LONELY", "DATABASE_URL"))

    plan = fold(studio.picture())

    assert _labels(plan.loose) == [("DATABASE_URL", 1), ("LONELY", 1), ("AWS_…", MAX_LOOSE)]


def test_many_rows_that_begin_differently_become_one() -> None:
    studio = Studio()
    studio.put_all(studio.job, (f"K{number}" for number in range(MAX_LOOSE + 1)))

    plan = fold(studio.picture())

    assert _labels(plan.loose) == [("others", MAX_LOOSE + 1)]


def test_a_fold_opens_by_its_name_and_the_others_stay() -> None:
    studio = Studio()
    studio.put_all(studio.job, (f"AWS_{number}" for number in range(MAX_LOOSE)))
    studio.put_all(studio.job, (f"CDN_{number}" for number in range(MAX_LOOSE)))
    closed = fold(studio.picture()).loose

    plan = fold(studio.picture(), unfolded=["JOB:AWS_", "JOB:NOTHING_"])

    assert [box.fold for box in closed] == ["JOB:AWS_", "JOB:CDN_"]
    assert [box.fold for box in plan.loose] == [None] * MAX_LOOSE + ["JOB:CDN_"]
    assert plan.unfolded == {"JOB:AWS_"}


def test_many_aliases_of_one_secret_become_one_with_one_line() -> None:
    plan = fold(star(30))

    assert _labels(plan.linked) == [("HUB", 1), ("aliases of HUB", 30)]
    assert len(plan.lines) == 1
    assert plan.undrawn == 0


def test_aliases_of_one_secret_open_too() -> None:
    picture = star(30)
    (opened,) = [box.fold for box in fold(picture).linked if box.fold]

    plan = fold(picture, unfolded=[opened])

    assert len(plan.lines) == 30


def test_two_hundred_secrets_come_down_to_few_boxes() -> None:
    picture = crowded()

    plan = fold(picture)

    assert len(picture.rows) == 200
    assert len(plan.linked) == 75
    assert len(plan.loose) <= 15


def test_no_row_is_lost_whatever_is_folded() -> None:
    for picture in (small(), crowded(), star(1_000)):
        wanted = sorted(row.secret.id for row in picture.rows)

        assert _keys(fold(picture)) == wanted
        assert _keys(fold(picture, is_whole=True)) == wanted


def test_no_more_lines_than_can_be_laid_out_and_the_rest_is_counted() -> None:
    studio = Studio()
    for number in range(MAX_LINKED):
        target = studio.put(studio.project, f"TARGET_{number:03}")
        studio.alias(studio.job, f"ALIAS_{number:03}", target)

    plan = fold(studio.picture())

    assert len(plan.linked) == MAX_LINKED
    assert plan.undrawn == MAX_LINKED // 2
    assert len(fold(star(1_000), is_whole=True).lines) == MAX_AT_ONE


def test_a_picture_is_folded_the_same_way_each_time() -> None:
    picture = crowded()

    for one, other in pairwise(fold(picture) for _ in range(3)):
        assert one == other
