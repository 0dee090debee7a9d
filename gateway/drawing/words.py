"""The words of a drawing, for every output format."""

import re
from collections.abc import Iterator
from typing import Final

from gateway.domain.effective import Picture, PictureColumn, PictureRow
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretType
from gateway.drawing.plan import Box

# Characters that XML cannot contain, or that change the direction of the text around them.
_UNSHOWABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_CUT: Final = "…"
_VERBS: Final = {SecretType.ALIAS: "alias of", SecretType.OVERRIDE: "overrides"}
CUT_OFF: Final = "The service sees more than is drawn here."


def showable(text: str) -> str:
    """Return the text without characters that break a drawing or its reading direction."""
    return _UNSHOWABLE.sub("\ufffd", text)


def shorten(text: str, most: int) -> str:
    """Return the text with its middle cut out, if it is longer: keys differ at both ends."""
    if len(text) <= most:
        return text
    ending = (most - len(_CUT)) // 2
    return text[: most - len(_CUT) - ending] + _CUT + text[-ending:]


def heading(picture: Picture) -> str:
    """Return the title of the drawing."""
    service = picture.service
    return showable(f"What the {service.kind.label} {service.name} sees")


def scope_name(column: PictureColumn) -> str:
    return "Built-in" if column.scope is Scope.BUILT_IN else column.scope.label.capitalize()


def column_name(column: PictureColumn) -> str:
    """Return the scope of a column and its holder's name."""
    name = f" {column.holder.name}" if column.holder else ""
    return showable(f"{scope_name(column)}{name}")


def verb(kind: SecretType) -> str:
    """Return the label of a line, from the referring secret to its target."""
    return _VERBS[kind]


def type_label(box: Box) -> str:
    """Return the text beside a box's label: the number of folded rows, or the row's type."""
    if box.row is None:
        return f"{len(box.rows)} rows"
    return _TYPE_LABELS.get(box.row.secret.variable_type, box.row.secret.variable_type.lower())


# A plain value needs no label, nor does a built-in secret in its own column.
_TYPE_LABELS: Final = {
    SecretType.VALUE: "",
    SecretType.BUILT_IN: "",
    SecretType.EXTERNAL_SECRET: "external",
}


def describe_row(row: PictureRow) -> str:
    """Return the description of a row, in sentences."""
    return showable(" ".join(_sentences(row)))


def _sentences(row: PictureRow) -> Iterator[str]:
    secret = row.secret
    kind = secret.variable_type.lower().replace("_", " ")
    yield f"{secret.key}: {kind} on {_describe_holder_of(secret)}."
    if secret.target is not None:
        yield f"It {_REFERS[secret.variable_type]} {secret.target.key} ({secret.target.scope})."
    elif secret.is_alias or secret.is_override:
        yield "Its target is not visible to you."
    if row.hidden_by is None:
        yield "The service gets it."
    else:
        kind = row.hidden_by.variable_type.lower()
        yield f"Hidden by the {kind} on {_describe_holder_of(row.hidden_by)}."


_REFERS: Final = {SecretType.ALIAS: "is an alias of", SecretType.OVERRIDE: "replaces the value of"}


def _describe_holder_of(secret: Secret) -> str:
    return f"{secret.holder.kind.label} {secret.holder.name}"


def describe_box(box: Box) -> str:
    """Return the description of a box: its row, or the rows that are folded in it."""
    if box.row is not None:
        return describe_row(box.row)
    hidden = sum(not row.is_winner for row in box.rows)
    among = f", {hidden} of them hidden" if hidden else ""
    return showable(f"{box.label}: {len(box.rows)} rows{among}. Open to see each.")
