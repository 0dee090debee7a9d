"""Commands on holders."""

from collections.abc import Sequence
from typing import Annotated

import typer

from gateway.cli.facts import NewName, print_deleted_holders, print_holder
from gateway.cli.options import (
    AsJson,
    DryRun,
    InEnvironment,
    InProject,
    OfKind,
    OrganizationName,
    ServiceKind,
    WithContent,
)
from gateway.cli.printing import holder_facts
from gateway.cli.running import HolderLocation, find, kinds_of, operator_of, run
from gateway.domain.drafts import HolderReference, WriteOptions
from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.topology import HolderWithCount
from gateway.runtime import Runtime


def create(
    kind: Scope, name: str, *, where: HolderLocation, within: str | None = None, as_json: bool
) -> None:
    """Create a holder; `within` is the name or id of the one directly above."""

    async def work(runtime: Runtime) -> Holder:
        operator, parent = await operator_of(runtime, where.organization), None
        if within is not None and kind.parent is not None:
            _, above = await find(runtime, where, [kind.parent], within)
            parent = HolderReference(above.kind, above.id)
        return await runtime.services.for_principal(operator).administration.create_holder(
            kind=kind, name=name, parent=parent
        )

    print_holder("created", holder_facts(run(work)), as_json=as_json)


def rename(
    kinds: Sequence[Scope], text: str, name: str, *, where: HolderLocation, as_json: bool
) -> None:
    """Give the holder that a text names another name."""

    async def work(runtime: Runtime) -> Holder:
        operator, holder = await find(runtime, where, kinds, text)
        return await runtime.services.for_principal(operator).administration.rename_holder(
            holder_reference=HolderReference(holder.kind, holder.id), name=name
        )

    print_holder("renamed", holder_facts(run(work)), as_json=as_json)


def delete(
    kinds: Sequence[Scope],
    text: str,
    *,
    where: HolderLocation,
    with_content: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Delete the holder that a text names, and tell what went with it."""

    async def work(runtime: Runtime) -> Sequence[HolderWithCount]:
        operator, holder = await find(runtime, where, kinds, text)
        existing = await runtime.operator.directory.with_content(holder=holder)
        await runtime.services.for_principal(operator).administration.delete_holder(
            holder_reference=HolderReference(holder.kind, holder.id),
            with_content=with_content,
            options=WriteOptions(dry_run=dry_run),
        )
        await runtime.operator.deletions.finish()
        return existing

    gone = [holder_facts(item.holder) | {"secrets": item.secrets} for item in run(work)]
    print_deleted_holders(gone, dry_run=dry_run, as_json=as_json)


WhichProject = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name or id.")]
WhichEnvironment = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Its name or id.")]
WhichService = Annotated[str, typer.Argument(metavar="SERVICE", help="Its name or id.")]


def create_project(
    name: NewName, organization: OrganizationName, *, as_json: AsJson = False
) -> None:
    where = HolderLocation(organization=organization)
    create(Scope.PROJECT, name, where=where, as_json=as_json)


def rename_project(
    project: WhichProject, name: NewName, organization: OrganizationName, *, as_json: AsJson = False
) -> None:
    where = HolderLocation(organization=organization)
    rename([Scope.PROJECT], project, name, where=where, as_json=as_json)


def delete_project(
    project: WhichProject,
    organization: OrganizationName,
    *,
    with_content: WithContent = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    delete(
        [Scope.PROJECT],
        project,
        where=HolderLocation(organization=organization),
        with_content=with_content,
        dry_run=dry_run,
        as_json=as_json,
    )


def create_environment(
    name: NewName,
    organization: OrganizationName,
    project: Annotated[str, typer.Option(help="The name or id of the project that it is in.")],
    *,
    as_json: AsJson = False,
) -> None:
    where = HolderLocation(organization=organization)
    create(Scope.ENVIRONMENT, name, where=where, within=project, as_json=as_json)


def rename_environment(
    environment: WhichEnvironment,
    name: NewName,
    organization: OrganizationName,
    project: InProject = None,
    *,
    as_json: AsJson = False,
) -> None:
    where = HolderLocation(organization=organization, project=project)
    rename([Scope.ENVIRONMENT], environment, name, where=where, as_json=as_json)


def delete_environment(
    environment: WhichEnvironment,
    organization: OrganizationName,
    project: InProject = None,
    *,
    with_content: WithContent = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    delete(
        [Scope.ENVIRONMENT],
        environment,
        where=HolderLocation(organization=organization, project=project),
        with_content=with_content,
        dry_run=dry_run,
        as_json=as_json,
    )


def create_service(
    name: NewName,
    organization: OrganizationName,
    kind: ServiceKind,
    environment: Annotated[
        str, typer.Option(help="The name or id of the environment that it is in.")
    ],
    project: InProject = None,
    *,
    as_json: AsJson = False,
) -> None:
    where = HolderLocation(organization=organization, project=project)
    create(kind, name, where=where, within=environment, as_json=as_json)


def rename_service(
    service: WhichService,
    name: NewName,
    organization: OrganizationName,
    *,
    project: InProject = None,
    environment: InEnvironment = None,
    kind: OfKind = None,
    as_json: AsJson = False,
) -> None:
    where = HolderLocation(organization=organization, project=project, environment=environment)
    rename(kinds_of(kind), service, name, where=where, as_json=as_json)


def delete_service(
    service: WhichService,
    organization: OrganizationName,
    *,
    project: InProject = None,
    environment: InEnvironment = None,
    kind: OfKind = None,
    with_content: WithContent = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    delete(
        kinds_of(kind),
        service,
        where=HolderLocation(organization=organization, project=project, environment=environment),
        with_content=with_content,
        dry_run=dry_run,
        as_json=as_json,
    )
