"""`graph`: a picture of what a service sees, without a value."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer

from gateway.cli.locating import service_of
from gateway.cli.options import ServiceId
from gateway.cli.printing import complain, say
from gateway.cli.running import run
from gateway.domain.pictures import Picture
from gateway.domain.principals import Principal
from gateway.drawing.flowcharts import dot, mermaid
from gateway.drawing.plan import Plan, fold
from gateway.drawing.svg import svg
from gateway.drawing.words import CUT_OFF
from gateway.runtime import Runtime


class GraphFormat(StrEnum):
    SVG = "svg"
    MERMAID = "mermaid"
    DOT = "dot"


_DRAWN: Final[Mapping[GraphFormat, Callable[[Plan], str]]] = {
    GraphFormat.SVG: svg,
    GraphFormat.MERMAID: mermaid,
    GraphFormat.DOT: dot,
}


def graph(
    service: ServiceId,
    graph_format: Annotated[
        GraphFormat, typer.Option("--format", help="What to print.")
    ] = GraphFormat.SVG,
    *,
    whole: Annotated[bool, typer.Option("--all", help="Fold nothing.")] = False,
) -> None:
    async def pictured(runtime: Runtime) -> Picture:
        holder = await service_of(runtime, service)
        principal = Principal.operator(holder.organization_id)
        async with runtime.database.read() as unit:
            return await runtime.services.for_principal(principal, unit).pictures.of_service(
                service_id=service
            )

    picture = run(pictured)
    say(_DRAWN[graph_format](fold(picture, is_whole=whole)).removesuffix("\n"))
    if picture.is_cut:
        complain(CUT_OFF)
