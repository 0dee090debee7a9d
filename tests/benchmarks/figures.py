"""What was measured, what is wanted of it, and both as Markdown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.benchmarks.rounds import Round

Figure = Literal["per_second", "p50", "p99", "cpu"]


@dataclass(frozen=True, slots=True)
class Measured:
    """The medians of a case's rounds; `of` names the case that it is compared with."""

    case: str
    figures: Round
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """A number that is not of a round, as people read it; `bound` is the most that is wanted."""

    what: str
    amount: float
    unit: str
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound on a figure of a case, as a multiple of the same figure of another case."""

    what: str
    case: str
    of: str
    bound: float
    figure: Figure = "cpu"
    is_minimum: bool = False


@dataclass(slots=True)
class Results:
    """Cases by workload, single numbers, what is not installed, and what failed."""

    measured: dict[str, list[Measured]] = field(default_factory=dict)
    singles: list[Single] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def by_case(self) -> Mapping[str, Round]:
        return {each.case: each.figures for part in self.measured.values() for each in part}


TARGETS: Final = (
    Target(what="W1 by GraphQL", case="gateway: read", of="limit: read", bound=4),
    Target(
        what="W1 by GraphQL after a change",
        case="gateway: read after a change",
        of="limit: read after a change",
        bound=4,
    ),
    Target(what="W1 by REST", case="gateway: list by REST", of="limit: list by REST", bound=4),
    Target(
        what="W1, unchanged",
        case="gateway: unchanged list (304)",
        of="limit: list by REST",
        bound=0.5,
    ),
    Target(what="W1 and mercurius", case="gateway: read", of="mercurius-jit: read", bound=2),
    Target(what="W2 by GraphQL", case="gateway: alias", of="limit: alias", bound=5),
    Target(what="W2 by REST", case="gateway: alias by REST", of="limit: alias by REST", bound=5),
    Target(
        what="W2 by REST",
        case="gateway: alias by REST",
        of="limit: alias by REST",
        figure="per_second",
        bound=0.35,
        is_minimum=True,
    ),
    Target(
        what="W3, 25 values",
        case="gateway: delivery of 25",
        of="limit: delivery of 25",
        bound=8,
    ),
    Target(
        what="W5, growth of a read",
        case="gateway: the large database",
        of="gateway: the small database",
        figure="p50",
        bound=1.3,
    ),
)
TIMES: Final = "\N{MULTIPLICATION SIGN}"
_FIGURES: Final[Mapping[Figure, str]] = {
    "cpu": "CPU",
    "per_second": "answers per second",
    "p50": "p50",
}


def to_markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the report: targets, then all figures, then what is not there."""
    rows = [*_of_targets(results.by_case), *_of_singles(results.singles)]
    if rows:
        yield from ("| target | figure | measured | wanted | |", "|---|---|--:|--:|---|", *rows, "")
    for title, measured in results.measured.items():
        yield from (f"**{title}**", "", *_table(measured), "")
    if results.singles:
        yield from ("**Single numbers**", "", "| | |", "|---|--:|")
        yield from (f"| {one.what} | {one.amount:,.1f} {one.unit} |" for one in results.singles)
        yield ""
    if reasons := [*results.missing, *results.failed]:
        yield from ("**Not measured**", "", *(f"- {reason}" for reason in reasons), "")


def _of_targets(by_case: Mapping[str, Round]) -> Iterator[str]:
    for target in TARGETS:
        if target.case in by_case and target.of in by_case:
            figure, base = (
                getattr(by_case[case], target.figure) for case in (target.case, target.of)
            )
            multiple = figure / base if base else float("inf")
            is_met = multiple >= target.bound if target.is_minimum else multiple <= target.bound
            sign = "≥" if target.is_minimum else "≤"
            yield (
                f"| {target.what} | {_FIGURES[target.figure]} / {target.of} "
                f"| {multiple:.2f} {TIMES} "
                f"| {sign} {target.bound:g} {TIMES} | {_verdict(is_met=is_met)} |"
            )


def _of_singles(singles: list[Single]) -> Iterator[str]:
    for one in singles:
        if one.bound is not None:
            yield (
                f"| {one.what} | | {one.amount:,.2f} {one.unit} | ≤ {one.bound:g} {one.unit} "
                f"| {_verdict(is_met=one.amount <= one.bound)} |"
            )


def _verdict(*, is_met: bool) -> str:
    return "met" if is_met else "**not met**"


def _table(measured: list[Measured]) -> Iterator[str]:
    by_case = {each.case: each.figures for each in measured}
    yield from ("| | req/s | p50 ms | p99 ms | CPU µs | CPU / limit |", "|---|--:|--:|--:|--:|--:|")
    for each in measured:
        one, base = each.figures, by_case.get(each.of or "")
        multiple = f"{one.cpu / base.cpu:.2f} {TIMES}" if base and base.cpu else ""
        yield (
            f"| {each.case} | {one.per_second:,.0f} | {one.p50:.2f} | {one.p99:.2f} "
            f"| {one.cpu:,.0f} | {multiple} |"
        )
