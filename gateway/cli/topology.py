"""Export and apply a topology."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from yaml.nodes import Node

from gateway.cli import import_files
from gateway.cli.options import AsJson, DryRun, WithContent, name_to_show, read_text
from gateway.cli.printing import Misread, Refused, counted, say, say_json
from gateway.cli.running import run
from gateway.domain.content import ensure_name
from gateway.domain.drafts import WriteOptions
from gateway.domain.errors import InvalidInput
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from gateway.domain.topology import HolderPath, Plan, Step, Topology
from gateway.runtime import Runtime

_KINDS: Final[Mapping[str, Scope]] = {kind.lower(): kind for kind in SERVICE_SCOPES}

Below = Callable[[Node, HolderPath], Iterator[HolderPath]]


def read_topology(text: str) -> Topology:
    """Return what the file says.

    Raises:
        Misread: naming the line and the rule.

    """
    root = _fields(import_files.composed(text), "organization", "projects")
    if "organization" not in root:
        rule = "the file names no `organization`."
        raise Misread(rule)
    return Topology(
        organization=_name(root["organization"]),
        paths=tuple(_holders(Scope.PROJECT, root.get("projects"), (), _project)),
    )


def _project(node: Node, position: HolderPath) -> Iterator[HolderPath]:
    environments = _fields(node, "environments").get("environments")
    return _holders(Scope.ENVIRONMENT, environments, position, _environment)


def _environment(node: Node, position: HolderPath) -> Iterator[HolderPath]:
    rule = f"services stand below their kind: {', '.join(_KINDS)}."
    for key, names in import_files.entries(_fields(node, "services").get("services"), rule=rule):
        if key.value not in _KINDS:
            raise Misread(rule, position=import_files.line(key))
        yield from _services(_KINDS[key.value], names, position)


def _services(kind: Scope, node: Node, position: HolderPath) -> Iterator[HolderPath]:
    seen: set[str] = set()
    for item in import_files.items(node, rule="services of a kind are a list of names."):
        name = _name(item)
        if name in seen:
            rule = "this name stands here for the second time."
            raise Misread(rule, position=import_files.line(item))
        seen.add(name)
        yield (*position, (kind, name))


def _holders(
    kind: Scope, node: Node | None, position: HolderPath, below: Below
) -> Iterator[HolderPath]:
    rule = f"`{kind.lower()}s` must be a mapping of names."
    for key, under in import_files.entries(node, rule=rule):
        own: HolderPath = (*position, (kind, _name(key)))
        yield own
        yield from below(under, own)


def _fields(node: Node | None, *known: str) -> Mapping[str, Node]:
    rule = f"here can stand only: {', '.join(known)}."
    found: dict[str, Node] = {}
    for key, under in import_files.entries(node, rule=rule):
        if key.value not in known:
            raise Misread(rule, position=import_files.line(key))
        found[key.value] = under
    return found


def _name(node: Node) -> str:
    name = import_files.text_of(node, rule="a name is a text.")
    try:
        ensure_name(name)
    except InvalidInput as invalid:
        raise Misread(invalid.message, position=import_files.line(node)) from None
    return name


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
        await runtime.operator.deletions.finish()
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
