"""Options of commands on the database of this host. A client imports no drafts, to start sooner."""

from typing import Annotated, Final

import typer

from gateway.domain.drafts import HolderReference
from gateway.domain.scopes import HOLDER_SCOPES

_HOLDERS: Final = {kind.lower(): kind for kind in HOLDER_SCOPES}


def holder_reference(text: str) -> HolderReference:
    """Read `job:ID`."""
    kind, _, holder_id = text.partition(":")
    if kind not in _HOLDERS or not holder_id:
        message = f"a holder is KIND:ID, the kind one of {', '.join(_HOLDERS)}."
        raise typer.BadParameter(message)
    return HolderReference(_HOLDERS[kind], holder_id)


AtHolder = Annotated[
    HolderReference,
    typer.Option(
        "--holder",
        parser=holder_reference,
        metavar="KIND:ID",
        help="The project, environment or service, e.g. job:ID.",
    ),
]
HolderToExport = Annotated[
    HolderReference | None,
    typer.Option(
        "--holder",
        parser=holder_reference,
        metavar="KIND:ID",
        help="Instead of --service: a holder of any kind, such as environment:ID.",
    ),
]
OnHolder = Annotated[
    HolderReference | None,
    typer.Option(
        "--on",
        parser=holder_reference,
        metavar="KIND:ID",
        help="Where it counts, e.g. job:ID; the whole organization if not given.",
    ),
]
