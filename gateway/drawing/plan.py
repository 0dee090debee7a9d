"""The parts of a drawing before their layout: boxes, and lines between them."""

from dataclasses import dataclass

from gateway.domain.pictures import Picture, PictureColumn, PictureRow
from gateway.domain.secrets import SecretType


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
