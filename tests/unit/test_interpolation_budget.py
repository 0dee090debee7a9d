"""One budget for a delivery, counted before anything is expanded."""

import tracemalloc
from collections.abc import Mapping

import pytest

from gateway.domain import interpolation
from gateway.domain.interpolation import (
    MAX_DELIVERED_BYTES,
    DeliveryTooLarge,
    Interpolator,
    utf8_size,
)

KIB = 1024
LONG = "s3cr3t--" * 8 * KIB
MULTIPLIED = {"A": LONG} | {f"K{number}": "{{A}}" * 16 for number in range(500)}


def _interpolator(values: Mapping[str, str]) -> Interpolator:
    return Interpolator(values, paths={}, files={}, verbatim={})


def _peak(values: Mapping[str, str]) -> int:
    tracemalloc.start()
    try:
        _interpolator(values).expand()
    except DeliveryTooLarge:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


@pytest.mark.rule("S63")
def test_what_is_multiplied_is_refused_before_it_is_built() -> None:
    with pytest.raises(DeliveryTooLarge, match=r"at most 8 MiB .* K\d+ exceeds") as refused:
        _interpolator(MULTIPLIED)

    assert "s3cr3t" not in refused.value.message
    assert refused.value.key in MULTIPLIED
    assert _peak(MULTIPLIED) < 2 * KIB * KIB


def test_without_the_budget_it_would_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    monkeypatch.setattr(interpolation, "MAX_DELIVERED_BYTES", 2**60)

    assert _peak(dict(list(MULTIPLIED.items())[:50])) > 40 * KIB * KIB


@pytest.mark.rule("S63")
def test_values_that_double_each_other_thousands_of_times_are_counted_at_once() -> None:
    """Lengths that would have more than a thousand digits."""
    doubling = {f"K{number}": f"{{{{K{number + 1}}}}}" * 2 for number in range(4_000)}

    with pytest.raises(DeliveryTooLarge):
        _interpolator(doubling | {"K4000": "ha"})


@pytest.mark.rule("S63")
@pytest.mark.parametrize("character", ["x", "é", "\N{GRINNING FACE}"])
def test_the_budget_is_in_bytes_of_utf_8_and_is_reached_exactly(character: str) -> None:
    size = len(character.encode())
    values = {"A": character * (MAX_DELIVERED_BYTES // 4 // size), "B": "{{A}}{{A}}{{A}}"}

    interpolator = _interpolator(values)
    texts, _ = interpolator.expand()

    assert interpolator.size == MAX_DELIVERED_BYTES
    assert sum(map(utf8_size, texts.values())) == MAX_DELIVERED_BYTES
    with pytest.raises(DeliveryTooLarge, match=r"[BC] exceeds"):
        _interpolator(values | {"C": "x"})


SHAPES: Mapping[str, Interpolator] = {
    "chains": _interpolator({"A": "{{B}}-{{B}}", "B": "b{{C}}", "C": "{{UNKNOWN}}é"}),
    "cycles": _interpolator({"A": "{{B}}{{P}}", "B": "{{A}}", "P": "p", "OUT": "{{P}}{{A}}"}),
    "files": Interpolator(
        {"V": "cat {{FILE}} {{VERBATIM}}"},
        paths={"FILE": "/etc/{{V}}", "VERBATIM": "/etc/é"},
        files={"FILE": "{{V}}{{FILE}}{{NOTHING}}"},
        verbatim={"VERBATIM": "{{V}}"},
    ),
}


@pytest.mark.rule("S63")
@pytest.mark.parametrize("interpolator", SHAPES.values(), ids=SHAPES)
def test_what_is_measured_is_what_is_built(interpolator: Interpolator) -> None:
    texts, files = interpolator.expand()

    built = [*texts.values(), *files.values()]
    assert sum(map(utf8_size, built)) == interpolator.size


@pytest.mark.rule("S63")
def test_paths_and_files_count_as_well() -> None:
    half = "x" * (MAX_DELIVERED_BYTES // 2)

    with pytest.raises(DeliveryTooLarge, match="VERBATIM exceeds"):
        Interpolator({}, paths={"VERBATIM": half}, files={}, verbatim={"VERBATIM": half + "x"})
    with pytest.raises(DeliveryTooLarge, match="FILE exceeds"):
        Interpolator({"A": half}, paths={"FILE": "/f"}, files={"FILE": "{{A}}"}, verbatim={})
