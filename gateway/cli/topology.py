"""`apply`: making an organization what a file says."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, DryRun, WithContent
from gateway.cli.printing import counted, say, say_json
from gateway.cli.reading import name_to_show, read_text
from gateway.cli.refusals import Misread, Refused
from gateway.cli.running import run
from gateway.cli.topology_files import read_topology
from gateway.domain.drafts import WriteOptions
from gateway.domain.topology import Plan, Step, Topology
from gateway.runtime import Runtime

TopologyFile = Annotated[
    str, typer.Option("--file", "-f", help="The topology in YAML; - is standard input.")
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Delete the holders that the file does not name.")
]


def apply(
    file: TopologyFile,
    *,
    prune: Prune = False,
    with_content: WithContent = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    wanted = _read(file)

    async def work(runtime: Runtime) -> Plan:
        use_case = runtime.operator.topologies
        plan = await use_case.plan(wanted=wanted, prunes=prune)
        # Before anything is done, and outside the transaction: a slow reader must not hold it.
        (_report_json if as_json else _report)(plan, dry_run=dry_run)
        await use_case.apply(
            plan=plan, with_content=with_content, options=WriteOptions(dry_run=dry_run)
        )
        return plan

    plan = run(work)
    if not as_json:
        say(_ending(plan, dry_run=dry_run))


def _read(file: str) -> Topology:
    try:
        return read_topology(read_text(file))
    except Misread as misread:
        message = f"{name_to_show(file)}: {misread}"
        raise Refused(message) from None


def _report(plan: Plan, *, dry_run: bool) -> None:
    del dry_run
    is_new = " (new)" if plan.is_new_organization else ""
    say(f"organization {plan.organization.name}{is_new}")
    for step in plan.creations:
        say(f"  create {_describe(step)}")
    for step in plan.deletions:
        say(f"  delete {_describe(step)}, with {counted(step.secrets, 'secret')}")
    if plan.extraneous and not plan.prunes:
        say(f"  keep {counted(len(plan.extraneous), 'holder')} that the file does not name")


def _report_json(plan: Plan, *, dry_run: bool) -> None:
    is_fleeting = dry_run and plan.is_new_organization
    say_json(
        {
            "organization": {
                "id": None if is_fleeting else plan.organization.id,
                "name": plan.organization.name,
                "is_new": plan.is_new_organization,
            },
            "dry_run": dry_run,
            # A dry run's ids would belong to nothing.
            "create": _facts(plan.creations, with_ids=not dry_run),
            "delete": _facts(plan.deletions, with_ids=True),
            "keep": [] if plan.prunes else _facts(plan.extraneous, with_ids=True),
        }
    )


def _facts(steps: Sequence[Step], *, with_ids: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": step.holder.id if with_ids else None,
            "kind": step.holder.kind.lower(),
            "path": [name for _, name in step.path],
            "secrets": step.secrets,
        }
        for step in steps
    ]


def _describe(step: Step) -> str:
    return f"{step.holder.kind.label} {' / '.join(name for _, name in step.path)}"


def _ending(plan: Plan, *, dry_run: bool) -> str:
    if plan.is_empty:
        return "Nothing to do."
    return "Dry run: nothing was changed." if dry_run else "Done."
