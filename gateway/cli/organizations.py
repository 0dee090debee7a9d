"""Commands around organizations."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, DryRun
from gateway.cli.printing import counted, organization_facts, say, say_json
from gateway.cli.running import run
from gateway.domain.drafts import WriteOptions
from gateway.domain.holders import Organization
from gateway.domain.topology import HolderPath, HolderWithCount
from gateway.runtime import Runtime
from gateway.services.operator.organizations import OrganizationDeletion

WhichOrganization = Annotated[str, typer.Argument(help="The organization's name or id.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]
ContentToo = Annotated[
    bool, typer.Option("--with-content", help="Delete its projects and all secrets, too.")
]


def create_organization(name: NewName, *, as_json: AsJson = False) -> None:
    made = run(lambda runtime: runtime.operator.organizations.create(name=name))
    _report("created", made, as_json=as_json)


def list_organizations(*, as_json: AsJson = False) -> None:
    found = run(lambda runtime: runtime.operator.organizations.all())
    if as_json:
        say_json({"organizations": [organization_facts(item) for item in found]})
        return
    for organization in found:
        say(f"{organization.id}  {organization.name}")


def show_organization(organization: WhichOrganization, *, as_json: AsJson = False) -> None:
    async def shown(runtime: Runtime) -> tuple[Organization, Mapping[HolderPath, HolderWithCount]]:
        found = await runtime.operator.directory.organization(named=organization)
        return found, await runtime.operator.directory.hierarchy(organization=found)

    found, hierarchy = run(shown)
    if as_json:
        say_json(organization_facts(found) | {"holders": _facts(hierarchy)})
        return
    for facts in _facts(hierarchy):
        say(f"{facts['id']}  {facts['kind']:<11}  {' / '.join(facts['path'])}")


def rename_organization(
    organization: WhichOrganization, name: NewName, *, as_json: AsJson = False
) -> None:
    async def rename(runtime: Runtime) -> Organization:
        found = await runtime.operator.directory.organization(named=organization)
        return await runtime.operator.organizations.rename(organization_id=found.id, name=name)

    _report("renamed", run(rename), as_json=as_json)


def delete_organization(
    organization: WhichOrganization,
    *,
    with_content: ContentToo = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    async def delete(runtime: Runtime) -> OrganizationDeletion:
        found = await runtime.operator.directory.organization(named=organization)
        deletion = await runtime.operator.organizations.delete(
            organization_id=found.id,
            with_content=with_content,
            options=WriteOptions(dry_run=dry_run),
        )
        await runtime.operator.deletions.finish()
        return deletion

    report = _report_deletion_json if as_json else _report_deletion
    report(run(delete), dry_run=dry_run)


def _facts(hierarchy: Mapping[HolderPath, HolderWithCount]) -> list[dict[str, Any]]:
    by_path = sorted(hierarchy, key=lambda path: [(name, kind) for kind, name in path])
    return [
        {
            "id": hierarchy[path].holder.id,
            "kind": hierarchy[path].holder.kind.lower(),
            "path": [name for _, name in path],
            "secrets": hierarchy[path].secrets,
        }
        for path in by_path
    ]


def _report(done: str, organization: Organization, *, as_json: bool) -> None:
    if as_json:
        say_json(organization_facts(organization))
    else:
        say(f"{done} organization {organization.name} ({organization.id})")


def _report_deletion(deletion: OrganizationDeletion, *, dry_run: bool) -> None:
    say(
        f"{'would delete' if dry_run else 'deleted'} organization {deletion.organization.name} "
        f"({deletion.organization.id}), with {counted(deletion.holders, 'holder')}, "
        f"{counted(deletion.secrets, 'secret')} and {counted(deletion.tokens, 'token')}"
    )


def _report_deletion_json(deletion: OrganizationDeletion, *, dry_run: bool) -> None:
    going = {"holders": deletion.holders, "secrets": deletion.secrets, "tokens": deletion.tokens}
    say_json(organization_facts(deletion.organization) | {"dry_run": dry_run} | going)
