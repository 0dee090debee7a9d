"""The parts of a drawing before their layout: boxes, and lines between them.

Rows with references are drawn one by one; the many others are folded by the prefix of their keys.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import Final

from gateway.domain.effective import Picture, PictureColumn, PictureRow, Reference
from gateway.domain.secrets import SecretType

# A column with this many rows is still easy to read.
MAX_LOOSE: Final = 10
# From this many on, rows with the same key prefix become one.
LEAST_ALIKE: Final = 3
MAX_GROUPS: Final = 10
# More aliases of one secret, in one column, become one.
MAX_SIDE_BY_SIDE: Final = 5
# The most boxes that get lines.
MAX_LINKED: Final = 160
# The most lines that end at one box.
MAX_AT_ONE: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A row, or several rows that are folded under a fold's name."""

    column: int
    label: str
    rows: tuple[PictureRow, ...]
    fold: str | None = None

    @property
    def id(self) -> str:
        """The box's id, unique in the drawing."""
        return self.fold or self.rows[0].secret.id

    @property
    def row(self) -> PictureRow | None:
        """The row, if it is one."""
        return None if self.fold else self.rows[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A drawn reference, from the referring box to its target."""

    kind: SecretType
    source: Box
    target: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The boxes and lines of a drawing: `linked` boxes have lines; `loose` ones are in order."""

    picture: Picture
    columns: tuple[PictureColumn, ...]
    linked: tuple[Box, ...]
    lines: tuple[Line, ...]
    loose: tuple[Box, ...]
    # The names of the folds that are open.
    unfolded: frozenset[str]
    # References between rows of the picture that get no line.
    undrawn: int

    @property
    def doubled(self) -> frozenset[str]:
        """The ids of the boxes that refer to one of their own column, and so need a second one."""
        return frozenset(
            line.source.id for line in self.lines if line.source.column == line.target.column
        )


def fold(picture: Picture, *, unfolded: Collection[str] = (), is_whole: bool = False) -> Plan:
    """Return what is drawn of a picture. Folds that are named, or all, are drawn row by row."""
    return _Folding(picture, frozenset(unfolded), is_whole=is_whole).plan()


class _Folding:
    """One picture on its way to a plan."""

    def __init__(self, picture: Picture, unfolded: frozenset[str], *, is_whole: bool) -> None:
        self._picture = picture
        # Built-in secrets are few and often none; every other scope of the chain is shown.
        self._columns = tuple(column for column in picture.columns if column.holder or column.rows)
        self._unfolded = unfolded
        self._is_whole = is_whole
        self._opened: set[str] = set()
        self._rows = {row.secret.id: row for row in picture.rows}
        self._column_of = {
            row.secret.id: at for at, column in enumerate(self._columns) for row in column.rows
        }

    def plan(self) -> Plan:
        references = self._picture.references
        boxes = self._seal(references)
        lines = {
            (boxes[reference.source_id].id, reference.target_id): Line(
                kind=reference.kind,
                source=boxes[reference.source_id],
                target=boxes[reference.target_id],
            )
            for reference in references
        }
        kept = within_bounds(tuple(lines.values()))
        linked = {box.id: box for line in kept for box in (line.target, line.source)}
        drawn = {row.secret.id for box in linked.values() for row in box.rows}
        layout = range(len(self._columns))
        return Plan(
            picture=self._picture,
            columns=self._columns,
            linked=tuple(linked.values()),
            lines=kept,
            loose=tuple(chain.from_iterable(self._loose(at, drawn) for at in layout)),
            unfolded=frozenset(self._opened),
            undrawn=len(references) - sum(len(line.source.rows) for line in kept),
        )

    def _is_open(self, fold: str) -> bool:
        if fold in self._unfolded:
            self._opened.add(fold)
        return self._is_whole or fold in self._unfolded

    def _single(self, row: PictureRow) -> Box:
        secret = row.secret
        return Box(column=self._column_of[secret.id], label=secret.key, rows=(row,))

    # ----------------------------------------------------------------------- rows with references

    def _seal(self, references: Sequence[Reference]) -> Mapping[str, Box]:
        """Return the box of each row that has a line, by the row's secret."""
        ends = set(
            chain.from_iterable(
                (reference.source_id, reference.target_id) for reference in references
            )
        )
        boxes = {id_: self._single(row) for id_, row in self._rows.items() if id_ in ends}
        for fold, rows in self._side_by_side(references):
            target = rows[0].secret.target
            if target is None or self._is_open(fold):
                continue
            label = f"aliases of {target.key}"
            column = self._column_of[rows[0].secret.id]
            box = Box(column=column, label=label, rows=rows, fold=fold)
            boxes |= {row.secret.id: box for row in rows}
        return boxes

    def _side_by_side(
        self, references: Sequence[Reference]
    ) -> Iterator[tuple[str, tuple[PictureRow, ...]]]:
        """Give the aliases of one secret in one column, where they are many."""
        together: dict[str, list[PictureRow]] = defaultdict(list)
        for reference in references:
            # No alias is aliased: nothing refers to what is folded here.
            if reference.kind is SecretType.ALIAS:
                scope = self._columns[self._column_of[reference.source_id]].scope
                together[f"{scope}:{reference.target_id}"].append(self._rows[reference.source_id])
        for fold, rows in together.items():
            if len(rows) > MAX_SIDE_BY_SIDE:
                yield fold, tuple(rows)

    # -------------------------------------------------------------------------------- all others

    def _loose(self, column: int, drawn: AbstractSet[str]) -> Iterator[Box]:
        """Give the boxes of a column that have no line, the single ones first."""
        rows = [row for row in self._columns[column].rows if row.secret.id not in drawn]
        if len(rows) <= MAX_LOOSE:
            yield from map(self._single, rows)
            return
        groups = group(rows)
        rest = groups.pop("", ())
        if len(rest) > MAX_LOOSE:
            groups[""] = rest
        else:
            yield from map(self._single, rest)
        for beginning, alike in groups.items():
            yield from self._group(column, beginning, tuple(alike))

    def _group(self, column: int, beginning: str, rows: tuple[PictureRow, ...]) -> Iterator[Box]:
        fold = f"{self._columns[column].scope}:{beginning}"
        if self._is_open(fold):
            yield from map(self._single, rows)
        else:
            label = f"{beginning}…" if beginning else "others"
            yield Box(column=column, label=label, rows=rows, fold=fold)


def within_bounds(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines of as many boxes as are laid out; all of one secret before the next."""
    boxes: set[str] = set()
    ending: Counter[str] = Counter()
    kept: list[Line] = []
    for line in sorted(lines, key=lambda item: (item.target.label, item.target.id)):
        target, both = line.target.id, {line.source.id, line.target.id}
        if len(boxes | both) <= MAX_LINKED and ending[target] < MAX_AT_ONE:
            boxes |= both
            ending[target] += 1
            kept.append(line)
    return tuple(kept)


def group(rows: Sequence[PictureRow]) -> dict[str, Sequence[PictureRow]]:
    """Return rows by key prefix, up to the first underscore; single ones under ``."""
    alike: dict[str, list[PictureRow]] = defaultdict(list)
    for row in rows:
        alike[_beginning(row.secret.key)].append(row)
    large = sorted(alike, key=lambda item: (-len(alike[item]), item))[:MAX_GROUPS]
    kept = {item for item in large if item and len(alike[item]) >= LEAST_ALIKE}
    groups: dict[str, Sequence[PictureRow]] = {item: alike[item] for item in sorted(kept)}
    groups[""] = [row for row in rows if _beginning(row.secret.key) not in kept]
    return groups


def _beginning(key: str) -> str:
    first, underscore, _ = key.partition("_")
    return first + underscore if underscore else ""
