"""Options and arguments that several commands have, and how their texts are read."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.domain.drafts import HolderReference
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope

_HOLDERS: Final = {kind.lower(): kind for kind in HOLDER_SCOPES}
_SERVICES: Final = {kind.lower(): kind for kind in SERVICE_SCOPES}


def holder_reference(text: str) -> HolderReference:
    """Read `job:ID`."""
    kind, _, holder_id = text.partition(":")
    if kind not in _HOLDERS or not holder_id:
        message = f"a holder is KIND:ID, the kind one of {', '.join(_HOLDERS)}."
        raise typer.BadParameter(message)
    return HolderReference(_HOLDERS[kind], holder_id)


def service_kind(text: str) -> Scope:
    """Read `job`."""
    if text not in _SERVICES:
        message = f"a kind of service is one of {', '.join(_SERVICES)}."
        raise typer.BadParameter(message)
    return _SERVICES[text]


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would happen; change nothing.")]
KeepCreated = Annotated[
    bool, typer.Option("--keep-created", help="Leave the tokens valid that were created by it.")
]
WithContent = Annotated[
    bool, typer.Option("--with-content", help="Delete what is below it and all secrets, too.")
]
OrganizationName = Annotated[
    str, typer.Option("--organization", help="The organization's name or id.")
]
ServiceId = Annotated[str, typer.Option("--service", metavar="ID", help="The service's id.")]


class OnUnresolved(StrEnum):
    KEEP = "keep"
    FAIL = "fail"


WhenUnresolved = Annotated[
    OnUnresolved,
    typer.Option(
        "--on-unresolved",
        help="What to do with a reference that leads to no key: keep its text, or fail.",
    ),
]
AtHolder = Annotated[
    HolderReference,
    typer.Option(
        "--holder",
        parser=holder_reference,
        metavar="KIND:ID",
        help="The project, environment or service, e.g. job:ID.",
    ),
]
ServiceToExport = Annotated[
    str | None, typer.Option("--service", metavar="ID", help="The service's id.")
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
InProject = Annotated[
    str | None, typer.Option("--project", help="The name or id of the project that it is in.")
]
InEnvironment = Annotated[
    str | None,
    typer.Option("--environment", help="The name or id of the environment that it is in."),
]
OfKind = Annotated[
    Scope | None,
    typer.Option(
        "--kind", parser=service_kind, metavar="KIND", help=f"One of {', '.join(_SERVICES)}."
    ),
]
ValueFile = Annotated[
    Path | None,
    typer.Option(help="File with the value; standard input if not given.", dir_okay=False),
]
Exact = Annotated[
    bool, typer.Option("--exact", help="Keep a line end at the value's end; else it is taken off.")
]
