"""Commands around projects, environments and services."""

from typing import Annotated

import typer

from gateway.cli import shaping
from gateway.cli.locating import Whereabouts, kinds_of
from gateway.cli.options import (
    AsJson,
    DryRun,
    InEnvironment,
    InProject,
    OfKind,
    OrganizationName,
    WithContent,
    service_kind,
)
from gateway.domain.scopes import Scope

NewName = Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]
WhichProject = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name or id.")]
WhichEnvironment = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Its name or id.")]
WhichService = Annotated[str, typer.Argument(metavar="SERVICE", help="Its name or id.")]


def create_project(
    name: NewName, organization: OrganizationName, *, as_json: AsJson = False
) -> None:
    where = Whereabouts(organization=organization)
    shaping.create(Scope.PROJECT, name, where=where, as_json=as_json)


def rename_project(
    project: WhichProject,
    name: NewName,
    organization: OrganizationName,
    *,
    as_json: AsJson = False,
) -> None:
    where = Whereabouts(organization=organization)
    shaping.rename([Scope.PROJECT], project, name, where=where, as_json=as_json)


def delete_project(
    project: WhichProject,
    organization: OrganizationName,
    *,
    with_content: WithContent = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    shaping.delete(
        [Scope.PROJECT],
        project,
        where=Whereabouts(organization=organization),
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
    where = Whereabouts(organization=organization)
    shaping.create(Scope.ENVIRONMENT, name, where=where, within=project, as_json=as_json)


def rename_environment(
    environment: WhichEnvironment,
    name: NewName,
    organization: OrganizationName,
    project: InProject = None,
    *,
    as_json: AsJson = False,
) -> None:
    where = Whereabouts(organization=organization, project=project)
    shaping.rename([Scope.ENVIRONMENT], environment, name, where=where, as_json=as_json)


def delete_environment(
    environment: WhichEnvironment,
    organization: OrganizationName,
    project: InProject = None,
    *,
    with_content: WithContent = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    shaping.delete(
        [Scope.ENVIRONMENT],
        environment,
        where=Whereabouts(organization=organization, project=project),
        with_content=with_content,
        dry_run=dry_run,
        as_json=as_json,
    )


def create_service(
    name: NewName,
    organization: OrganizationName,
    kind: Annotated[
        Scope, typer.Option(parser=service_kind, metavar="KIND", help="What it is, e.g. job.")
    ],
    environment: Annotated[
        str, typer.Option(help="The name or id of the environment that it is in.")
    ],
    project: InProject = None,
    *,
    as_json: AsJson = False,
) -> None:
    where = Whereabouts(organization=organization, project=project)
    shaping.create(kind, name, where=where, within=environment, as_json=as_json)


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
    where = Whereabouts(organization=organization, project=project, environment=environment)
    shaping.rename(kinds_of(kind), service, name, where=where, as_json=as_json)


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
    shaping.delete(
        kinds_of(kind),
        service,
        where=Whereabouts(organization=organization, project=project, environment=environment),
        with_content=with_content,
        dry_run=dry_run,
        as_json=as_json,
    )
