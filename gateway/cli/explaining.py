"""Explain and draw what a service sees."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from gateway.cli.facts import print_explanation
from gateway.cli.options import AsJson, ServiceId
from gateway.cli.printing import complain, holder_facts, say
from gateway.cli.running import run, service_of
from gateway.domain.effective import EffectiveSecret, Explanation, Picture
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.secrets import Secret
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


def explain(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key.")],
    service: ServiceId,
    *,
    as_json: AsJson = False,
) -> None:
    async def explain_key(runtime: Runtime) -> Explanation:
        holder = await service_of(runtime, service)
        principal = Principal.operator(holder.organization_id)
        async with runtime.database.read() as unit:
            explanation = await runtime.services.for_principal(principal, unit).effective.explain(
                service_id=service, key=key
            )
        if explanation is None:
            raise HolderNotFound(None, service)
        return explanation

    print_explanation(_facts(run(explain_key)), as_json=as_json)


def _facts(explanation: Explanation) -> dict[str, Any]:
    effective = explanation.effective
    return {
        "service": holder_facts(explanation.service),
        "key": explanation.key,
        "winner": _secret_facts(effective.winner) if effective else None,
        "provenance": effective.provenance if effective else None,
        "value_of": effective.resolves_to.id if effective else None,
        "target": _target_facts(effective) if effective else None,
        "losers": [_secret_facts(secret) for secret in effective.shadows] if effective else [],
        "references": [
            {
                "key": reference.key,
                "is_resolved": reference.is_resolved,
                "target": reference.target
                and {"id": reference.target.id, "key": reference.target.key},
            }
            for reference in explanation.references
        ],
        "absence": explanation.absence,
        "rule": explanation.rule,
        "elsewhere": [_secret_facts(secret) for secret in explanation.elsewhere],
    }


def _target_facts(effective: EffectiveSecret) -> dict[str, Any] | None:
    target = effective.resolves_to
    if target.id == effective.winner.id:
        return None
    return {"id": target.id, "key": target.key, "variable_type": target.variable_type}


def _secret_facts(secret: Secret) -> dict[str, Any]:
    return {
        "id": secret.id,
        "variable_type": secret.variable_type,
        "scope": secret.scope,
        "holder": holder_facts(secret.holder),
    }
